package prompt

import (
	"fmt"
	"strings"
)

// A printer says how data is printed.
type printer int

const (
	printData    printer = iota // sanitised, between tags
	printField                  // as it is, or not at all
	printURL                    // escaped for a path or a query
	printNothing                // there is none
)

// emit prints the value of an action.
func emit(x any, how printer) (string, error) {
	d, ok := x.(*datum)
	if !ok {
		text, _, err := textOf(x)
		if err == nil && how == printURL {
			text, err = escape("a value", text)
		}
		return text, err
	}
	before := d.run.removed
	text, source, err := d.text()
	if err != nil {
		return "", err
	}
	switch how {
	case printField:
		return exact(d, text)
	case printURL:
		return escape(attribute(d.path), text)
	}
	clean := Sanitize
	if source {
		clean = SanitizeSource
	}
	text, removed := clean(text)
	d.run.removed.Add(removed)
	return delimit(text, d.path, d.run.removed.since(before)), nil
}

// exact prints a short text that consists of visible characters on one line.
func exact(d *datum, text string) (string, error) {
	const most = 2048
	clean, removed := Sanitize(text)
	if removed.Any() || clean != text || strings.ContainsAny(text, "\n\t") || len(text) > most {
		return "", &Error{Code: CodeFailed, Message: fmt.Sprintf("%s holds line ends, hidden characters or more than %d bytes", attribute(d.path), most)}
	}
	return text, nil
}

// escape makes a text one piece of a path or a query. Everything but the
// unreserved characters of RFC 3986 is encoded.
func escape(from, text string) (string, error) {
	if text == "" {
		return "", &Error{Code: CodeFailed, Message: from + " is empty, so the URL would be another one"}
	}
	if len(text) > 1024 {
		return "", &Error{Code: CodeFailed, Message: from + " is too long for a URL"}
	}
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String(), nil
}
