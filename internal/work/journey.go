package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
)

// An attempt is one try at a job. It belongs to the goroutine that carries it.
type attempt struct {
	w     *Worker
	job   event.Leased
	hook  *Hook
	grant *governor.Grant
	log   *slog.Logger

	verdict governor.Verdict // of the budgets, at admission
	most    event.NanoUSD    // that the call can cost; 0: not known

	notes []string    // what the reader of the answer should know
	call  *event.Call // begun, and not yet ended in the ledger
	plans []event.Delivery
	first time.Duration // to the first token
	seen  event.Usage   // what the call's first event counted
}

// A pass is what admission gave a job: a grant, or a verdict for want of money.
type pass struct {
	grant   *governor.Grant
	verdict governor.Verdict
}

// carry takes a job through its journey, from lease to settlement.
func (w *Worker) carry(ctx context.Context, job event.Leased, p pass) {
	a := &attempt{
		w: w, job: job, hook: w.opts.Hooks[job.Job.Hook], grant: p.grant, verdict: p.verdict,
		log: w.opts.Log.With("job_id", job.Job.ID, "event_id", job.Event.ID, "hook", job.Job.Hook, "attempt", job.Job.Attempts),
	}
	s, ok := a.guarded(ctx)
	if !ok {
		return // the lease is gone: nothing of this attempt may be written
	}
	a.settle(ctx, s)
}

// guarded turns a panic into a failed attempt. The stack goes to the log, the
// payload does not.
func (a *attempt) guarded(ctx context.Context) (s event.Settlement, ok bool) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("journey panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s, ok = a.panicked(), true
		}
	}()
	return a.run(ctx)
}

// panicked ends an attempt that a fault of ours broke off. A call that had begun
// may have been billed: its row keeps what was seen of it.
func (a *attempt) panicked() event.Settlement {
	f := event.Failure{Code: "internal_error", Message: "a step of the journey failed in an unforeseen way", Hint: "see the log for the stack"}
	if a.call == nil {
		return a.retry(f)
	}
	if a.call.EndedAt.IsZero() {
		seen := a.seen
		seen.BilledAsEstimate = seen != (event.Usage{})
		a.broken(seen, "", f)
	}
	return a.governed(a.retry(f), governor.Outcome{Code: f.Code, Usage: a.call.Usage})
}

// run is the journey: check, plan, gather, prompt, call, and what the outcome
// means. Each step ends it early with a settlement of its own.
func (a *attempt) run(ctx context.Context) (event.Settlement, bool) {
	if f := a.check(); f != nil {
		return a.dead(*f), true
	}
	if s, over := a.afforded(a.verdict); over {
		return s, true
	}
	if f := a.plan(); f != nil {
		return a.dead(*f), true
	}
	parts, s := a.gather(ctx)
	if s != nil {
		return *s, !a.lost(ctx)
	}
	text, err := a.hook.Render(a.job.Event, parts)
	if err != nil {
		return a.dead(event.Failure{Code: "prompt_failed", Message: clip(err.Error()), Hint: "try forebay preview with this event and mend the template"}), true
	}
	if f := a.hopeless(text); f != nil {
		return a.dead(*f), true
	}
	if s, found := a.reuse(ctx, text); found {
		return s, true
	}
	if s, over := a.reserve(ctx, text); over {
		return s, true
	}
	if a.job.Job.Lane == event.BatchLane {
		return a.park(text)
	}
	if err := a.begin(ctx); err != nil {
		return a.unwritten(err)
	}
	answer, err := a.ask(ctx, text)
	if a.lost(ctx) {
		return event.Settlement{}, false
	}
	if err != nil {
		return a.failed(ctx, answer, err), true
	}
	return a.done(answer), true
}

// check refuses an attempt past the bounds, and one whose hook is gone.
func (a *attempt) check() *event.Failure {
	job, now := a.job.Job, a.w.now()
	switch {
	case a.hook == nil:
		return &event.Failure{Code: "hook_gone", Message: "the hook is no longer configured", Hint: "configure it again and rerun the job, or cancel it"}
	case job.Attempts > a.hook.MaxAttempts:
		return a.exhausted("attempts_exhausted", fmt.Sprintf("%d attempts were made", a.hook.MaxAttempts))
	case now.Sub(job.QueuedAt) > a.hook.MaxAge:
		return a.exhausted("too_old", "the job is older than "+a.hook.MaxAge.String())
	}
	return nil
}

