package work

import (
	"context"
	"errors"

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
