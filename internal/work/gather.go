package work

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/gather"
)

// gather fetches the parts of the prompt. A settlement means that one failed.
func (a *attempt) gather(ctx context.Context) (map[string]any, *event.Settlement) {
	parts := make(map[string]any, len(a.hook.Parts))
	for _, p := range a.hook.Parts {
		got, err := p.Step.Gather(ctx, a.job.Event)
		if err != nil {
			s := a.ungathered(ctx, p.Name, err)
			return nil, &s
		}
		parts[p.Name] = got.Value
		a.notes = append(a.notes, got.Notes...)
	}
	return parts, nil
}

// ungathered sorts the failure of a step.
func (a *attempt) ungathered(ctx context.Context, part string, err error) event.Settlement {
	if errors.Is(context.Cause(ctx), errShutdown) {
		return a.handBack()
	}
	f := event.Failure{Code: "gather_failed", Message: part + ": " + clip(err.Error())}
	if e, ok := errors.AsType[*gather.Error](err); ok {
		f = event.Failure{Code: e.Code, Message: part + ": " + clip(e.Message), Hint: e.Hint}
		switch {
		case e.Permanent:
			return a.dead(f)
		case e.RetryAfter > 0:
			return a.askedToWait(f, e.RetryAfter)
		case e.Outage && a.job.Job.Attempts >= a.hook.MaxAttempts:
			return a.askedToWait(f, longestBackoff)
		}
	}
	return a.retry(f)
}

// longestWait bounds what a source may ask for.
const longestWait = 24 * time.Hour

// askedToWait queues the job until its source wants to be asked again. The
// attempt does not count, as with Claude's own limits: an account's hour at
// GitHub outlasts all attempts of a job, and so does an outage. Its age ends it.
func (a *attempt) askedToWait(f event.Failure, wait time.Duration) event.Settlement {
	wait = max(min(wait, longestWait), firstBackoff)
	wait += rand.N(min(wait/10, 10*time.Second))
	return a.again(event.Again{Reason: event.RetryBackoff, Until: a.w.now().Add(wait), Free: true, Failure: &f})
}
