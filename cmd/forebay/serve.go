package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
)

// newServeCommand runs the server.
func newServeCommand(a *app) *cobra.Command {
	var role, format, level string
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Take webhooks, call Claude, deliver",
		Example: "  forebay serve --config forebay.yaml\n  forebay serve --log-format json",
		Long:    "Run the server until SIGTERM or SIGINT. Then it takes nothing new, lets calls in flight\nfinish within shutdown.grace or puts them back, and exits 0. A second signal ends it at once;\nnothing that was accepted is lost by that.",
		GroupID: groupRun,
		Args:    argCount(0, 0, "run forebay serve --config forebay.yaml"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains([]string{forebay.RoleAll, forebay.RoleReceive, forebay.RoleWork}, role) {
				return usage("--role "+quote(role)+" is unknown", "write all, receive or work")
			}
			log, err := newLog(a.stderr, format, level)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), role, log)
		},
	}
	a.configFlag(cmd)
	cmd.Flags().StringVar(&role, "role", "all", "what it does: all, receive (takes webhooks, calls nobody) or work (takes none)")
	cmd.Flags().StringVar(&format, "log-format", "text", "how it logs to standard error: text or json")
	cmd.Flags().StringVar(&level, "log-level", "info", "what it logs: debug, info, warn or error")
	return cmd
}

func (a *app) serve(ctx context.Context, role string, log *slog.Logger) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		log.Warn("configuration: "+w.Message, "at", w.File, "line", w.Line, "remedy", w.Remedy)
	}
	v := buildVersion()
	s, err := forebay.New(ctx, forebay.Options{Config: cfg, Role: role, Log: log, Version: v.Version, Revision: v.Revision})
	if err != nil {
		return failBecause(err, "the server cannot start", forebay.Remedy(err, "run forebay doctor to check the surroundings"))
	}
	debug.FreeOSMemory() // what compiling rules and templates left behind
	err = s.Run(ctx)
	if err != nil && s.Addr() == nil {
		return failBecause(err, "the server cannot start", "correct it in "+cfg.File)
	}
	if err != nil {
		return failBecause(err, "the server ended", "start it again; what was accepted is on disk")
	}
	return nil
}

// load reads the configuration file of --config.
func (a *app) load() (*config.Config, error) {
	cfg, err := config.Load(a.config, a.getenv)
	if err == nil {
		return cfg, nil
	}
	if _, many := errors.AsType[*config.Errors](err); many {
		return nil, err // report shows each
	}
	return nil, failBecause(err, "the configuration cannot be read", "name the file with --config")
}

// newLog makes the program's log.
func newLog(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level "+quote(level)+" is unknown", "write debug, info, warn or error")
	}
	o := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usage("--log-format "+quote(format)+" is unknown", "write text or json")
}