// exhausted names the bound and keeps the last error's words.
func (a *attempt) exhausted(code, message string) *event.Failure {
	f := &event.Failure{Code: code, Message: message, Hint: "rerun the job once the cause is gone"}
	if last := a.job.Job.LastError; last != nil {
		f.Message += "; the last one failed with " + last.Code + ": " + last.Message
		f.Hint = last.Hint
	} else {
		f.Message += ", none of which ended"
	}
	return f
}

// plan fixes every destination before money is spent.
func (a *attempt) plan() *event.Failure {
	for i, d := range a.hook.Targets {
		p, err := d.Target.Plan(a.job.Event)
		if err != nil {
			return &event.Failure{Code: "no_destination", Message: d.Kind + ": " + clip(err.Error()), Hint: "narrow the hook's match rule, or give the target its repo and number"}
		}
		a.plans = append(a.plans, event.Delivery{
			ID: event.NewID(event.PrefixDelivery, a.w.now()), JobID: a.job.Job.ID,
			Target: d.Kind, Index: i, Spec: p.Spec, SerialKey: p.SerialKey,
		})
	}
	return nil
}

// hopeless refuses a prompt that is larger than all that its lane allows in a
// minute: the API would refuse it for ever.
func (a *attempt) hopeless(text string) *event.Failure {
	if a.grant == nil {
		return nil
	}
	allowed, hopeless := a.grant.Hopeless(len(a.hook.System) + len(text))
	if !hopeless {
		return nil
	}
	return &event.Failure{
		Code:    "prompt_over_limit",
		Message: fmt.Sprintf("the prompt of %d bytes is larger than the %d input tokens a minute that the account allows this model", len(text), allowed),
		Hint:    "gather less, or use a model with a higher limit",
	}
}

// lost reports whether the lease went away under the attempt.
func (a *attempt) lost(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errLeaseLost)
}

// unwritten answers a ledger that did not take the call's row. Nothing was
// sent; the lease runs out and the job is taken again.
func (a *attempt) unwritten(err error) (event.Settlement, bool) {
	a.call = nil
	if errors.Is(err, event.ErrLeaseLost) {
		return event.Settlement{}, false
	}
	a.log.Error("call not begun", "error", err)
	return a.again(event.Again{Reason: event.RetryBackoff, Until: a.w.now().Add(backoff(1)), Free: true}), true
}

// settle writes the end of the attempt. While the disk is full it tries on: the
// answer is paid for. Any other failure, and a worker that stops, gives it the
// time of one lease.
func (a *attempt) settle(ctx context.Context, s event.Settlement) {
	began := a.w.now()
	for wait := 100 * time.Millisecond; ; wait = min(wait*2, 2*time.Second) {
		err := a.write(s)
		switch {
		case err == nil:
			a.report(s)
			return
		case errors.Is(err, event.ErrLeaseLost):
			a.log.Warn("settlement refused: the lease was lost")
			return
		case errors.Is(err, event.ErrClosed),
			a.w.now().Sub(began) >= a.w.opts.Lease && (ctx.Err() != nil || !errors.Is(err, event.ErrFull)):
			a.log.Error("attempt not settled", "error", err)
			return
		}
		a.log.Error("attempt not settled, trying again", "error", err)
		select {
		case <-time.After(wait):
		case <-a.w.life.Done():
			a.log.Error("attempt abandoned")
			return
		}
	}
}

// write tries once to settle, whether the journey was cut off or not.
func (a *attempt) write(s event.Settlement) error {
	ctx, cancel := context.WithTimeout(a.w.life, a.w.opts.Lease)
	defer cancel()
	return a.w.opts.Ledger.Settle(ctx, s)
}

// report counts and logs what was settled.
func (a *attempt) report(s event.Settlement) {
	if s.Call != nil {
		a.w.opts.Observe(a.job.Job.Hook, *s.Call, a.first)
	}
	switch {
	case s.Done != nil:
		a.log.Info("job succeeded", "model", s.Done.Result.Model, "deliveries", len(s.Done.Deliveries))
	case s.Dead != nil:
		a.log.Warn("job dead", "code", s.Dead.Code, "message", s.Dead.Message)
	case s.Again != nil && s.Again.Failure != nil:
		a.log.Info("job queued again", "reason", s.Again.Reason, "code", s.Again.Failure.Code, "until", s.Again.Until)
	}
}
