package rule

import (
	"net/url"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/payload"
)

// An Input is one event as rules see it. What a rule does not name is not
// built, and what one rule built the next one finds, so rules over the same
// event should share an Input. It is for one goroutine at a time.
type Input struct {
	e       event.Event
	fields  *eventFields
	payload ref.Val
	query   map[string]string
}

// NewInput returns e as rules see it. Its payload must have passed
// payload.CheckEvent.
func NewInput(e event.Event) *Input { return &Input{e: e} }

// ResolveName returns a variable; it makes an Input a cel.Activation.
func (in *Input) ResolveName(name string) (any, bool) {
	switch name {
	case "event":
		if in.fields == nil {
			in.fields = fieldsOf(in.e)
		}
		return in.fields, true
	case "payload":
		if in.payload == nil {
			in.payload = toVal(payload.Of(in.e))
		}
		return in.payload, true
	case "headers":
		if in.e.Header == nil {
			return map[string]string{}, true
		}
		return in.e.Header, true
	case "query":
		if in.query == nil {
			in.query = queryOf(in.e.Query)
		}
		return in.query, true
	}
	return nil, false
}

// Parent returns nil: there is nothing beyond the four variables.
func (in *Input) Parent() cel.Activation { return nil }

func fieldsOf(e event.Event) *eventFields {
	f := &eventFields{ID: e.DeliveryID, Source: e.Source, Type: e.Type, Subject: e.Subject, Hook: e.Hook, Time: e.Time}
	if f.Time.IsZero() {
		f.Time = e.ReceivedAt
	}
	return f
}

// queryOf returns the first value of each parameter; pairs that are not
// properly escaped are left out.
func queryOf(raw string) map[string]string {
	m := make(map[string]string)
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || pair == "" {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			continue
		}
		if _, again := m[name]; !again {
			m[name] = value
		}
	}
	return m
}
