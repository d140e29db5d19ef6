package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/forebayhq/forebay/internal/egress"
)

// A report collects what the checks find and knows where each setting stands.
type report struct {
	file       string
	dir        string
	now        time.Time
	locate     func(text *yaml.Node, offset int) place
	sites      map[string]site
	out        *egress.Egress // judges URLs; never sends
	fromFile   bool           // false: the configuration was written in Go and has no places
	unreadable bool
	problems   []Problem
	warnings   []Problem
}

// has reports whether the file sets path, to something that was not refused. Of
// a configuration without a file it knows nothing: there, zero means not set.
func (r *report) has(path string) bool {
	s := r.sites[path]
	return s.line > 0 && !s.bad
}

// sound reports whether neither path nor anything above it has been refused.
func (r *report) sound(path string) bool {
	for ; path != ""; path = parent(path) {
		if r.sites[path].bad {
			return false
		}
	}
	return true
}

// wrong reports a mistake in the setting at path and keeps later checks of it
// silent.
func (r *report) wrong(path, what, remedy string) {
	if !r.sound(path) {
		return
	}
	r.problems = append(r.problems, r.at(path, what, remedy))
	if s, ok := r.sites[path]; ok {
		s.bad = true
		r.sites[path] = s
	}
}

// wrongIn is wrong for a mistake inside a text, at a place within the text;
// line 0 if that is unknown.
func (r *report) wrongIn(path string, at place, what, remedy string) {
	if !r.sound(path) {
		return
	}
	p := r.at(path, what, remedy)
	if s := r.sites[path]; s.text != nil && s.raw() == "" {
		if offset, ok := offsetOf(s.text.Value, at); ok {
			found := r.locate(s.text, offset)
			p.Line, p.Column = found.line, found.column
		}
	}
	r.problems = append(r.problems, p)
}

// offsetOf returns the offset of a place in text.
func offsetOf(text string, at place) (offset int, ok bool) {
	if at.line < 1 {
		return 0, false
	}
	for range at.line - 1 {
		_, rest, found := strings.Cut(text[offset:], "\n")
		if !found {
			return 0, false
		}
		offset = len(text) - len(rest)
	}
	for range max(at.column, 1) - 1 {
		c, size := utf8.DecodeRuneInString(text[offset:])
		if size == 0 || c == '\n' {
			break
		}
		offset += size
	}
	return offset, true
}

// warn reports what is allowed but hardly meant.
func (r *report) warn(path, what, remedy string) {
	if r.sound(path) {
		r.warnings = append(r.warnings, r.at(path, what, remedy))
	}
}

// at makes a problem placed at path, or at the nearest setting above it that
// the file has.
func (r *report) at(path, what, remedy string) Problem {
	p := Problem{File: r.file, Path: path, Message: what, Remedy: remedy}
	if !r.fromFile {
		return p
	}
	p.Line, p.Column = 1, 1
	for ; path != ""; path = parent(path) {
		if s, ok := r.sites[path]; ok && s.line > 0 {
			p.Line, p.Column = s.line, s.column
			return p
		}
	}
	return p
}

// inRange checks that low <= n <= high.
func (r *report) inRange(path string, n, low, high int64) {
	switch {
	case n < low:
		r.wrong(path, fmt.Sprintf("%s is %d, the least is %d", name(path), n, low), fmt.Sprintf("write a number from %d to %d", low, high))
	case n > high:
		r.wrong(path, fmt.Sprintf("%s is %d, the most is %d", name(path), n, high), fmt.Sprintf("write a number from %d to %d", low, high))
	}
}

// durationIn checks that low <= d <= high.
func (r *report) durationIn(path string, d, low, high Duration) {
	switch {
	case d < low:
		r.wrong(path, fmt.Sprintf("%s is %s, the least is %s", name(path), d, low), fmt.Sprintf("write a duration from %s to %s", low, high))
	case d > high:
		r.wrong(path, fmt.Sprintf("%s is %s, the most is %s", name(path), d, high), fmt.Sprintf("write a duration from %s to %s", low, high))
	}
}

// sizeIn checks that low <= n <= high.
func (r *report) sizeIn(path string, n, low, high ByteSize) {
	switch {
	case n < low:
		r.wrong(path, fmt.Sprintf("%s is %s, the least is %s", name(path), n, low), fmt.Sprintf("write a size from %s to %s", low, high))
	case n > high:
		r.wrong(path, fmt.Sprintf("%s is %s, the most is %s", name(path), n, high), fmt.Sprintf("write a size from %s to %s", low, high))
	}
}

// oneOf checks that value is one of the words.
func (r *report) oneOf(path, value string, words ...string) {
	if slices.Contains(words, value) {
		return
	}
	remedy := "write " + orList(words)
	if near := nearest(value, words); near != "" {
		remedy = "did you mean " + near + "? Known: " + strings.Join(words, ", ")
	}
	r.wrong(path, fmt.Sprintf("%s cannot be %s", name(path), r.shown(path, value)), remedy)
}

// shown is how messages show the value of the setting at path: as the file
// says it, never what a variable in it stands for.
func (r *report) shown(path, value string) string {
	if raw := r.sites[path].raw(); raw != "" {
		value = raw
	}
	return strconv.Quote(brief(value))
}

// orList joins words with commas and "or".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// parent returns the path of the setting that path is in; empty at the top.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// item is the path of the i-th element of the list at path.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
