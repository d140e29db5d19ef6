package work

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// How a batch whose making is in doubt is looked for. There is no idempotency
// key: a request to make a batch whose answer was lost may not be repeated
// before it is certain that nothing was made.
const (
	firstSearch = 15 * time.Second
	// certain is how long after it left a request is sure to have had its
	// effect, or none: the client gives it up after three minutes of silence.
	certain = 5 * time.Minute
	// skew is how far the API's clock may be from ours.
	skew = time.Hour
)

// post asks the API to make the batch. That it is about to is stored first: a
// crash between here and the answer is a doubt that reconcile clears.
func (c *carrier) post(calls context.Context, b *event.LeasedBatch) {
	if !b.Waiting {
		c.abandon(calls, b, &claude.Error{Verdict: claude.GiveUp, Code: "cancelled", Message: "every job of the batch was cancelled before it was sent"})
		return
	}
	var body claude.BatchBody
	err := c.Ledger.BatchParams(c.w.life, b.Batch.ID, func(job string, params []byte) error {
		body.Add(job, params)
		return nil
	})
	if err != nil || body.Len() == 0 {
		c.w.opts.Log.Error("requests of a batch not read", "batch_id", b.Batch.ID, "error", err)
		c.later(b, "its requests could not be read")
		c.save(b, nil)
		return
	}
	b.Batch.Requests = body.Len() // what was given up is not sent, nor looked for
	if !c.mark(b) {
		return
	}
	info, err := c.Claude.CreateBatch(calls, &body)
	e, known := errors.AsType[*claude.Error](err)
	switch {
	case err == nil:
		c.sent(b, info)
	case known && e.NotMade():
		c.refused(calls, b, e)
	default:
		b.Batch.NextAt = c.w.now().Add(firstSearch)
		b.Batch.LastError = clip(err.Error())
		c.w.opts.Log.Warn("it is not known whether a batch was made", "batch_id", b.Batch.ID, "requests", b.Batch.Requests, "error", b.Batch.LastError)
		c.save(b, nil)
	}
}

// mark stores that a request is about to leave. It does not while another batch
// is in doubt: the two could not be told apart.
func (c *carrier) mark(b *event.LeasedBatch) bool {
	now := c.w.now()
	b.Batch.PostedAt = now
	err := c.Ledger.UpdateBatch(c.w.life, event.BatchUpdate{Lease: b.Lease, Now: now, Batch: b.Batch, Keep: true})
	switch {
	case err == nil:
		return true
	case errors.Is(err, event.ErrState):
		b.Batch.PostedAt, b.Batch.NextAt = time.Time{}, now.Add(firstSearch)
		c.save(b, nil)
	default:
		c.w.opts.Log.Error("batch not sent: that could not be stored", "batch_id", b.Batch.ID, "error", err)
	}
	return false
}

// sent notes that the API works on the batch.
func (c *carrier) sent(b *event.LeasedBatch, info claude.BatchInfo) {
	now := c.w.now()
	m := &b.Batch
	m.State, m.ProviderID, m.PostedAt, m.Failures, m.LastError = event.BatchSent, info.ID, time.Time{}, 0, ""
	m.CreatedAt, m.ExpiresAt = info.CreatedAt, info.ExpiresAt
	if m.CreatedAt.IsZero() {
		m.CreatedAt = now
	}
	m.ExpectedAt = c.expected(*m, now)
	m.NextAt = now.Add(pollEvery(0))
	c.w.opts.Log.Info("batch sent", "batch_id", m.ID, "provider_id", m.ProviderID, "model", m.Model, "requests", m.Requests, "bytes", m.Bytes, "found", m.Adopted)
	c.save(b, nil)
}

// refused is an answer that says that there is no batch.
func (c *carrier) refused(calls context.Context, b *event.LeasedBatch, e *claude.Error) {
	b.Batch.PostedAt = time.Time{}
	var pause *event.LanePause
	switch e.Verdict {
	case claude.GiveUp:
		c.abandon(calls, b, e)
		return
	case claude.WaitLane:
		c.later(b, e.Error())
		b.Batch.NextAt = c.w.now() // the pause holds it
		pause = &event.LanePause{Lane: event.BatchLane, Reason: e.Code, Detail: clip(e.Message), Until: e.Until}
	default:
		c.later(b, e.Error())
		if e.Until.After(b.Batch.NextAt) {
			b.Batch.NextAt = e.Until
		}
	}
	c.save(b, pause)
}

// abandon settles the requests of a batch that will never be made.
func (c *carrier) abandon(calls context.Context, b *event.LeasedBatch, e *claude.Error) {
	if !c.failOpen(calls, b, e) {
		c.later(b, "its requests could not be settled")
		c.save(b, nil)
		return
	}
	b.Batch.State, b.Batch.EndedAt, b.Batch.LastError = event.BatchEnded, c.w.now(), clip(e.Error())
	c.save(b, nil)
}

// reconcile looks for a batch that may have been made although nobody saw the
// answer. A batch of the right time and size that is none of ours is taken for
// it; its results will tell. When there is none and none can come any more, it
// is asked for again.
func (c *carrier) reconcile(calls context.Context, b *event.LeasedBatch) {
	posted := b.Batch.PostedAt
	found, err := c.search(calls, b, posted.Add(-skew))
	now := c.w.now()
	switch {
	case err != nil:
		c.later(b, err.Error())
		c.save(b, nil)
	case found != nil:
		b.Batch.Adopted = true
		c.sent(b, *found)
	case now.Sub(posted) < certain:
		b.Batch.NextAt = posted.Add(certain)
		c.save(b, nil)
	default:
		c.w.opts.Log.Info("batch was not made, as far as one can see", "batch_id", b.Batch.ID)
		if b.Batch.DoubtedAt.IsZero() {
			b.Batch.DoubtedAt = posted
		}
		b.Batch.PostedAt = time.Time{}
		c.post(calls, b)
	}
}

// search lists the batches since a time and returns the one that is nearest to
// when ours was asked for.
func (c *carrier) search(calls context.Context, b *event.LeasedBatch, since time.Time) (*claude.BatchInfo, error) {
	alike, err := c.alike(calls, b, since)
	if err != nil || len(alike) == 0 {
		return nil, err
	}
	distance := func(i claude.BatchInfo) time.Duration { return i.CreatedAt.Sub(b.Batch.PostedAt).Abs() }
	return new(slices.MinFunc(alike, func(a, b claude.BatchInfo) int { return cmp.Compare(distance(a), distance(b)) })), nil
}

// alike lists the batches since a time that could be this one: as large, and not
// known to be another.
func (c *carrier) alike(calls context.Context, b *event.LeasedBatch, since time.Time) ([]claude.BatchInfo, error) {
	listed, err := c.Claude.BatchesSince(calls, since)
	if err != nil {
		return nil, err
	}
	names, err := c.Ledger.BatchNames(c.w.life, since.Add(-skew))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(listed, func(l claude.BatchInfo) bool {
		return l.Requests != b.Batch.Requests || slices.Contains(names, l.ID) || slices.Contains(b.Batch.Foreign, l.ID)
	}), nil
}
