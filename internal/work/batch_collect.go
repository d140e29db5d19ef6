package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

const (
	// usualBatch is how long a batch takes as long as none has ended here: most
	// are done within an hour, says the documentation.
	usualBatch = time.Hour
	// settlers is how many results are settled at once, so that one fsync serves
	// many.
	settlers = 16
	// patience is how many looks at results that are broken or lack some it
	// takes until what lacks is given up.
	patience = 8
)

// errStopping ends the reading of results; it begins anew after the next start.
var errStopping = errors.New("the worker is stopping")

// pollEvery is how long to wait before a batch of this age is looked at again:
// an eighth of it, within bounds.
func pollEvery(age time.Duration) time.Duration {
	return min(max(age/8, 5*time.Second), 5*time.Minute)
}

// expected is when the end of a batch may be expected: as soon as of others
// before, else when the API gives up on it.
func (c *carrier) expected(m event.MessageBatch, now time.Time) time.Time {
	usual := c.usual
	if usual == 0 {
		usual = usualBatch
	}
	at := m.CreatedAt.Add(usual)
	if !m.ExpiresAt.IsZero() && (at.After(m.ExpiresAt) || !at.After(now)) {
		return m.ExpiresAt
	}
	return at
}

// poll asks how far a batch is. One that nobody waits for is cancelled: what is
// not done of it yet costs nothing then.
func (c *carrier) poll(ctx, calls context.Context, b *event.LeasedBatch) {
	m := &b.Batch
	if !m.DoubtedAt.IsZero() {
		if open, err := c.Ledger.OpenItems(c.w.life, m.ID, 1); err == nil && len(open) == 0 {
			c.ended(calls, b)
			return
		}
	}
	info, err := c.Claude.Batch(calls, m.ProviderID)
	e, known := errors.AsType[*claude.Error](err)
	now := c.w.now()
	switch {
	case known && e.Code == claude.CodeBatchLost, err == nil && info.Ended && info.Archived:
		c.gone(calls, b, e)
		return
	case err != nil:
		c.later(b, err.Error())
		if known && e.Until.After(m.NextAt) {
			m.NextAt = e.Until
		}
	case info.Ended:
		c.collect(ctx, calls, b)
		return
	default:
		m.Failures, m.LastError = 0, ""
		m.ExpectedAt, m.NextAt = c.expected(*m, now), now.Add(pollEvery(now.Sub(m.CreatedAt)))
		if !b.Waiting && !m.Adopted { // an adopted one may be somebody else's
			c.cancel(calls, b)
		}
	}
	c.save(b, nil)
}

