package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// never is when a job in a batch becomes due by itself.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// A batchPlan is what of an item only its settlement needs.
type batchPlan struct {
	Deliveries []event.Delivery `json:"deliveries,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
}

// ParkJob puts a leased job aside with its request, until a batch has carried
// that. event.ErrLeaseLost: nothing was written.
func (db *DB) ParkJob(ctx context.Context, p event.Parking) error {
	return db.write(ctx, func(t *tx) error {
		h, err := t.fence(p.Lease)
		if err != nil {
			return err
		}
		now, item := micros(p.Now), &p.Item
		if err := one(t.exec("batch_park", h.seq, micros(never), now)); err != nil {
			return err
		}
		if _, err := t.exec("batch_lane", now); err != nil {
			return err
		}
		plan := asJSON(batchPlan{item.Deliveries, item.Notes})
		var seq int64
		t.writes++
		if err := t.query("batch_item_put", func(r *row) { seq = r.int() }, h.seq, p.Lease.Token, item.CallID, item.Model, int64(item.Attempt),
			int64(len(item.Params)), plan, now); err != nil {
			return err
		}
		if _, err := t.exec("batch_params_put", seq, []byte(item.Params)); err != nil {
			return err
		}
		t.bytes += int64(len(item.Params))
		t.tally.move(event.Running, event.Queued)
		t.then(func() { t.db.drafts.drop(h.id) })
		t.signal(h.id)
		t.signal(event.TopicQueue) // a place has become free
		t.signal(event.TopicBatch)
		return nil
	})
}

// leaveBatch takes a job's request out of the queue for batches, and out of a
// batch that nobody has begun to send. It reports whether the request has left;
// then the call goes on.
func (t *tx) leaveBatch(job int64) (bool, error) {
	var batch, bytes, out int64
	call := ""
	t.writes++
	err := t.query("batch_unready", func(r *row) { batch, bytes, call = r.int(), r.int(), r.text() }, job)
	if err != nil {
		return false, err
	}
	if call != "" {
		t.signal(event.TopicBatch)
	}
	if batch > 0 {
		if _, err := t.exec("batch_uncall", job, call); err != nil {
			return false, err
		}
		n, err := t.exec("batch_shrink", batch, bytes)
		if err == nil && n == 0 {
			_, err = t.exec("batch_empty", batch)
		}
		if err != nil {
			return false, err
		}
	}
	err = t.query("batch_holds", func(r *row) { out = r.int() }, job)
	return out > 0, err
}
