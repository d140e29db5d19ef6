package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay/config"
)

// A failure is what a command that could not do its work tells people: what is
// wrong, and what to do about it.
type failure struct {
	Code   string           `json:"code"` // the API's, or one of those below
	What   string           `json:"message"`
	Todo   string           `json:"hint,omitempty"`
	Errors []config.Problem `json:"errors,omitempty"` // of a configuration
	exit   int
	err    error
}

// The codes of failures that are not the API's.
const (
	codeFailed = "failed"
	codeUsage  = "wrong_usage"
	codeConfig = "config_invalid"
)

// Error returns "what is wrong; what to do".
func (f *failure) Error() string {
	if f.Todo == "" {
		return f.What
	}
	return f.What + "; " + f.Todo
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// fail is an error that ends the command with exit code 1.
func fail(what, todo string) error {
	return &failure{Code: codeFailed, What: what, Todo: todo, exit: exitFailed}
}

// failBecause is fail with its cause.
func failBecause(err error, what, todo string) error {
	return &failure{Code: codeFailed, What: fmt.Sprintf("%s: %v", what, err), Todo: todo, exit: exitFailed, err: err}
}

// usage is an error that ends the command with exit code 2.
func usage(what, todo string) error {
	return &failure{Code: codeUsage, What: what, Todo: todo, exit: exitUsage}
}

// asFailure finds the failure in err, or makes one.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if bad, ok := errors.AsType[*config.Errors](err); ok {
		return &failure{Code: codeConfig, What: "the configuration has " + counted(len(bad.Problems), "error"),
			Todo: "correct each; forebay check shows them too", Errors: bad.Problems, exit: exitFailed, err: err}
	}
	return &failure{Code: codeFailed, What: err.Error(), exit: exitFailed, err: err}
}

// An exitCode ends the command with that code and no further word: the command
// has said all there is to say.
type exitCode int

// Error returns the code in words.
func (c exitCode) Error() string { return "exit code " + strconv.Itoa(int(c)) }

// argCount wants between low and high arguments, or says what to write.
func argCount(low, high int, todo string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, got []string) error {
		switch {
		case len(got) < low:
			return usage(cmd.CommandPath()+" needs more arguments", todo)
		case len(got) > high:
			return usage(cmd.CommandPath()+" does not take "+quote(got[high]), todo)
		default:
			return nil
		}
	}
}

func quote(s string) string { return strconv.Quote(s) }
