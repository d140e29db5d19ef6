package work

import (
	"cmp"
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// The second way of a job: it is gathered for and rendered as for a live call,
// then its request is stored and the job parked (batch_park.go). The requests
// that gathered become a batch, which the API makes once (batch_create.go), and
// when that has ended, each result is settled like the end of a call
// (batch_collect.go).

// Batch configures the way through Message Batches
// (https://platform.claude.com/docs/en/build-with-claude/batch-processing).
type Batch struct {
	Ledger BatchLedger // required
	Claude BatchCaller // required
	// LaneOf names the lane of live calls to a model. Required.
	LaneOf func(model string) string

	Collect     time.Duration // how long requests gather before they are sent; default 1m
	MaxRequests int           // in one batch; default 10,000
	MaxBytes    int64         // of one batch; default 32 MiB
	MaxQueued   int           // requests in batches that have not ended; default 200,000
	PerMinute   int           // requests to the endpoints of batches; default 300
}

// BatchCaller is the part of the Claude API that makes batches. It never
// retries; its errors are *claude.Error, or the context's.
type BatchCaller interface {
	CreateBatch(ctx context.Context, b *claude.BatchBody) (claude.BatchInfo, error)
	Batch(ctx context.Context, id string) (claude.BatchInfo, error)
	BatchesSince(ctx context.Context, since time.Time) ([]claude.BatchInfo, error)
	BatchResults(ctx context.Context, id string, visit func(claude.BatchResult) error) error
	CancelBatch(ctx context.Context, id string) error
}

// complete returns b with its defaults.
func (b *Batch) complete() *Batch {
	c := *b
	c.Collect = cmp.Or(c.Collect, time.Minute)
	c.MaxRequests = cmp.Or(c.MaxRequests, 10_000)
	c.MaxBytes = cmp.Or(c.MaxBytes, 32<<20)
	c.MaxQueued = cmp.Or(c.MaxQueued, 200_000)
	c.PerMinute = cmp.Or(c.PerMinute, 300)
	return &c
}

// How the carrier of batches waits.
const (
	batchLease = 15 * time.Minute // longer than a request may take
	batchLook  = time.Minute
)

// A carrier takes batches from intent to end, one at a time. It belongs to the
// goroutine of batches.
type carrier struct {
	*Batch
	w     *Worker
	usual time.Duration // how long batches take; 0: nobody knows
}

// batches forms batches of parked requests and follows those that there are
// until ctx ends; what is under way then goes on with the next start. Requests
// to the API may finish under calls.
func (w *Worker) batches(ctx, calls context.Context) {
	c := &carrier{Batch: w.opts.Batch, w: w}
	changed, stop := w.opts.Signals.Watch(event.TopicBatch)
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-timer.C:
		}
		next := c.round(ctx, calls)
		select { // the endpoints have a rate of their own, and a flood of signals is one look
		case <-ctx.Done():
			return
		case <-time.After(time.Minute / time.Duration(c.PerMinute)):
		}
		timer.Reset(next)
	}
}

// round forms what can be formed, takes one step with one batch, and returns
// how long nothing will be due.
func (c *carrier) round(ctx, calls context.Context) time.Duration {
	now := c.w.now()
	made, next, err := c.Ledger.FormBatches(c.w.life, event.FormBatches{
		Now: now, Collect: c.Collect, MaxRequests: c.MaxRequests, MaxBytes: c.MaxBytes, MaxQueued: c.MaxQueued,
	})
	var taken event.TakenBatches
	if err == nil {
		taken, err = c.Ledger.TakeBatches(c.w.life, event.TakeBatches{
			Worker: c.w.opts.Name, Now: now, LeaseUntil: now.Add(batchLease), Max: 1,
		})
	}
	if err != nil {
		if ctx.Err() == nil {
			c.w.opts.Log.Error("batches not looked at", "error", err)
		}
		return afterError
	}
	for i := range taken.Batches {
		c.step(ctx, calls, &taken.Batches[i])
	}
	if made > 0 || len(taken.Batches) > 0 {
		return 0
	}
	return min(sooner(now, next), sooner(now, taken.NextDue))
}

// sooner is the time from now to at, or to the next look of its own.
func sooner(now, at time.Time) time.Duration {
	if at.IsZero() {
		return batchLook
	}
	return min(max(at.Sub(now), time.Millisecond), batchLook)
}

// step does what is next for a batch.
func (c *carrier) step(ctx, calls context.Context, b *event.LeasedBatch) {
	switch {
	case b.Batch.State == event.BatchSent:
		c.poll(ctx, calls, b)
	case b.Batch.PostedAt.IsZero():
		c.post(calls, b)
	default:
		c.reconcile(calls, b)
	}
}

// save stores how the batch stands and lets go of it.
func (c *carrier) save(b *event.LeasedBatch, pause *event.LanePause) {
	err := c.Ledger.UpdateBatch(c.w.life, event.BatchUpdate{Lease: b.Lease, Now: c.w.now(), Batch: b.Batch, Pause: pause})
	if err != nil {
		c.w.opts.Log.Error("batch not stored", "batch_id", b.Batch.ID, "error", err) // its lease runs out
	}
}

// later notes a look that failed; the next comes after a backoff.
func (c *carrier) later(b *event.LeasedBatch, cause string) {
	b.Batch.Failures++
	b.Batch.LastError = clip(cause)
	b.Batch.NextAt = c.w.now().Add(backoff(b.Batch.Failures + 2))
	c.w.opts.Log.Warn("batch has to wait", "batch_id", b.Batch.ID, "provider_id", b.Batch.ProviderID, "error", b.Batch.LastError, "until", b.Batch.NextAt)
}
