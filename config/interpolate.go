package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var (
	varName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// looksLikeVar are the notations of other tools, which are refused with the
	// name that was meant.
	looksLikeVar = regexp.MustCompile(`^(?:env[:.])?([A-Za-z_][A-Za-z0-9_]*)(?::?[-?=+].*)?$`)
)

// interpolate replaces ${NAME} by the environment variable and ${file:PATH} by
// the file's text in the scalar n. It is done after YAML is parsed, so that a
// value can never become more than a value. "$${" stands for "${" itself; every
// other "${" is refused rather than guessed at. ok is false when one was.
func (d *decoder) interpolate(path string, n *yaml.Node) (text string, ok bool) {
	if !strings.Contains(n.Value, "${") {
		return n.Value, true
	}
	var out strings.Builder
	ok = true
	rest := n.Value
	for {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			out.WriteString(rest)
			break
		}
		if strings.HasSuffix(before, "$") {
			out.WriteString(before[:len(before)-1] + "${")
			rest = after
			continue
		}
		out.WriteString(before)
		name, tail, closed := strings.Cut(after, "}")
		offset := len(n.Value) - len(after) - len("${")
		value, what, remedy := "", "${ is never closed", "close it with }, or write $${ for the text ${"
		if closed {
			value, what, remedy = d.lookup(name)
		}
		if what != "" {
			d.problem(path, d.placeIn(n, offset), what, remedy)
			ok = false
		}
		if !closed {
			break
		}
		out.WriteString(value)
		rest = tail
	}
	if !ok {
		d.spoil(path)
	}
	return out.String(), ok
}

// lookup returns what stands for ${name}, or what is wrong with it.
func (d *decoder) lookup(name string) (value, what, remedy string) {
	if file, isFile := strings.CutPrefix(name, "file:"); isFile {
		return d.include(strings.TrimSpace(file))
	}
	if !varName.MatchString(name) {
		remedy = "write ${NAME} or ${file:PATH}, or $${ for the text ${"
		if m := looksLikeVar.FindStringSubmatch(name); m != nil {
			remedy = "write ${" + m[1] + "} and set the variable; there are no defaults"
		}
		return "", fmt.Sprintf("${%s} is neither a variable nor a file", brief(name)), remedy
	}
	value, set := d.getenv(name)
	if !set {
		return "", "the environment variable " + brief(name) + " is not set", "set it, or write $${" + brief(name) + "} for the text itself"
	}
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return "", "the environment variable " + brief(name) + " is not UTF-8 text", "set it to text"
	}
	return value, "", ""
}

// include returns the text of a file without the newline that ends it.
func (d *decoder) include(file string) (value, what, remedy string) {
	if file == "" || strings.ContainsRune(file, 0) {
		return "", "${file:} names no file", "write ${file:PATH}"
	}
	data, err := readFile(resolvePath(d.dir, file), maxIncluded)
	if err != nil {
		return "", fmt.Sprintf("%s: %v", brief(file), err), "name a text file; relative paths start at " + d.dir
	}
	if !utf8.Valid(data) {
		return "", brief(file) + " is not UTF-8 text", "name a text file"
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), "", ""
}

// placeIn is locate. In a file with more mistakes than anybody reads the exact
// place is not worth the search for it.
func (d *decoder) placeIn(n *yaml.Node, offset int) place {
	if len(d.problems) > maxProblems {
		return placeOf(n)
	}
	return d.locate(n, offset)
}

// locate returns the place in the file of the byte at offset in the value of n.
// In a block scalar "|" the lines of the value are lines of the file; of other
// texts only the first line is looked at, and only where it stands in the file
// as it is. Failing that, the place is n's.
func (d *decoder) locate(n *yaml.Node, offset int) place {
	if n.Style&yaml.LiteralStyle != 0 {
		before := n.Value[:offset]
		start := strings.LastIndexByte(before, '\n') + 1
		content, _, _ := strings.Cut(n.Value[start:], "\n")
		line := n.Line + 1 + strings.Count(before, "\n")
		if i := strings.Index(d.line(line), content); i >= 0 {
			return place{line, utf8.RuneCountInString(d.line(line)[:i]+n.Value[start:offset]) + 1}
		}
		return place{line, 1}
	}
	quote := 0
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		quote = 1
	}
	if text := after(d.line(n.Line), n.Column-1+quote); strings.HasPrefix(text, n.Value[:offset]) {
		return place{n.Line, n.Column + quote + utf8.RuneCountInString(n.Value[:offset])}
	}
	return placeOf(n)
}

// line returns a line of the file, counting from 1.
func (d *decoder) line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return d.lines[n-1]
}

// after returns text without its first n characters.
func after(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[i:]
		}
		n--
	}
	return ""
}

// resolvePath returns path as seen from dir.
func resolvePath(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// brief shortens text for a message.
func brief(text string) string {
	const most = 80
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
