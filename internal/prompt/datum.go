package prompt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/payload"
)

// A Source is a text whose readers see its markup: source code, a diff. HTML
// comments stay in it.
type Source string

// A Document is a part that is printed as Text and has named Fields besides.
type Document struct {
	Text   Source
	Fields map[string]any
}

// run is one use of a template.
type run struct {
	left    int // steps
	removed Removed
}

// charge pays for a step and for a number of bytes worked on.
func (r *run) charge(size int) error {
	r.left -= 1 + size/256
	return r.spent()
}

// scan pays for passing over a value, which is much quicker than work on it.
func (r *run) scan(v payload.Value) { r.left -= len(v.Raw()) / 65536 }

// spent is an error once nothing is left to pay with.
func (r *run) spent() error {
	if r.left < 0 {
		return exhausted()
	}
	return nil
}

func exhausted() *Error {
	return tooBig("the template takes more than " + strconv.Itoa(maxSteps) + " steps on this event")
}

// A datum is a value out of the event or a part, while a template works on it.
// Numbers and bools are not wrapped: nothing can hide in them.
type datum struct {
	run  *run
	path string // "payload.pull_request.title"
	// v is a string, a Source, a payload.Value that is an object or an array, a
	// map[string]any, []any or Document, nil for null, or absent.
	v any
}

// absent is a field that is not there. It may be tested and replaced by a
// default; anything else is the error that it makes.
type absent func() *Error

// root returns all of the data.
func (r *run) root(d Data) *datum {
	e := d.Event
	top := map[string]any{
		"event": map[string]any{
			"id": e.DeliveryID, "source": own(e.Source), "type": e.Type, "subject": e.Subject, "hook": own(e.Hook), "time": own(when(e)),
		},
		"payload": payload.Of(e),
		"headers": strings2any(e.Header),
		"query":   payload.FormValue(e.Query),
	}
	for name, part := range d.Parts {
		if _, taken := top[name]; !taken {
			top[name] = part
		}
	}
	return &datum{run: r, v: top}
}

// own marks a text as the operator's.
type own string

func when(e event.Event) string {
	t := e.Time
	if t.IsZero() {
		t = e.ReceivedAt
	}
	return t.UTC().Format(time.RFC3339)
}

func strings2any(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// wrap returns a value as templates handle it: a string, int64, float64 or bool
// of the operator's, or a *datum.
func (r *run) wrap(v any, path string) any {
	switch v := v.(type) {
	case own:
		return string(v)
	case bool, int64, float64:
		return v
	case int:
		return int64(v)
	case payload.Value:
		scalar, ok := v.Scalar()
		if !ok {
			break
		}
		if n, isNumber := scalar.(json.Number); isNumber {
			scalar = string(n)
		}
		return r.wrap(scalar, path)
	case nil, string, Source, Document, absent, map[string]any, []any:
	case []byte:
		return &datum{run: r, path: path, v: string(v)}
	case json.RawMessage:
		return r.encoded(v, path)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return &datum{run: r, path: path, v: absent(func() *Error { return failed(path + " cannot be shown: " + err.Error()) })}
		}
		return r.encoded(b, path)
	}
	return &datum{run: r, path: path, v: v}
}

// encoded wraps JSON.
func (r *run) encoded(b []byte, path string) any {
	if err := payload.Check(b); err != nil {
		return &datum{run: r, path: path, v: absent(func() *Error { return failed(path + " is not JSON") })}
	}
	return r.wrap(payload.Parse(b), path)
}

func failed(message string) *Error { return &Error{Code: CodeFailed, Message: message} }

// member returns a field of d.
func (d *datum) member(name string) any {
	path := name
	if d.path != "" {
		path = d.path + "." + name
	}
	var v any
	ok := false
	switch of := d.v.(type) {
	case absent:
		return d
	case payload.Value:
		d.run.scan(of)
		v, ok = of.Get(name)
	case map[string]any:
		v, ok = of[name]
	case Document:
		v, ok = of.Fields[name]
	}
	if !ok {
		v = absent(func() *Error {
			return &Error{Code: CodeFailed, Message: fmt.Sprintf("there is no %q in %s", name, d.describe()),
				Hint: "give a default ({{ .x | default \"none\" }}) or test it first ({{ if .x }})"}
		})
	}
	return d.run.wrap(v, path)
}

