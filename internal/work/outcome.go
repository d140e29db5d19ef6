package work

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/chain"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/governor"
)

// How long a job waits between attempts: doubling from the first, with jitter
// so that a flood that failed together does not come back together.
const (
	firstBackoff   = 2 * time.Second
	longestBackoff = 5 * time.Minute
)

// backoff returns the wait after so many attempts.
func backoff(attempts int) time.Duration {
	d := min(firstBackoff<<min(max(attempts-1, 0), 16), longestBackoff)
	return d/2 + rand.N(d/2+1)
}

// done stores the paid answer.
func (a *attempt) done(answer claude.Answer) event.Settlement {
	a.ended(answer.Usage, answer.RequestID, answer.StopReason)
	a.call.Outcome = event.CallOK
	o := governor.Outcome{Usage: answer.Usage, Headers: answer.Headers}
	if a.hook.Validate != nil {
		if err := a.hook.Validate(answer.JSON); err != nil {
			a.call.Code = "output_invalid"
			f := event.Failure{Code: "output_invalid", Message: clip(err.Error()), Hint: "loosen the schema, or let the hook escalate to a stronger model"}
			s, ok := a.escalate(f)
			if !ok {
				s = a.retry(f)
			}
			return a.governed(s, o)
		}
	}
	if answer.Truncated {
		a.notes = append(a.notes, "the answer was cut off at its token limit")
	}
	s := a.settlement()
	s.Done = &event.Done{
		Result: event.Result{
			Text: answer.Text, JSON: answer.JSON, Model: answer.Model, StopReason: answer.StopReason,
			Usage: answer.Usage, Cost: a.call.Cost, RequestID: answer.RequestID,
			CreatedAt: a.call.EndedAt, Notes: a.notes,
		},
		Deliveries: a.plans,
	}
	return a.governed(s, o)
}

// failed sorts a call that brought no answer; seen is what there was of one.
func (a *attempt) failed(ctx context.Context, seen claude.Answer, err error) event.Settlement {
	e, ok := errors.AsType[*claude.Error](err)
	if !ok {
		return a.cut(ctx, seen, err)
	}
	a.ended(e.Usage, e.RequestID, e.StopReason)
	a.call.Outcome, a.call.Code, a.call.Message = event.CallFailed, e.Code, clip(e.Message)
	switch {
	case e.Unbilled:
		a.call.Cost, a.call.CacheSaved = new(event.NanoUSD(0)), 0
	case e.Usage == (event.Usage{}) && e.Doubtful:
		a.call.Cost, a.call.Doubtful = nil, true
	}
	f := event.Failure{Code: e.Code, Message: clip(e.Message), Hint: e.Hint}
	o := governor.Outcome{
		Code: e.Code, Detail: e.Message, Usage: e.Usage, Headers: e.Headers,
		Wait: e.Verdict == claude.WaitLane, Until: e.Until,
	}
	return a.governed(a.react(e, f), o)
}

// react is what a verdict means for the job. What it means for the lane is the
// governor's.
func (a *attempt) react(e *claude.Error, f event.Failure) event.Settlement {
	if a.unfit(e.Code) {
		if s, ok := a.escalate(f); ok {
			return s
		}
	}
	switch e.Verdict {
	case claude.WaitLane:
		if e.Code == claude.CodeRateLimited && a.grant != nil && a.grant.Outsize(e.Message) {
			return a.retry(f) // the lane goes on without it
		}
		return a.again(event.Again{Reason: event.WaitingTurn, Free: true, Failure: &f})
	case claude.FallBack:
		if s, ok := a.fallBack(f); ok {
			return s
		}
		return a.dead(f)
	case claude.GiveUp:
		return a.dead(f)
	}
	if e.Code == "overloaded" {
		if s, ok := a.fallBack(f); ok {
			return s
		}
	}
	return a.retry(f)
}

// fallBack queues the job for the next model of the hook's chain.
func (a *attempt) fallBack(f event.Failure) (event.Settlement, bool) {
	after := a.hook.Instead(a.job.Job.Model)
	if len(after) == 0 || a.job.Job.Attempts >= a.hook.MaxAttempts {
		return event.Settlement{}, false
	}
	return a.goTo(after[0], "fallback: "+f.Code, f), true
}

