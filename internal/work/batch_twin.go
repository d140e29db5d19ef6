package work

import (
	"context"
	"errors"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// audited looks for a second copy of a batch that was asked for again: the first
// request may have been made after all, long after it broke off. What cannot be
// told apart before its results are there is waited for. A copy was paid for, so
// its calls are added to those of its jobs. It reports whether all is clear.
func (c *carrier) audited(calls context.Context, b *event.LeasedBatch) bool {
	alike, err := c.alike(calls, b, b.Batch.DoubtedAt.Add(-skew))
	if err != nil {
		c.later(b, err.Error())
		return false
	}
	now := c.w.now()
	for _, info := range alike {
		switch {
		case !info.Ended:
			b.Batch.NextAt = now.Add(pollEvery(now.Sub(info.CreatedAt)))
			return false
		case info.Archived: // nobody will ever know
		default:
			if err := c.copied(calls, b, info.ID); err != nil {
				c.later(b, err.Error())
				return false
			}
		}
		b.Batch.Foreign = append(b.Batch.Foreign, info.ID)
	}
	return true
}

// errForeign says that a batch holds requests of others.
var errForeign = errors.New("not ours")

// copied books what a batch cost, if it is a copy of b. It may be cut anywhere,
// and then begins anew: what was booked before is passed over.
func (c *carrier) copied(calls context.Context, b *event.LeasedBatch, id string) error {
	n, cost := 0, event.NanoUSD(0)
	err := c.Claude.BatchResults(calls, id, func(r claude.BatchResult) error {
		call := c.copy(b, id, r)
		switch err := c.Ledger.BookCopy(c.w.life, event.BatchCopy{BatchID: b.Batch.ID, Call: call, Now: c.w.now()}); {
		case errors.Is(err, event.ErrNotFound):
			return errForeign
		case err != nil:
			return err
		}
		n++
		if call.Cost != nil {
			cost += *call.Cost
		}
		return nil
	})
	if n > 0 {
		c.w.opts.Log.Error("a batch was made twice: the request that had broken off was carried out late",
			"batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID, "copy", id, "requests", n, "cost_usd", cost.Dollars())
	}
	e, known := errors.AsType[*claude.Error](err)
	if errors.Is(err, errForeign) || known && e.Code == claude.CodeBatchLost {
		return nil
	}
	return err
}

// copy is the call of a request that was made a second time.
func (c *carrier) copy(b *event.LeasedBatch, id string, r claude.BatchResult) event.Call {
	now := c.w.now()
	call := event.Call{
		ID: event.PrefixCall + id, JobID: r.ID(), Lane: event.BatchLane, Model: b.Batch.Model,
		StartedAt: b.Batch.DoubtedAt, EndedAt: now, Outcome: event.CallOK,
		Code: "made_twice", Message: "the batch was made twice; this is the copy, whose answer is not used",
	}
	answer, err := r.Answer(claude.Request{Model: b.Batch.Model}, now)
	call.Usage, call.RequestID, call.StopReason = answer.Usage, answer.RequestID, answer.StopReason
	if e, ok := errors.AsType[*claude.Error](err); ok {
		call.Usage, call.RequestID, call.StopReason, call.Outcome = e.Usage, e.RequestID, e.StopReason, event.CallFailed
	}
	if cost, ok := c.w.opts.Price(call.Model, call.Usage, now); ok {
		call.Cost = &cost
	}
	return call
}
