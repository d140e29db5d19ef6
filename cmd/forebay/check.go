package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
)

// newCheckCommand checks a configuration file.
func newCheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Check the configuration: every mistake with its line, its reason and its remedy",
		Long:    "Check the configuration file and whatever it names, without touching the network.\nAll mistakes are shown at once. Exit code 1 if there is any; warnings do not count.",
		GroupID: groupStart,
		Args:    argCount(0, 0, "run forebay check --config forebay.yaml"),
		RunE:    func(*cobra.Command, []string) error { return a.check() },
	}
	a.configFlag(cmd)
	return cmd
}

// A checked is what check says of a file.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Errors   []config.Problem `json:"errors"`
	Warnings []config.Problem `json:"warnings"`
	Hooks    []checkedHook    `json:"hooks,omitempty"`
}

// A checkedHook is a hook as it will be served.
type checkedHook struct {
	Name    string   `json:"name"`
	Path    string   `json:"path"`
	Source  string   `json:"source"`
	Model   string   `json:"model"`
	Deliver []string `json:"deliver"`
	Cache   string   `json:"cache"` // what the prompt cache will do, by an estimate
}

func (a *app) check() error {
	result := checked{File: a.config, Errors: []config.Problem{}, Warnings: []config.Problem{}}
	c, err := config.Load(a.config, a.getenv)
	switch bad, many := errors.AsType[*config.Errors](err); {
	case many:
		result.Errors = bad.Problems
		result.Warnings = append(result.Warnings, bad.Warnings...)
	case err != nil:
		return failBecause(err, "the configuration cannot be read", "name the file with --config")
	default:
		result.OK, result.Hooks = true, hooksOf(c)
		result.Warnings = append(result.Warnings, c.Warnings...)
	}
	if a.json {
		a.printJSON(result)
	} else {
		a.printChecked(result)
	}
	if !result.OK {
		return exitCode(exitFailed)
	}
	return nil
}

func hooksOf(c *config.Config) []checkedHook {
	var hooks []checkedHook
	for _, name := range slices.Sorted(maps.Keys(c.Hooks)) {
		h := c.Hooks[name]
		targets := []string{}
		for _, t := range h.Deliver {
			targets = append(targets, targetName(t))
		}
		hooks = append(hooks, checkedHook{
			Name: name, Path: "/hooks/" + name, Source: h.Source.Type, Model: modelOf(c, h), Deliver: targets,
			Cache: forebay.CacheNote(c, name),
		})
	}
	return hooks
}

func targetName(t config.Target) string {
	switch {
	case t.GitHubComment != nil:
		return "github_comment"
	case t.Callback != nil:
		return "callback"
	default:
		return t.Func
	}
}

func modelOf(c *config.Config, h config.Hook) string {
	if h.Model == "" {
		return "by route"
	}
	return c.Model(h.Model)
}

func (a *app) printChecked(r checked) {
	for _, p := range r.Errors {
		a.printf("%s\n", p)
	}
	for _, p := range r.Warnings {
		a.printf("%s %s\n", a.paint(yellow, "warning:"), p)
	}
	if !r.OK {
		a.printf("%s\n", a.paint(red, r.File+": "+counted(len(r.Errors), "error")+warned(r)))
		return
	}
	rows := make([][]string, 0, len(r.Hooks))
	for _, h := range r.Hooks {
		rows = append(rows, []string{"POST " + h.Path, h.Source, h.Model, strings.Join(h.Deliver, ", "), "cache: " + h.Cache})
	}
	a.table(rows)
	a.printf("%s\n", a.paint(green, r.File+" is good: "+counted(len(r.Hooks), "hook")+warned(r)))
}

func warned(r checked) string {
	if len(r.Warnings) == 0 {
		return ""
	}
	return ", " + counted(len(r.Warnings), "warning")
}

// counted is "1 hook", "2 hooks".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
