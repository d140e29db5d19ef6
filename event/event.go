package event

import "time"

// An Event is one verified inbound request, raw bytes and all.
type Event struct {
	ID          string
	Hook        string // the configured endpoint that received it
	Source      string // the source type of that hook: "github", "stripe", ...
	Type        string // the sender's name for what happened: "pull_request", "charge.dispute.created"
	DeliveryID  string // the sender's own id for this delivery; empty where it has none
	Subject     string // what it is about: "octo/repo#17"; empty where the sender has no such notion
	Time        time.Time
	ReceivedAt  time.Time
	Method      string
	Query       string            // raw query, without '?'
	ContentType string            // as sent
	Header      map[string]string // lower-case names; values joined by ", "; credentials left out
	Body        []byte            // exactly the bytes that were signed and sent; of a batch, those of this event
	Payload     []byte            // the JSON inside Body where the sender wraps it in a form; nil means Body itself
	Digest      []byte            // a digest of what was signed; equal for two copies of the same signed content
	Duplicates  int               // how many copies came after the first
}

// Data returns the document that rules and prompts see: the JSON that the
// sender wrapped in a form, or the body itself.
func (e Event) Data() []byte {
	if e.Payload != nil {
		return e.Payload
	}
	return e.Body
}

// A Verdict is what the receiver decided about one request, accepted or not.
type Verdict struct {
	ID         int64
	At         time.Time
	Hook       string
	Outcome    string // accepted, duplicate, requeued, ignored, handshake, refused
	Code       string // the error code of a refusal, the reason of an ignored one
	Source     string
	Type       string
	DeliveryID string
	EventID    string
	JobID      string
	Bytes      int64
}
