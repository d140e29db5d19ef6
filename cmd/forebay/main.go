// Command forebay receives signed webhooks, stores them, calls Claude at the
// account's rate and delivers the answers.
//
// The package parses what was typed and calls the library; it must never hold
// logic that an embedding program would miss. It alone reads flags, the
// environment and signals, and it alone exits.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(realMain())
}

func realMain() int {
	cobra.EnableCommandSorting = false // the help lists commands in the order of root.go
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on a second signal ends the program at once
	return run(ctx, os.Args[1:], &app{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.LookupEnv,
		color:  isTerminal(os.Stdout),
	})
}

// isTerminal reports whether f is a device that people look at.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
