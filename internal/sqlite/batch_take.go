package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TakeBatches leases batches that are to be looked at.
func (db *DB) TakeBatches(ctx context.Context, want event.TakeBatches) (event.TakenBatches, error) {
	var taken event.TakenBatches
	err := db.write(ctx, func(t *tx) (err error) {
		taken, err = t.takeBatches(&want)
		return err
	})
	if err != nil {
		return event.TakenBatches{}, err
	}
	return taken, nil
}

func (t *tx) takeBatches(want *event.TakeBatches) (event.TakenBatches, error) {
	var taken event.TakenBatches
	now := micros(want.Now)
	if n, err := t.exec("batch_expired", now); err != nil {
		return taken, err
	} else if n == 0 {
		t.writes-- // it only looked
	}
	lane, _, err := t.lane(event.BatchLane)
	if err != nil {
		return taken, err
	}
	held := int64(0)
	if lane.Blocks(want.Now) {
		held = 1
	}
	var due []leasing
	err = t.scan("batch_due", func(r *row) { due = append(due, leasing{seq: r.int(), token: r.int() + 1}) }, now, held, int64(want.Max))
	if err != nil {
		return taken, err
	}
	for _, l := range due {
		if err := one(t.exec("batch_lease", l.seq, l.token, want.Worker, micros(want.LeaseUntil))); err != nil {
			return taken, err
		}
		b := event.LeasedBatch{Lease: event.Lease{Token: l.token, Worker: want.Worker, Until: want.LeaseUntil}}
		err := t.scan("batch_whole", func(r *row) {
			b.Batch = scanBatch(r)
			b.Waiting = r.int() == 1
		}, l.seq)
		if err != nil {
			return taken, err
		}
		b.Lease.ID = b.Batch.ID
		taken.Batches = append(taken.Batches, b)
	}
	err = t.query("batch_next", func(r *row) { taken.NextDue = r.time() }, held)
	if held == 1 && !lane.Until.IsZero() && (taken.NextDue.IsZero() || lane.Until.Before(taken.NextDue)) {
		taken.NextDue = lane.Until
	}
	return taken, err
}

func scanBatch(r *row) event.MessageBatch {
	b := event.MessageBatch{
		ID: r.text(), Model: r.text(), State: event.BatchState(r.text()), ProviderID: r.text(), Requests: int(r.int()), Bytes: r.int(),
		IntendedAt: r.time(), PostedAt: r.time(), DoubtedAt: r.time(), CreatedAt: r.time(), ExpiresAt: r.time(), ExpectedAt: r.time(), EndedAt: r.time(),
		NextAt: r.time(), Failures: int(r.int()), Adopted: r.int() == 1,
	}
	fromJSON(r.text(), &b.Foreign)
	b.LastError = r.text()
	return b
}

// UpdateBatch stores how a batch stands. event.ErrLeaseLost: nothing was
// written; event.ErrState: it is to be posted while it is not known whether
// another one was made, or it is to end while requests are not settled.
func (db *DB) UpdateBatch(ctx context.Context, u event.BatchUpdate) error {
	return db.write(ctx, func(t *tx) error { return t.updateBatch(&u) })
}

func (t *tx) updateBatch(u *event.BatchUpdate) error {
	seq, err := t.fenceBatch(u.Lease)
	if err != nil {
		return err
	}
	b := &u.Batch
	if err := t.allows(seq, b); err != nil {
		return err
	}
	adopted, lease, strangers := int64(0), int64(0), ""
	if b.Adopted {
		adopted = 1
	}
	if u.Keep && b.State != event.BatchEnded {
		lease = micros(u.Lease.Until)
	}
	if len(b.Foreign) > 0 {
		strangers = asJSON(b.Foreign)
	}
	err = one(t.exec("batch_update", seq, string(b.State), b.ProviderID, micros(b.PostedAt), micros(b.CreatedAt), micros(b.ExpiresAt),
		micros(b.ExpectedAt), micros(b.EndedAt), micros(b.NextAt), int64(b.Failures), adopted, strangers, b.LastError, lease,
		int64(b.Requests), micros(b.DoubtedAt)))
	if err == nil && u.Pause != nil {
		err = t.pause(u.Pause, u.Now)
	}
	t.signal(event.TopicBatch)
	return err
}

// allows refuses what would leave a doubt: a second batch that may or may not
// have been made, or an end with requests that are not settled.
func (t *tx) allows(seq int64, b *event.MessageBatch) error {
	n := int64(0)
	count := func(r *row) { n = r.int() }
	var err error
	switch {
	case b.State == event.BatchEnded:
		err = t.query("batch_unsettled", count, seq)
	case !b.PostedAt.IsZero():
		err = t.query("batch_doubt", count, seq)
	}
	if err == nil && n > 0 {
		err = event.ErrState
	}
	return err
}

func (t *tx) fenceBatch(l event.Lease) (seq int64, err error) {
	err = t.query("batch_fence", func(r *row) { seq = r.int() }, l.ID, l.Token)
	if err == nil && seq == 0 {
		err = event.ErrLeaseLost
	}
	return seq, err
}

// Batches lists the batches that are open and some of those that have ended,
// newest first.
func (db *DB) Batches(ctx context.Context, ended int) ([]event.MessageBatch, error) {
	var all []event.MessageBatch
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_batches", func(r *row) { all = append(all, scanBatch(r)) }, int64(ended))
	})
	return all, err
}

// BatchNames returns the API's ids of the batches that are open or ended after
// since.
func (db *DB) BatchNames(ctx context.Context, since time.Time) ([]string, error) {
	var names []string
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_batch_names", func(r *row) { names = append(names, r.text()) }, micros(since))
	})
	return names, err
}
