package work

import (
	"context"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// park stores the job's request and puts the job aside until a batch has
// carried it. Then the attempt is over without a settlement: that comes with
// the result.
func (a *attempt) park(text string) (event.Settlement, bool) {
	params, err := claude.Params(a.request(text))
	if e, ok := errors.AsType[*claude.Error](err); ok {
		return a.dead(event.Failure{Code: e.Code, Message: clip(e.Message), Hint: e.Hint}), true
	}
	now := a.w.now()
	ctx, cancel := context.WithTimeout(a.w.life, a.w.opts.Lease)
	defer cancel()
	err = a.w.opts.Batch.Ledger.ParkJob(ctx, event.Parking{Lease: a.job.Lease, Now: now, Item: event.BatchItem{
		JobID: a.job.Job.ID, CallID: event.NewID(event.PrefixCall, now), Model: a.job.Job.Model, Attempt: a.job.Job.Attempts,
		Params: params, Deliveries: a.plans, Notes: a.notes,
	}})
	if err != nil {
		return a.unwritten(err)
	}
	a.log.Info("job waits for a batch", "model", a.job.Job.Model, "bytes", len(params))
	return event.Settlement{}, false
}

// moneyBack is how long a job waits at least for the money that batches under
// way have reserved: that comes back slowly, and gathering anew is not free.
const moneyBack = 5 * time.Minute

// deferred is what becomes of a job for which there is no money: one on its way
// into a batch waits longer, and stays on that way if its hook says so.
func (a *attempt) deferred(s event.Settlement) event.Settlement {
	if a.job.Job.Lane != event.BatchLane || s.Again == nil {
		return s
	}
	if a.hook.Batch && s.Again.Lane != "" {
		s.Again.Lane = event.BatchLane
	}
	if soonest := a.w.now().Add(moneyBack); s.Again.Reason == event.Budget && s.Again.Until.Before(soonest) {
		s.Again.Until = soonest
	}
	return s
}