// goTo queues the job for another model.
func (a *attempt) goTo(to Choice, why string, f event.Failure) event.Settlement {
	return a.again(event.Again{
		Reason: event.WaitingTurn, Failure: &f,
		Model: to.Model, Lane: to.Lane, Chosen: chain.Because(a.job.Job.Chosen, why),
	})
}

// cut ends an attempt that was cut off from outside: the worker is stopping.
// The call may have been billed, and its row keeps saying that nobody knows.
func (a *attempt) cut(ctx context.Context, seen claude.Answer, err error) event.Settlement {
	a.broken(seen.Usage, seen.RequestID, event.Failure{Code: "interrupted", Message: "the worker stopped during the call; it may have been billed"})
	if errors.Is(context.Cause(ctx), errShutdown) {
		return a.governed(a.handBack(), governor.Outcome{Code: "interrupted", Usage: seen.Usage})
	}
	return a.governed(a.retry(event.Failure{Code: "interrupted", Message: clip(err.Error())}), governor.Outcome{Code: "interrupted", Usage: seen.Usage})
}

// broken fills in the end of a call that nobody saw.
func (a *attempt) broken(seen event.Usage, requestID string, f event.Failure) {
	a.ended(seen, requestID, "")
	if seen == (event.Usage{}) {
		a.call.Cost = nil // nothing was seen of it: that is no proof that it was free
	}
	a.call.Code, a.call.Message = f.Code, f.Message
}

// ended fills in the end of the call.
func (a *attempt) ended(u event.Usage, requestID, stop string) {
	a.call.EndedAt, a.call.Usage, a.call.RequestID, a.call.StopReason = a.w.now(), u, requestID, stop
	if cost, ok := a.w.opts.Price(a.call.Model, u, a.call.EndedAt); ok {
		a.call.Cost = &cost
		a.call.CacheSaved = a.w.opts.CacheSaved(a.call.Model, u, a.call.EndedAt)
	}
}

// governed adds what the lane learns from the call.
func (a *attempt) governed(s event.Settlement, o governor.Outcome) event.Settlement {
	s.Call = a.call
	if a.grant != nil {
		s.Lane = a.w.opts.Governor.Settled(a.grant, o, s.Now)
	}
	return s
}

// handBack gives the job back as if it had not been taken.
func (a *attempt) handBack() event.Settlement {
	return a.again(event.Again{Reason: event.WaitingTurn, Free: true})
}

// retry queues the job after a backoff, or ends it when the attempts are used up.
func (a *attempt) retry(f event.Failure) event.Settlement {
	if a.hook == nil || a.job.Job.Attempts >= a.hook.MaxAttempts {
		a.job.Job.LastError = &f
		return a.dead(*a.exhausted("attempts_exhausted", "the last of the allowed attempts was made"))
	}
	return a.again(event.Again{Reason: event.RetryBackoff, Until: a.w.now().Add(backoff(a.job.Job.Attempts)), Failure: &f})
}

// again queues the job. One that was moved for this attempt and is given back
// free goes back to where it was.
func (a *attempt) again(g event.Again) event.Settlement {
	if g.Free && g.Model == "" && a.grant != nil && a.grant.From != nil {
		g.Lane, g.Model, g.Chosen = a.grant.From.Lane, a.grant.From.Model, a.grant.From.Chosen
	}
	s := a.settlement()
	s.Again = &g
	return s
}

func (a *attempt) dead(f event.Failure) event.Settlement {
	s := a.settlement()
	s.Dead = &f
	return s
}

// settlement is one of an attempt that made no call: the grant goes back.
func (a *attempt) settlement() event.Settlement {
	s := event.Settlement{Lease: a.job.Lease, Now: a.w.now()}
	if a.grant != nil {
		s.Lane = a.w.opts.Governor.Released(a.grant, s.Now)
	}
	return s
}

// clip makes one bounded line of text that came from outside.
func clip(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return s
}
