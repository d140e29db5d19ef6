package verify

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A text is a compiled template of what is signed.
type text []piece

type piece struct {
	kind  string // "" for a literal
	lit   string
	place place
}

const (
	pieceBody      = "body"
	pieceTimestamp = "timestamp"
	pieceID        = "id"
	pieceURL       = "url"
	pieceURLPath   = "url:path"
	pieceCalled    = "called"
	pieceMethod    = "method"
	piecePayload   = "payload"
	piecePlace     = "place"
	pieceSecret    = "secret"

	// What single senders sign; see pieces.go.
	pieceHubSpot           = "called:hubspot"
	pieceContentfulPath    = "contentful:path"
	pieceContentfulHeaders = "contentful:headers"
	pieceHook0Names        = "hook0:names"
	pieceHook0Values       = "hook0:values"
	piecePlivo             = "plivo:v3"
)

// parseText compiles a template. Generic hooks bring their own, so that its
// errors are for people.
func parseText(template string) (text, error) {
	var t text
	for template != "" {
		lit, rest, open := strings.Cut(template, "{")
		if lit != "" {
			t = append(t, piece{lit: lit})
		}
		if !open {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q opens a brace and does not close it", "{"+rest)
		}
		one, err := parsePiece(name)
		if err != nil {
			return nil, err
		}
		t, template = append(t, one), after
	}
	return t, nil
}

func parsePiece(name string) (piece, error) {
	switch name {
	case pieceBody, pieceTimestamp, pieceID, pieceURL, pieceURLPath, pieceCalled, pieceMethod, piecePayload, pieceSecret,
		pieceHubSpot, pieceContentfulPath, pieceContentfulHeaders, pieceHook0Names, pieceHook0Values, piecePlivo:
		return piece{kind: name}, nil
	}
	p, err := parsePlace(name)
	if err != nil || p == nil {
		return piece{}, fmt.Errorf("{%s} is not a part that can be signed", name)
	}
	return piece{kind: piecePlace, place: p}, nil
}

// has reports whether the template has a part of that kind.
func (t text) has(kinds ...string) bool {
	for _, p := range t {
		if slices.Contains(kinds, p.kind) {
			return true
		}
	}
	return false
}

// A signing holds the values of a template's parts.
type signing struct {
	r             *Request
	timestamp, id string
	publicURL     string
	payload       []byte
	secret        string
	src           *source
}

// write feeds the text to w piece by piece, short ones through buf, so that a
// large body is neither copied nor a reason to allocate.
func (t text) write(w io.Writer, buf []byte, in *signing) {
	for i := range t {
		switch p := &t[i]; p.kind {
		case pieceBody:
			_, _ = w.Write(in.r.Body)
		case piecePayload:
			_, _ = w.Write(in.payload)
		default:
			_, _ = w.Write(append(buf[:0], p.value(in)...))
		}
	}
}

func (p *piece) value(in *signing) string {
	switch p.kind {
	case pieceTimestamp:
		return in.timestamp
	case pieceID:
		return in.id
	case pieceURL:
		return in.publicURL
	case pieceURLPath:
		path, _, _ := strings.Cut(in.publicURL, "?")
		return path
	case pieceCalled:
		return calledURL(in.publicURL, in.r.URL)
	case pieceMethod:
		return in.r.Method
	case pieceSecret:
		return in.secret
	case piecePlace:
		return p.place.read(in.src)
	case "":
		return p.lit
	}
	return p.special(in)
}

func (p *piece) special(in *signing) string {
	switch p.kind {
	case pieceHubSpot:
		return hubspotURL(calledURL(in.publicURL, in.r.URL))
	case pieceContentfulPath:
		return contentfulPath(calledURL(in.publicURL, in.r.URL))
	case pieceContentfulHeaders:
		return contentfulHeaders(in.r)
	case pieceHook0Names:
		names, _ := hook0(in.r, hook0Header)
		return names
	case pieceHook0Values:
		_, values := hook0(in.r, hook0Header)
		return values
	case piecePlivo:
		return plivoText(in.r, in.publicURL)
	}
	return ""
}

// signsURL reports whether the template needs the public URL.
func (t text) signsURL() bool {
	return t.has(pieceURL, pieceURLPath, pieceCalled, pieceHubSpot, pieceContentfulPath, piecePlivo)
}

// calledURL is the configured URL with the query as it arrived: senders add
// parameters of their own, and those are signed.
func calledURL(public, received string) string {
	base, query, _ := strings.Cut(public, "?")
	if _, got, ok := strings.Cut(received, "?"); ok {
		query = got
	}
	query, _, _ = strings.Cut(query, "#")
	if query == "" {
		return base
	}
	return base + "?" + query
}

// bytes returns the whole text, for schemes that cannot be fed piece by piece.
func (t text) bytes(in *signing) []byte {
	var b bytes.Buffer
	b.Grow(len(in.r.Body) + 128)
	t.write(&b, nil, in)
	return b.Bytes()
}