func (c *carrier) cancel(calls context.Context, b *event.LeasedBatch) {
	if err := c.Claude.CancelBatch(calls, b.Batch.ProviderID); err != nil {
		c.w.opts.Log.Warn("batch not cancelled", "batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID, "error", err)
		return
	}
	c.w.opts.Log.Info("batch cancelled: none of its jobs waits for it", "batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID)
}

// gone is a batch whose results can be had no more. Whether they were paid for
// nobody knows.
func (c *carrier) gone(calls context.Context, b *event.LeasedBatch, e *claude.Error) {
	if e == nil {
		e = &claude.Error{Message: "the results are older than 29 days", Hint: "keep a worker running while batches are"}
	}
	e.Code, e.Verdict = claude.CodeBatchLost, claude.Retry
	c.w.opts.Log.Error("results of a batch are gone", "batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID, "error", e.Message)
	c.abandon(calls, b, e)
}

// A harvest is one reading of a batch's results.
type harvest struct {
	mu       sync.Mutex
	settled  int
	matched  int // of this batch, settled now or before
	unknown  int
	stranger string // the id of one that is not of this batch
	fault    error  // of the ledger
}

// collect reads the results and settles each. It may be cut anywhere, and then
// begins anew: what was settled before is passed over.
func (c *carrier) collect(ctx, calls context.Context, b *event.LeasedBatch) {
	h := &harvest{}
	var group sync.WaitGroup
	slots := make(chan struct{}, settlers)
	err := c.Claude.BatchResults(calls, b.Batch.ProviderID, func(r claude.BatchResult) error {
		if ctx.Err() != nil {
			return errStopping
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			c.reap(calls, b, r, h)
		})
		return nil
	})
	group.Wait()
	c.concluded(calls, b, h, err)
}

// reap settles one result.
func (c *carrier) reap(calls context.Context, b *event.LeasedBatch, r claude.BatchResult, h *harvest) {
	item, err := c.Ledger.BatchItem(c.w.life, b.Batch.ID, r.ID())
	if err == nil {
		err = c.settle(calls, b, item, r.Answer)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.settled++
		h.matched++
	case errors.Is(err, event.ErrState):
		h.matched++
	case errors.Is(err, event.ErrNotFound):
		h.unknown++
		h.stranger = clip(r.ID())
	default:
		h.fault = err
	}
}

// concluded says what a reading of the results means for the batch.
func (c *carrier) concluded(calls context.Context, b *event.LeasedBatch, h *harvest, err error) {
	if h.unknown > 0 {
		c.w.opts.Log.Error("results of requests that are not in this batch", "batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID, "count", h.unknown, "one_of_them", h.stranger)
	}
	e, known := errors.AsType[*claude.Error](err)
	switch {
	case errors.Is(err, errStopping), err != nil && calls.Err() != nil:
		b.Batch.NextAt = c.w.now()
		c.save(b, nil)
	case known && e.Code == claude.CodeBatchLost:
		c.gone(calls, b, e)
	case h.fault != nil:
		c.later(b, h.fault.Error()) // the ledger's fault is no proof that results lack
		c.save(b, nil)
	case err != nil:
		c.again(calls, b, h, err.Error())
	case h.matched == 0 && b.Batch.Adopted:
		c.foreign(b)
	default:
		c.complete(calls, b, h)
	}
}

// complete closes a batch whose results were read to their end, if none lacks.
func (c *carrier) complete(calls context.Context, b *event.LeasedBatch, h *harvest) {
	open, err := c.Ledger.OpenItems(c.w.life, b.Batch.ID, 1)
	switch {
	case err != nil:
		c.later(b, err.Error())
		c.save(b, nil)
	case len(open) > 0:
		c.again(calls, b, h, "the results lack some of the requests")
	default:
		c.ended(calls, b)
	}
}

// again reads the results once more after a while, and gives up what lacks when
// that has brought nothing for long.
func (c *carrier) again(calls context.Context, b *event.LeasedBatch, h *harvest, cause string) {
	if h.settled > 0 {
		b.Batch.Failures = 0
	}
	if b.Batch.Failures >= patience {
		c.gone(calls, b, &claude.Error{Message: clip(cause)})
		return
	}
	c.later(b, cause)
	c.save(b, nil)
}

// foreign lets go of a batch that was taken for ours and holds others' requests.
func (c *carrier) foreign(b *event.LeasedBatch) {
	m := &b.Batch
	c.w.opts.Log.Warn("batch was somebody else's", "batch_id", m.ID, "provider_id", m.ProviderID)
	m.Foreign = append(m.Foreign, m.ProviderID)
	m.State, m.ProviderID, m.Adopted, m.PostedAt, m.NextAt = event.BatchIntended, "", false, m.IntendedAt, c.w.now()
	m.CreatedAt, m.ExpiresAt, m.ExpectedAt = time.Time{}, time.Time{}, time.Time{}
	c.save(b, nil)
}

// ended closes a batch of which every request is settled, unless it may have
// been made twice and that is not clear yet.
func (c *carrier) ended(calls context.Context, b *event.LeasedBatch) {
	if !b.Batch.DoubtedAt.IsZero() && !c.audited(calls, b) {
		c.save(b, nil)
		return
	}
	m, now := &b.Batch, c.w.now()
	took := now.Sub(m.CreatedAt)
	c.usual = took
	m.State, m.EndedAt, m.Failures, m.LastError = event.BatchEnded, now, 0, ""
	c.w.opts.Log.Info("batch ended", "batch_id", m.ID, "provider_id", m.ProviderID, "requests", m.Requests, "took", took.Round(time.Second))
	c.save(b, nil)
}
