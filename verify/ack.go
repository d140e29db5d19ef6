package verify

import (
	"net/http"
	"time"
)

// An Ack is what a sender demands to read once its event is accepted.
type Ack struct {
	Status      int    // zero: any 2xx, so 202
	ContentType string // with Body
	Body        string // literally
	Empty       bool   // the sender shows or refuses a body: send none
	Refused     int    // the status for a bad signature; zero: 401
	Silent      bool   // the refusal has no body either
	Deadline    time.Duration
}

// Fixed reports that the sender leaves no room for an answer of ours: a result
// that is ready in time would never be read, or would be taken amiss.
func (a Ack) Fixed() bool { return a.Body != "" || a.Empty || a.Status == http.StatusNoContent }

// An AckWhen is an Ack for some of a sender's deliveries: those whose place When
// holds Is, or anything if Is is empty. The first that fits counts.
type AckWhen struct {
	When, Is string
	Ack      Ack
}

// An ackRule is a compiled AckWhen.
type ackRule struct {
	when place
	is   string
	ack  Ack
}

func compileAcks(s Sender) ([]ackRule, error) {
	var rules []ackRule
	for _, a := range s.Acks {
		when, err := parsePlace(a.When)
		if err != nil {
			return nil, &ConfigError{Field: "type", Message: err.Error(), Remedy: "report it: the row of " + s.Name + " is broken"}
		}
		rules = append(rules, ackRule{when, a.Is, a.Ack})
	}
	return rules, nil
}

// ack is what the sender demands for this very delivery.
func (h *hook) ack(src *source) *Ack {
	for _, r := range h.acks {
		if text := r.when.read(src); text != "" && (r.is == "" || text == r.is) {
			return new(r.ack)
		}
	}
	return nil
}
