package ingest

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/verify"
)

// What of a request's headers is kept with the event.
const (
	maxHeaders     = 64
	maxHeaderBytes = 16 << 10
	maxText        = 256 // of names and ids that senders choose
)

// neverStored are headers that carry credentials whatever the source, or are
// of the hop alone.
var neverStored = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true, "connection": true,
	"x-api-key": true, "x-forwarded-access-token": true,
}

// event makes the event of a verified delivery.
func (v *visit) event(d verify.Delivery) event.Event {
	return event.Event{
		ID:          event.NewID(event.PrefixEvent, v.now),
		Hook:        v.name,
		Source:      v.hook.Source,
		Type:        bound(d.Type),
		DeliveryID:  bound(d.ID),
		Subject:     bound(d.Subject),
		Time:        d.Time,
		ReceivedAt:  v.now,
		Method:      v.r.Method,
		Query:       d.Query,
		ContentType: bound(v.r.Header.Get("Content-Type")),
		Header:      storable(v.r.Header, v.hook.Verifier.Sensitive()),
		Body:        d.Body,
		Payload:     d.Payload,
		Digest:      d.Digest,
	}
}

// storable copies the headers that may be kept.
func storable(h http.Header, sensitive []string) map[string]string {
	kept, size := make(map[string]string, len(h)), 0
	for name, values := range h {
		name = strings.ToLower(name)
		if neverStored[name] || slices.Contains(sensitive, name) {
			continue
		}
		value := values[0]
		if len(values) > 1 {
			value = strings.Join(values, ", ")
		}
		if size += len(name) + len(value); len(kept) == maxHeaders || size > maxHeaderBytes {
			return kept
		}
		kept[name] = strings.ToValidUTF8(value, "\uFFFD")
	}
	return kept
}

// bound cuts text that a sender chose and makes it valid UTF-8 without NUL.
func bound(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
