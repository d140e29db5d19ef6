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
		if _, err := t.exec("batch_item_put", h.seq, p.Lease.Token, item.CallID, item.Model, int64(item.Attempt),
			[]byte(item.Params), int64(len(item.Params)), plan, now); err != nil {
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

// leaveBatch takes a job that is cancelled out of the queue for batches. It
// reports whether its request is in a batch already; then the call goes on.
func (t *tx) leaveBatch(job int64) (bool, error) {
	n, err := t.exec("batch_unready", job)
	if err != nil {
		return false, err
	}
	if n > 0 {
		t.signal(event.TopicBatch)
	}
	var out int64
	err = t.query("batch_holds", func(r *row) { out = r.int() }, job)
	return out > 0, err
}

// A readyGroup is the parked requests for one model.
type readyGroup struct {
	model        string
	count, bytes int64
	first        time.Time
}

// FormBatches makes batches of parked requests and returns how many, and when
// more will be worth making.
func (db *DB) FormBatches(ctx context.Context, f event.FormBatches) (int, time.Time, error) {
	made := 0
	var next time.Time
	err := db.write(ctx, func(t *tx) (err error) {
		made, next, err = t.formBatches(&f)
		return err
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	return made, next, nil
}

func (t *tx) formBatches(f *event.FormBatches) (made int, next time.Time, err error) {
	lane, _, err := t.lane(event.BatchLane)
	if err != nil || lane.Blocks(f.Now) {
		return 0, lane.Until, err
	}
	var groups []readyGroup
	err = t.scan("batch_ready", func(r *row) {
		groups = append(groups, readyGroup{r.text(), r.int(), r.int(), r.time()})
	})
	if err != nil || len(groups) == 0 {
		return 0, time.Time{}, err
	}
	queued := int64(0)
	if err := t.query("batch_queued", func(r *row) { queued = r.int() }); err != nil {
		return 0, time.Time{}, err
	}
	for _, g := range groups {
		room := int64(f.MaxQueued) - queued
		full := g.count >= int64(f.MaxRequests) || g.bytes >= f.MaxBytes
		due := g.first.Add(f.Collect)
		switch {
		case room <= 0: // a batch that ends is a signal
		case !full && due.After(f.Now):
			if next.IsZero() || due.Before(next) {
				next = due
			}
		default:
			n, err := t.formBatch(g.model, min(room, int64(f.MaxRequests)), f)
			if err != nil {
				return made, next, err
			}
			queued += n
			made++
			next = f.Now // there may be more of this model
		}
	}
	return made, next, nil
}

// formBatch stores one batch of at most so many requests, and their calls.
func (t *tx) formBatch(model string, most int64, f *event.FormBatches) (int64, error) {
	var count, bytes, last int64
	full := false
	err := t.scan("batch_ready_of", func(r *row) {
		seq, size := r.int(), r.int()
		if full = full || count > 0 && bytes+size > f.MaxBytes; !full {
			count, bytes, last = count+1, bytes+size, seq
		}
	}, model, most)
	if err != nil {
		return 0, err
	}
	now, batch := micros(f.Now), int64(0)
	t.writes++
	err = t.query("batch_put", func(r *row) { batch = r.int() }, event.NewID(event.PrefixBatch, f.Now), model, count, bytes, now)
	if err != nil {
		return 0, err
	}
	if _, err := t.exec("batch_fill", model, batch, last); err != nil {
		return 0, err
	}
	_, err = t.exec("batch_calls", batch, now)
	t.signal(event.TopicBatch)
	return count, err
}
