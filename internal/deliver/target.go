package deliver

import (
	"context"
	"encoding/json"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A Target carries out one kind of effect. Implementations are safe for
// concurrent use and idempotent by the delivery's MessageID.
type Target interface {
	// Plan fixes the destination before Claude is called, from the event alone.
	// An error means that there is none: the job is dead before it costs money.
	Plan(e event.Event) (Plan, error)
	// Deliver carries it out, or answers an *Error.
	Deliver(ctx context.Context, p Parcel) (Receipt, error)
}

// A Plan is a destination, frozen.
type Plan struct {
	Spec      json.RawMessage // stored with the delivery; holds no secret
	SerialKey string          // deliveries that share it go out one at a time
}

// A Parcel is a delivery on its way.
type Parcel struct {
	Delivery event.Delivery
	Job      event.Job // whole
	Now      time.Time
	Anchors  Anchors
}

// Anchors finds what earlier deliveries left behind.
type Anchors interface {
	Anchor(ctx context.Context, key string) (event.Anchor, error)
}

// A Receipt says what came of a delivery.
type Receipt struct {
	URL    string
	Anchor *event.Anchor
}

// An Error is a delivery that failed.
type Error struct {
	Code       string
	Message    string
	Permanent  bool          // no retry can help
	RetryAfter time.Duration // the receiver asked for it; zero: the schedule's
	Err        error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
