package work

import (
	"context"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// settle ends one request of a batch by the rules of a live call.
func (c *carrier) settle(ctx context.Context, b *event.LeasedBatch, item event.WaitingItem, judge func(claude.Request, time.Time) (claude.Answer, error)) error {
	a := c.attempt(item)
	answer, err := judge(a.request(""), a.w.now())
	var s event.Settlement
	if err != nil {
		s = a.failed(ctx, answer, err)
	} else {
		s = a.done(answer)
	}
	e, _ := errors.AsType[*claude.Error](err)
	if e != nil && e.Code == claude.CodeBatchLost {
		a.call.Outcome, a.call.Cost = event.CallUnknown, nil // it may have been billed
	}
	if e == nil || !e.Unbilled {
		a.call.Saved = saved(a)
	}
	if item.Dropped {
		a.call.Code, a.call.Message = "cancelled", "the job was cancelled while its batch ran; the answer was dropped"
		s = event.Settlement{Lease: a.job.Lease, Now: s.Now, Call: a.call}
	}
	if s.Again != nil {
		s.Again.Lane = c.laneAfter(a, s.Again)
	}
	if err := c.Ledger.SettleItem(c.w.life, event.ItemSettlement{BatchID: b.Batch.ID, Settlement: s}); err != nil {
		if errors.Is(err, event.ErrNotFound) {
			return event.ErrState // somebody was quicker
		}
		return err
	}
	a.report(s)
	return nil
}

// saved is what the request cost less than the same as a live call.
func saved(a *attempt) event.NanoUSD {
	if a.call.Cost == nil {
		return 0
	}
	u := a.call.Usage
	u.ServiceTier = ""
	live, ok := a.w.opts.Price(a.call.Model, u, a.call.EndedAt)
	if !ok {
		return 0
	}
	return live - *a.call.Cost
}

// attempt picks up the attempt at a job where it was parked. A hook that is gone
// meanwhile still gets what was paid for; it asks for nothing more.
func (c *carrier) attempt(item event.WaitingItem) *attempt {
	job := item.Job
	job.Attempts, job.Model = item.Item.Attempt, item.Item.Model
	hook := c.w.opts.Hooks[job.Hook]
	if hook == nil {
		hook = &Hook{Name: job.Hook}
	}
	return &attempt{
		w: c.w, hook: hook,
		job:   event.Leased{Job: job, Lease: event.Lease{ID: job.ID, Token: item.Token, Worker: c.w.opts.Name}},
		log:   c.w.opts.Log.With("job_id", job.ID, "event_id", job.EventID, "hook", job.Hook, "attempt", job.Attempts),
		notes: item.Item.Notes, plans: item.Item.Deliveries,
		call: &event.Call{ID: item.Item.CallID, JobID: job.ID, Attempt: job.Attempts, Lane: event.BatchLane, Model: job.Model, Outcome: event.CallUnknown},
	}
}

// laneAfter is where a job goes on whose request failed: to the next batch if
// its hook has all of them there, else to a live call.
func (c *carrier) laneAfter(a *attempt, g *event.Again) string {
	switch {
	case a.hook.Batch:
		return event.BatchLane
	case g.Lane != "":
		return g.Lane
	case g.Model != "":
		return c.LaneOf(g.Model)
	}
	return c.LaneOf(a.job.Job.Model)
}

// failOpen settles what is open of a batch as failed. It reports whether all is
// settled then.
func (c *carrier) failOpen(calls context.Context, b *event.LeasedBatch, e *claude.Error) bool {
	fail := func(claude.Request, time.Time) (claude.Answer, error) { return claude.Answer{}, new(*e) }
	if e.Verdict == claude.GiveUp && e.Code != "cancelled" {
		// It was the batch that was refused: another one may not be.
		fail = func(claude.Request, time.Time) (claude.Answer, error) {
			again := *e
			again.Verdict = claude.Retry
			return claude.Answer{}, &again
		}
	}
	for {
		open, err := c.Ledger.OpenItems(c.w.life, b.Batch.ID, 500)
		if err != nil || len(open) == 0 {
			return err == nil
		}
		for _, job := range open {
			item, err := c.Ledger.BatchItem(c.w.life, b.Batch.ID, job)
			if err == nil {
				err = c.settle(calls, b, item, fail)
			}
			if err != nil && !errors.Is(err, event.ErrState) {
				c.w.opts.Log.Error("request of a batch not settled", "batch_id", b.Batch.ID, "job_id", job, "error", err)
				return false
			}
		}
	}
}
