package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// An app is the world as the commands see it. Each command is made by a
// function newXCommand(a *app) *cobra.Command in a file of its own and listed
// in root.go; it prints through the app and returns its errors.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(name string) (value string, set bool)
	color          bool // stdout is a terminal
	json           bool // --json
	config         string
}

// configFlag gives cmd the flag --config.
func (a *app) configFlag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.config, "config", "c", "forebay.yaml", "the configuration `file`")
}

// printf writes to standard output.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// errorf writes to standard error.
func (a *app) errorf(format string, args ...any) { fmt.Fprintf(a.stderr, format, args...) }

// printJSON writes v to standard output as indented JSON.
func (a *app) printJSON(v any) { a.printJSONTo(a.stdout, v) }

func (a *app) printJSONTo(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		a.errorf("forebay: the output could not be written: %v\n", err)
	}
}

// table writes rows in aligned columns to standard output.
func (a *app) table(rows [][]string) {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // a.stdout reports nothing that a person could still read
}

// telling leaves out the columns in which no row says anything, so that a list
// fits a terminal of 80 columns as long as it can. The first row has the names.
func telling(rows [][]string) [][]string {
	kept := make([][]string, len(rows))
	for column := range rows[0] {
		says := func(row []string) bool { return row[column] != "" && row[column] != "-" }
		if !slices.ContainsFunc(rows[1:], says) {
			continue
		}
		for i, row := range rows {
			kept[i] = append(kept[i], row[column])
		}
	}
	return kept
}

// A style is a manner of writing on a terminal.
type style string

// The styles.
const (
	bold   style = "1"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	faint  style = "2"
)

// paint gives text a style where standard output is a terminal and NO_COLOR
// (https://no-color.org) is not set.
func (a *app) paint(s style, text string) string {
	if !a.colored() {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

func (a *app) colored() bool {
	no, _ := a.getenv("NO_COLOR")
	return a.color && no == "" && !a.json
}
