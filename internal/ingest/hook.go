package ingest

import (
	"net/http"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// A Hook is one endpoint as the receiver sees it. It is immutable.
type Hook struct {
	Name      string
	Source    string // the source's type
	Verifier  verify.Verifier
	Keys      Keys     // fetches keys that the verifier lacks; nil: nobody does
	PublicURL string   // what the sender calls, where it signs that
	Methods   []string // default POST
	BodyLimit int64    // bytes

	// Ack is what the sender demands to read once its event is verified, and the
	// status that it expects for a bad signature.
	Ack verify.Ack

	// Match says whether the event makes a job; nil: always. An error counts as
	// not matched and is shown as the reason. The rules of a hook share an Input,
	// so that the payload is decoded once.
	Match func(*rule.Input) (bool, error)
	// Key yields the coalesce key; nil: no coalescing.
	Key            func(*rule.Input) (string, error)
	Quiet, MaxWait time.Duration
	// Choose yields lane, model, why, and priority of the job.
	Choose func(*rule.Input) event.JobSpec

	// Wait is how long the answer may wait for the result; zero: it never does.
	Wait time.Duration
	// Meaning yields what the event means, in a text that its copies share; nil:
	// copies are recognised by the sender's delivery id and by digests alone.
	Meaning func(*rule.Input) (string, error)
	// Remember is how long a copy of the event is recognised.
	Remember time.Duration
}

// takes reports whether the hook takes the method.
func (h *Hook) takes(method string) bool {
	return slices.Contains(h.methods(), method)
}

func (h *Hook) methods() []string {
	if len(h.Methods) == 0 {
		return []string{http.MethodPost}
	}
	return h.Methods
}
