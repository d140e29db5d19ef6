package payload

import (
	"mime"
	"strings"
)

// A Kind is what a body is, by its content type. The body itself is never
// looked at to guess it.
type Kind int

// The kinds of bodies.
const (
	Text Kind = iota // anything else, and no content type at all
	JSON             // application/json, text/json, and any type that ends in +json
	Form             // application/x-www-form-urlencoded
)

// KindOf returns the kind that a Content-Type header names. Parameters and case
// do not count; a broken header is Text.
func KindOf(contentType string) Kind {
	switch contentType { // what most senders write, without an allocation
	case "application/json":
		return JSON
	case "application/x-www-form-urlencoded":
		return Form
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && media == "" {
		return Text
	}
	switch {
	case media == "application/json", media == "text/json", strings.HasSuffix(media, "+json"):
		return JSON
	case media == "application/x-www-form-urlencoded":
		return Form
	}
	return Text
}
