package gather

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/github"
)

// fromGitHub keeps the code and the advice of a GitHub error, and how long
// GitHub wants to be left alone.
func fromGitHub(err error) *Error {
	e, ok := errors.AsType[*github.Error](err)
	if !ok {
		return &Error{Code: "github_failed", Message: err.Error(), Err: err}
	}
	return &Error{Code: e.Code, Message: e.Message, Hint: e.Hint, Permanent: e.Permanent, RetryAfter: e.RetryAfter, Outage: e.Outage(), Err: err}
}

// timedOut is the error of a step whose own time is over. When the caller's
// context is over, that is its business.
func timedOut(caller context.Context, limit time.Duration, err error) *Error {
	if caller.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return &Error{Code: "gather_timeout", Message: fmt.Sprintf("there was no whole answer within %v", limit), Outage: true, Err: err}
}

// A Func is a step of the embedding program. What it returns is a Part's Value.
// Its error may be an *Error; any other is retried as gather_failed.
type Func func(ctx context.Context, e event.Event) (any, error)

// funcTimeout bounds a step of the embedding program: one that never returned
// would hold a slot, and what the lane has put aside for it, for ever.
const funcTimeout = time.Minute

// Gather calls f. A panic is an error of this job alone.
func (f Func) Gather(caller context.Context, e event.Event) (p Part, err error) {
	ctx, cancel := context.WithTimeout(caller, funcTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Code: "gather_panic", Message: "the function panicked", Err: fmt.Errorf("%v\n%s", r, debug.Stack())}
		}
	}()
	value, err := f(ctx, e)
	if err == nil {
		return Part{Value: value}, nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return Part{}, known
	}
	if late := timedOut(caller, funcTimeout, err); late != nil {
		return Part{}, late
	}
	return Part{}, &Error{Code: "gather_failed", Message: FirstLine(err), Err: err}
}

// FirstLine is what a job shows of an error: its first line, bounded.
func FirstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if runes := []rune(line); len(runes) > 300 {
		line = string(runes[:300]) + "..."
	}
	return line
}
