package egress

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// A pattern is one entry of Policy.Paths, read.
type pattern struct {
	method   string // empty: any
	segments []string
	query    map[string]bool // the parameters that may be sent
}

func parsePattern(text string) (pattern, error) {
	var p pattern
	rest := text
	if m, after, ok := strings.Cut(text, " "); ok {
		p.method, rest = m, after
	}
	rest, query, _ := strings.Cut(rest, "?")
	if !strings.HasPrefix(rest, "/") || path.Clean(rest) != rest {
		return pattern{}, errors.New("it is not a clean absolute path")
	}
	p.segments = strings.Split(rest[1:], "/")
	for i, s := range p.segments {
		if strings.HasSuffix(s, "...}") && i != len(p.segments)-1 {
			return pattern{}, errors.New("{name...} is not its last part")
		}
	}
	p.query = map[string]bool{}
	for name := range strings.SplitSeq(query, "&") {
		p.query[name] = true
	}
	return p, nil
}

// match compares the request as it goes over the wire. Paths that could be read
// in two ways (encoded characters, dots, empty segments) match nothing.
func (p pattern) match(m string, u *url.URL) bool {
	if p.method != "" && p.method != method(m) && (p.method != http.MethodGet || m != http.MethodHead) {
		return false
	}
	if u.RawPath != "" || u.EscapedPath() != u.Path || path.Clean(u.Path) != u.Path || u.Fragment != "" {
		return false
	}
	return p.matchPath(u.Path) && p.matchQuery(u)
}

func (p pattern) matchPath(clean string) bool {
	if !strings.HasPrefix(clean, "/") {
		return false
	}
	parts := strings.Split(clean[1:], "/")
	for i, want := range p.segments {
		switch {
		case i >= len(parts):
			return false
		case strings.HasSuffix(want, "...}"):
			return parts[i] != ""
		case strings.HasPrefix(want, "{"):
			if parts[i] == "" {
				return false
			}
		case want != parts[i]:
			return false
		}
	}
	return len(parts) == len(p.segments)
}

func (p pattern) matchQuery(u *url.URL) bool {
	if u.RawQuery == "" {
		return true
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return false
	}
	for name, v := range values {
		if !p.query[name] || len(v) != 1 {
			return false
		}
	}
	return true
}
