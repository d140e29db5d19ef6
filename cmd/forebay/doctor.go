package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
)

// newDoctorCommand checks what surrounds the server.
func newDoctorCommand(a *app) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Check the surroundings: disk, key, models, tokens, addresses",
		Long:    "Look at what the configuration needs: the store's disk, the listeners, the API key and\nthe models with their retirement, the GitHub token, the callbacks. Exit 1 if anything fails.",
		Example: "  forebay doctor --config forebay.yaml\n  forebay doctor --offline",
		GroupID: groupStart,
		Args:    argCount(0, 0, "run forebay doctor"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), offline) },
	}
	a.configFlag(cmd)
	cmd.Flags().BoolVar(&offline, "offline", false, "ask nobody, look at this machine alone")
	return cmd
}

func (a *app) doctor(ctx context.Context, offline bool) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	found, err := forebay.Doctor(ctx, cfg, offline)
	if err != nil {
		return failBecause(err, "the surroundings cannot be checked", "correct the configuration")
	}
	failed := false
	for _, f := range found {
		failed = failed || f.Status == "fail"
	}
	if a.json {
		a.printJSON(map[string]any{"ok": !failed, "findings": found})
	} else {
		a.showFindings(found)
	}
	if failed {
		return exitCode(exitFailed)
	}
	return nil
}

func (a *app) showFindings(found []forebay.Finding) {
	styles := map[string]style{"ok": green, "warn": yellow, "fail": red, "skipped": faint}
	for _, f := range found {
		a.printf("%s %s: %s\n", a.paint(styles[f.Status], fmt.Sprintf("%-7s", f.Status)), printable(f.Name), printable(f.Detail))
		if f.Remedy != "" {
			a.printf("        %s\n", printable(f.Remedy))
		}
	}
}
