package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a configuration: where, what is wrong, and what
// to write instead. No field of it ever holds a secret.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0 where the configuration did not come from a file
	Column  int    `json:"column"` // from 1
	Path    string `json:"path"`   // "hooks.pr-summary.match"; empty for the file as a whole
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

// String returns "file:line:column: what is wrong; what to write instead".
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.Path != "":
		fmt.Fprintf(&b, "%s: ", p.Path)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Errors are all the mistakes of one configuration, in the order of its lines.
type Errors struct {
	Problems []Problem
	Warnings []Problem // what is allowed but hardly meant
}

// Error returns one problem per line.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sortProblems puts ps in the order of their places. Problems of one place
// keep the order in which they were found.
func sortProblems(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
