package prompt

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// origin is scheme, host and port, and what must come before any action: the
// slash or question mark after them.
var origin = regexp.MustCompile(`^\s*(https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)([/?]|\s*$)`)

// A URLTemplate is the template of a URL whose origin is fixed. It is safe for
// concurrent use.
type URLTemplate struct {
	t      *Template
	origin string
}

// CompileURL compiles the template of a URL. Scheme, host and port must be
// plain text: where a request goes, and with it the credentials, never depends
// on an event. Data is escaped as one piece of a path or a query.
func CompileURL(name, text string) (*URLTemplate, error) {
	m := origin.FindStringSubmatch(text)
	if m == nil {
		return nil, &Error{Code: CodeInvalid, Name: name, Line: 1, Message: "the URL's scheme and host are not plain text",
			Hint: "write https://HOST/ first, and use {{ }} in the path and the query alone"}
	}
	t, err := compile(name, strings.TrimSpace(text), printURL, nil)
	if err != nil {
		return nil, err
	}
	if !startsWith(t.main.Tree, m[1]) {
		return nil, &Error{Code: CodeInvalid, Name: name, Line: 1, Message: "the URL's scheme and host are not plain text"}
	}
	return &URLTemplate{t: t, origin: m[1]}, nil
}

// startsWith reports whether a template prints a text before it does anything.
func startsWith(tree *parse.Tree, prefix string) bool {
	if len(tree.Root.Nodes) == 0 {
		return false
	}
	first, ok := tree.Root.Nodes[0].(*parse.TextNode)
	return ok && strings.HasPrefix(string(first.Text), prefix)
}

// Origin returns scheme, host and port.
func (u *URLTemplate) Origin() string { return u.origin }

// Render fills the URL in. It is an *Error if the path would climb (".."), or
// if a value is missing or empty.
func (u *URLTemplate) Render(d Data) (*url.URL, error) {
	text, err := u.t.Render(d)
	if err != nil {
		return nil, err
	}
	out, err := url.Parse(text.Text)
	bad := &Error{Code: CodeFailed, Name: u.t.name, Message: "what the template makes is no URL of " + u.origin}
	if err != nil || len(text.Text) > 4096 || out.User != nil || out.Fragment != "" {
		return nil, bad
	}
	if !strings.EqualFold(out.Scheme+"://"+out.Host, u.origin) || out.Opaque != "" {
		return nil, bad
	}
	segments := strings.Split(out.Path, "/")
	if slices.Contains(segments, "..") || slices.Contains(segments, ".") {
		bad.Message = "a value makes the URL's path climb out of its place"
		return nil, bad
	}
	return out, nil
}
