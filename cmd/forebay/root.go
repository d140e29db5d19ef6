package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The groups of commands in the help.
const (
	groupStart = "start"
	groupRun   = "run"
	groupHooks = "hooks"
	groupLook  = "look"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// run runs one command line and returns the exit code. It never exits and
// reads no global state, so that tests can call it.
func run(ctx context.Context, args []string, a *app) int {
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	a.json = a.json || slices.Contains(args, "--json") // it may stand behind a flag that is unknown
	return a.report(err)
}

// newRoot lists the commands, one per file.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:               "forebay",
		Short:             "Takes floods of signed webhooks and answers them with Claude at the account's rate",
		Long:              "Forebay takes floods of signed webhooks and answers them with Claude at the account's rate.\n\nBegin with forebay demo: it needs no key. Then forebay init, check and serve.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err.Error(), "run "+cmd.CommandPath()+" --help to see its flags")
	})
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write JSON for programs")
	root.AddGroup(
		&cobra.Group{ID: groupStart, Title: "Begin:"},
		&cobra.Group{ID: groupRun, Title: "Run:"},
		&cobra.Group{ID: groupHooks, Title: "Try a hook:"},
		&cobra.Group{ID: groupLook, Title: "Look:"},
	)
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newDemoCommand(a),
		newInitCommand(a),
		newCheckCommand(a),
		newDoctorCommand(a),
		newServeCommand(a),
		newSimulateCommand(a),
		newBackupCommand(a),
		newCheckStoreCommand(a),
		newTriggerCommand(a),
		newPreviewCommand(a),
		newVerifyCommand(a),
		newJobsCommand(a),
		newLanesCommand(a),
		newCostsCommand(a),
		newVersionCommand(a),
	)
	return root
}

// newHelpCommand is cobra's, but a topic that does not exist is wrong usage.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Show the help of a command",
		GroupID: groupLook,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = knownCommand(found, rest)
			}
			if err != nil {
				return err
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// knownCommand refuses what is not a command, naming those that it may have
// meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	todo := "run " + cmd.CommandPath() + " --help to see the commands"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		todo = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage("there is no command "+quote(args[0]), todo)
}

// report tells people, or with --json programs, what went wrong and returns
// the exit code.
func (a *app) report(err error) int {
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	f := asFailure(err)
	switch {
	case a.json:
		a.printJSONTo(a.stderr, map[string]*failure{"error": f})
	case len(f.Errors) > 0:
		for _, p := range f.Errors {
			a.errorf("%s\n", p)
		}
	default:
		a.errorf("forebay: %s\n", f)
	}
	return f.exit
}
