// Package gather fetches what a prompt needs beyond the payload, within bounds.
//
// It must never follow a URL out of a payload: addresses are built from
// validated fields and the configuration.
package gather

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A Step fetches one part. Implementations are safe for concurrent use.
type Step interface {
	Gather(ctx context.Context, e event.Event) (Part, error)
}

// A Part is what a step found.
type Part struct {
	// Value is what templates see under the part's name: text, or anything
	// that encoding/json makes of a document.
	Value any
	// Notes tell the reader what was left out: "12 of 40 files left out: over budget".
	Notes []string
}

// An Error is a step that failed.
type Error struct {
	Code       string // github_unauthorized, github_not_found, gather_timeout, ...
	Message    string
	Hint       string
	Permanent  bool          // no retry can help
	RetryAfter time.Duration // whoever was asked wants to be left alone so long; zero: it did not say
	Outage     bool          // whoever was asked is in trouble or out of reach: no job is to blame
	Err        error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
