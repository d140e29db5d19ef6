package forebay

import (
	"context"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/gather"
)

// Permanent marks an error of a function in [Options]: no retry can help. The
// delivery of a target, or the job of a gather step, is dead at once, with err
// as the reason. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &answer{err: err, permanent: true}
}

// RetryAfter marks an error of a function in [Options]: call again no sooner
// than wait, at most a day. The call does not count as one of a job's attempts.
// RetryAfter(nil, wait) is nil.
func RetryAfter(err error, wait time.Duration) error {
	if err == nil {
		return nil
	}
	return &answer{err: err, wait: wait}
}

// An answer is an error and what it asks for.
type answer struct {
	err       error
	permanent bool
	wait      time.Duration
}

// Error is that of the marked error.
func (a *answer) Error() string { return a.err.Error() }

// Unwrap returns the marked error.
func (a *answer) Unwrap() error { return a.err }

// target says in the words of package deliver what a function's error asks for.
func target(f func(context.Context, event.Job) error) deliver.Func {
	return func(ctx context.Context, job event.Job) error {
		err := f(ctx, job)
		if a, ok := errors.AsType[*answer](err); ok {
			return &deliver.Error{Code: "failed", Message: err.Error(), Permanent: a.permanent, RetryAfter: a.wait, Err: err}
		}
		return err
	}
}

// step is target for package gather.
func step(f func(context.Context, event.Event) (any, error)) gather.Func {
	return func(ctx context.Context, e event.Event) (any, error) {
		value, err := f(ctx, e)
		if a, ok := errors.AsType[*answer](err); ok {
			return nil, &gather.Error{Code: "gather_failed", Message: gather.FirstLine(err), Permanent: a.permanent, RetryAfter: a.wait, Err: err}
		}
		return value, err
	}
}
