package payload

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/forebayhq/forebay/event"
)

// Of returns the document that rules and prompts see of an event as payload:
// the JSON that the sender sent, alone or inside a form; a form as an object of
// texts, the first value of each name; and any other body as one text.
//
// JSON should have passed [Check] when the event was accepted.
func Of(e event.Event) Value {
	if e.Payload != nil {
		return Parse(e.Payload)
	}
	switch KindOf(e.ContentType) {
	case JSON:
		return Parse(e.Body)
	case Form:
		return ofForm(e.Body)
	}
	return ofText(string(e.Body))
}

// CheckEvent reports whether the payload of e can be read: JSON is checked,
// other bodies always pass. The error is an *Error.
func CheckEvent(e event.Event) error {
	if e.Payload != nil {
		return Check(e.Payload)
	}
	if KindOf(e.ContentType) == JSON {
		return Check(e.Body)
	}
	return nil
}

// ofText makes a JSON string of a text.
func ofText(text string) Value {
	return Value{raw: quote(text)}
}

func quote(text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// ofForm makes a JSON object of a form. Pairs that are not properly escaped are
// left out.
func ofForm(body []byte) Value {
	b := []byte{'{'}
	for pair := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || pair == "" {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, quote(name)...), ':'), quote(value)...)
	}
	return Value{raw: append(b, '}')}
}

// FormValue returns a form or a raw query as an object of texts, the first value
// of each name.
func FormValue(raw string) Value { return ofForm([]byte(raw)) }