// describe says what d is, for an error: its names, if it has any.
func (d *datum) describe() string {
	const most = 20
	kind := ""
	switch d.v.(type) {
	case nil:
		kind = ", which is null"
	case string, Source:
		kind = ", which is a text"
	}
	if names := d.names(most + 1); len(names) > 0 {
		suffix := ""
		if len(names) > most {
			names, suffix = names[:most], ", ..."
		}
		kind = ", which has " + strings.Join(names, ", ") + suffix
	}
	return attribute(d.path) + kind
}

// names returns up to most names of members, made harmless.
func (d *datum) names(most int) (names []string) {
	add := func(name string) bool {
		names = append(names, attribute(name))
		return len(names) < most
	}
	switch v := d.v.(type) {
	case payload.Value:
		for name := range v.Members() {
			if !add(name) {
				break
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !add(name) {
				break
			}
		}
	}
	return names
}

// truth is what if sees: everything but absent, null and empty values.
func (d *datum) truth() bool {
	switch v := d.v.(type) {
	case nil, absent:
		return false
	case string:
		return v != ""
	case Source:
		return v != ""
	case Document:
		return v.Text != ""
	}
	n, _ := d.size()
	return n > 0
}

// size is the number of characters, elements or members.
func (d *datum) size() (int, bool) {
	switch v := d.v.(type) {
	case nil:
		return 0, true
	case string:
		return d.characters(v), true
	case Source:
		return d.characters(string(v)), true
	case Document:
		return d.characters(string(v.Text)), true
	case payload.Value:
		d.run.scan(v)
		return v.Len(), true
	case map[string]any:
		return len(v), true
	case []any:
		return len(v), true
	}
	return 0, false
}

func (d *datum) characters(text string) int {
	d.run.left -= len(text) / 1024
	return utf8.RuneCountInString(text)
}

// text returns d as a text: a container as JSON. source says that it is code.
func (d *datum) text() (text string, source bool, err error) {
	switch v := d.v.(type) {
	case nil:
	case absent:
		return "", false, v()
	case string:
		text = v
	case Source:
		text, source = string(v), true
	case Document:
		text, source = string(v.Text), true
	default:
		text, err = d.json("")
	}
	if err == nil {
		err = d.run.charge(len(text))
	}
	return text, source, err
}

// json returns d as JSON with sorted names, its texts sanitised.
func (d *datum) json(indent string) (string, error) {
	plain, err := d.plain(d.v, 0)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(plain); err != nil {
		return "", failed(attribute(d.path) + " cannot be shown as JSON")
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// plain copies a value for encoding/json.
func (d *datum) plain(v any, depth int) (any, error) {
	if depth > payload.MaxDepth {
		return nil, tooBig(attribute(d.path) + " is nested too deep")
	}
	if err := d.run.charge(64); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case string:
		text, removed := Sanitize(v)
		d.run.removed.Add(removed)
		return text, d.run.charge(len(text))
	case payload.Value:
		decoded, err := v.Decode()
		if err != nil {
			return nil, tooBig(attribute(d.path) + " is too large to be shown as a whole")
		}
		return d.plain(decoded, depth)
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			element, err := d.plain(v[name], depth+1)
			if err != nil {
				return nil, err
			}
			clean, removed := Sanitize(name)
			d.run.removed.Add(removed)
			out[clean] = element
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, element := range v {
			element, err := d.plain(element, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, element)
		}
		return out, nil
	case Source:
		text, removed := SanitizeSource(string(v))
		d.run.removed.Add(removed)
		return text, d.run.charge(len(text))
	case Document:
		return d.plain(v.Text, depth)
	case own:
		return string(v), nil
	case absent:
		return nil, v()
	case bool, int64, float64, int, json.Number, nil:
		return v, nil
	}
	return d.foreign(v, depth)
}

// foreign is plain for what an embedding program put into a part.
func (d *datum) foreign(v any, depth int) (any, error) {
	b, err := json.Marshal(v)
	if err != nil || payload.Check(b) != nil {
		return nil, failed(attribute(d.path) + " cannot be shown as JSON")
	}
	return d.plain(payload.Parse(b), depth)
}
