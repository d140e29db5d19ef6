package verify

import (
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// A place says where something stands in a request, as text that both this
// package and a reader of the table understand:
//
//	header:X-GitHub-Event                       a header
//	json:event.id                               a field of the body, gjson path syntax
//	form:CallSid                                a field of a form body
//	query:hub.challenge                         a parameter of the URL
//	"call." + form:CallStatus                   a literal and a field, joined
//	header:X-Shopify-Topic | header:Topic       the first that is there
//	field:_events                               the first field of the body whose name ends so
//
// A joined place is empty when any of its fields is.
type place [][]part

type part struct{ kind, name string }

const (
	inLiteral  = "literal"
	inHeader   = "header"
	inJSON     = "json"
	inForm     = "form"
	inQuery    = "query"
	inSig      = "sig"       // a labelled item of the signature header
	inGitHub   = "github"    // subject: owner/repo#N; time: of what the event is named after
	inGitLab   = "gitlab"    // group/project!N or group/project#N
	inBT       = "braintree" // an element of the document in bt_payload
	inTelegram = "telegram"  // the kind of an update
	inField    = "field"     // the name of the body's first field that ends like this
)

// parsePlace compiles the notation. The table is its only author but for the
// header names of a generic hook, so that a mistake is ours and a test finds it.
func parsePlace(text string) (place, error) {
	if text == "" {
		return nil, nil
	}
	var p place
	for alt := range strings.SplitSeq(text, " | ") {
		var parts []part
		for item := range strings.SplitSeq(alt, " + ") {
			one, err := parsePart(strings.TrimSpace(item))
			if err != nil {
				return nil, err
			}
			parts = append(parts, one)
		}
		p = append(p, parts)
	}
	return p, nil
}

func parsePart(item string) (part, error) {
	if lit, ok := strings.CutPrefix(item, `"`); ok && strings.HasSuffix(lit, `"`) {
		return part{inLiteral, lit[:len(lit)-1]}, nil
	}
	kind, name, ok := strings.Cut(item, ":")
	if !ok || name == "" {
		return part{}, fmt.Errorf("place %q: want kind:name", item)
	}
	switch kind {
	case inHeader:
		return part{kind, textproto.CanonicalMIMEHeaderKey(name)}, nil
	case inJSON, inForm, inQuery, inSig, inGitHub, inGitLab, inBT, inTelegram, inField:
		return part{kind, name}, nil
	}
	return part{}, fmt.Errorf("place %q: unknown kind %q", item, kind)
}

// A source is what places are read from. form and query are parsed on first use.
type source struct {
	header http.Header
	json   []byte
	body   []byte
	rawURL string

	secretNo int // which secret matched, for answers that are made with it

	form, query url.Values
	fields      lookup // in json
}

// read returns the first alternative that is there, or "".
func (p place) read(s *source) string {
	for _, parts := range p {
		if text, ok := s.join(parts); ok {
			return text
		}
	}
	return ""
}

func (s *source) join(parts []part) (string, bool) {
	if len(parts) == 1 {
		text := s.part(parts[0])
		return text, text != ""
	}
	var b strings.Builder
	for _, one := range parts {
		text := s.part(one)
		if text == "" {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

func (s *source) part(p part) string {
	switch p.kind {
	case inLiteral:
		return p.name
	case inHeader:
		value, _ := single(s.header, p.name)
		return value
	case inJSON:
		return s.fields.text(s.json, p.name)
	case inForm:
		if s.form == nil {
			s.form = url.Values{}
			if isForm(s.header) {
				s.form = parseForm(s.body)
			}
		}
		return s.form.Get(p.name)
	case inQuery:
		if s.query == nil {
			s.query = queryOf(s.rawURL)
		}
		return s.query.Get(p.name)
	case inGitHub:
		if p.name == "time" {
			return githubTime(s.header, s.json)
		}
		return githubAbout(s.json)
	case inGitLab:
		return gitlabAbout(s.json)
	case inBT:
		return braintreeElement(s.body, p.name)
	case inTelegram:
		return firstField(s.json, func(name string) bool { return name != "update_id" })
	case inField:
		return firstField(s.json, func(name string) bool { return strings.HasSuffix(name, p.name) })
	}
	return ""
}

// jsonText looks one field up without decoding the document. Path lookups do
// not recurse, so that deep nesting costs time in proportion to the bytes and
// no stack. Objects and arrays are not text.
func jsonText(doc []byte, path string) string {
	return scalar(gjson.GetBytes(doc, path))
}

func scalar(r gjson.Result) string {
	switch r.Type {
	case gjson.String:
		return r.Str
	case gjson.Number, gjson.True, gjson.False:
		return r.Raw
	}
	return ""
}

// queryOf returns the parameters of a raw URL; malformed pairs are left out.
func queryOf(raw string) url.Values {
	_, q, _ := strings.Cut(raw, "?")
	q, _, _ = strings.Cut(q, "#")
	if len(q) > maxHeader {
		return url.Values{}
	}
	v, _ := url.ParseQuery(q)
	return v
}

// maxFormFields bounds the fields of a form that are looked at.
const maxFormFields = 2000

// parseForm returns the fields of a form body, none if there are too many.
func parseForm(body []byte) url.Values {
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		return url.Values{}
	}
	v, _ := url.ParseQuery(string(body))
	return v
}

// eventTime reads the time of an event as senders write it: RFC 3339, or a
// number of seconds, milliseconds or, in a fraction, both.
func eventTime(text string) time.Time {
	sec, frac, _ := strings.Cut(text, ".")
	n, ok := digits(sec, 15)
	switch {
	case !ok || n == 0:
		return calendarTime(text)
	case len(sec) > 11:
		return time.UnixMilli(n).UTC()
	}
	if f, ok := digits(frac, 9); ok {
		for range 9 - len(frac) {
			f *= 10
		}
		return time.Unix(n, f).UTC()
	}
	return time.Unix(n, 0).UTC()
}

// calendarTime reads the other ways in which senders write a time.
func calendarTime(text string) time.Time {
	if len(text) > 40 {
		return time.Time{}
	}
	for _, layout := range [...]string{
		time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05",
		"2006-01-02T15:04:05.999999999Z0700", time.RFC1123, time.RFC1123Z,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
