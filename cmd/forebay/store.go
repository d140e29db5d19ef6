package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
)

// newBackupCommand copies the store while the server runs or not.
func newBackupCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Copy the store into a new file, consistent and fsynced",
		Long:    "Copy the store into FILE, which must not exist yet. It works while the server runs.\nDo not copy the store with cp or open it with other programs.",
		GroupID: groupRun,
		Args:    argCount(1, 1, "write forebay backup FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if err := forebay.Backup(cmd.Context(), cfg, args[0]); err != nil {
				return failBecause(err, "no backup was made", "check the paths and the free space")
			}
			if a.json {
				a.printJSON(map[string]string{"file": args[0]})
				return nil
			}
			a.printf("The store was copied to %s\n", args[0])
			return nil
		},
	}
	a.configFlag(cmd)
	return cmd
}

// newCheckStoreCommand audits the store of a stopped server.
func newCheckStoreCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check-store",
		Short:   "Audit the store: integrity, checksums, no job without owner or schedule",
		Long:    "Audit the store of a stopped server, or a backup: name it in store of another configuration.\nExit 1 if anything is wrong; each finding is a line.",
		GroupID: groupRun,
		Args:    argCount(0, 0, "run forebay check-store"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkStore(cmd.Context())
		},
	}
	a.configFlag(cmd)
	return cmd
}

func (a *app) checkStore(ctx context.Context) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	findings, err := forebay.CheckStore(ctx, cfg)
	if errors.Is(err, fs.ErrNotExist) {
		return failBecause(err, "the store cannot be checked", "correct store in "+cfg.File+", or name another file with --config")
	}
	if err != nil {
		return failBecause(err, "the store cannot be checked", forebay.Remedy(err, "stop the server first, or check a backup"))
	}
	if a.json {
		a.printJSON(map[string]any{"ok": len(findings) == 0, "findings": findings})
	} else {
		for _, f := range findings {
			a.printf("%s\n", f)
		}
		if len(findings) == 0 {
			a.printf("The store is sound.\n")
		}
	}
	if len(findings) > 0 {
		return exitCode(exitFailed)
	}
	return nil
}
