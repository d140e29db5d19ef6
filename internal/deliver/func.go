package deliver

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/forebayhq/forebay/event"
)

// Func is a target that calls an embedder's function. The function runs at
// least once per job; job.ID tells copies apart. It may answer an *[Error] to
// say that no retry helps or when to come again; any other error is tried again
// by the schedule.
type Func func(ctx context.Context, job event.Job) error

// Plan has nothing to fix: the function knows where its results go.
func (f Func) Plan(event.Event) (Plan, error) {
	if f == nil {
		return Plan{}, errors.New("the function is nil")
	}
	return Plan{Spec: json.RawMessage(`{}`)}, nil
}

// Deliver calls the function.
func (f Func) Deliver(ctx context.Context, p Parcel) (Receipt, error) {
	return Receipt{}, f(ctx, p.Job)
}
