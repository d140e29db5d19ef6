package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// fillStep is how many requests one transaction puts into a batch, so that no
// accept waits long behind a large one.
const fillStep = 500

// A readyGroup is the parked requests for one model.
type readyGroup struct {
	model        string
	count, bytes int64
	first        time.Time
}

// FormBatches makes batches of parked requests, one of each model, and returns
// how many, and when more will be worth making. A batch is filled in several
// transactions, and nobody takes it before it has all its requests; one that a
// crash left half full is filled by the next call.
func (db *DB) FormBatches(ctx context.Context, f event.FormBatches) (int, time.Time, error) {
	made, begun := 0, false
	for {
		var next time.Time
		filling := false
		err := db.write(ctx, func(t *tx) (err error) {
			if filling, err = t.fillBatch(&f); err == nil && !filling && !begun {
				made, next, err = t.beginBatches(&f)
			}
			return err
		})
		switch {
		case err != nil:
			return 0, time.Time{}, err
		case filling:
		case begun:
			return made, f.Now, nil // there may be more of these models
		case made == 0:
			return 0, next, nil
		default:
			begun = true
		}
	}
}

// beginBatches stores the batches that are worth making, still empty.
func (t *tx) beginBatches(f *event.FormBatches) (made int, next time.Time, err error) {
	lane, _, err := t.lane(event.BatchLane)
	if err == nil && lane.Blocks(f.Now) {
		err = t.unparkStale(f.Now.Add(-staleAfter), f.Now)
		return 0, lane.Until, err
	}
	if err != nil {
		return 0, time.Time{}, err
	}
	queued := int64(0)
	if err := t.query("batch_queued", func(r *row) { queued = r.int() }); err != nil || queued >= int64(f.MaxQueued) {
		return 0, time.Time{}, err // a batch that ends is a signal
	}
	var groups []readyGroup
	err = t.scan("batch_ready", func(r *row) {
		groups = append(groups, readyGroup{r.text(), r.int(), r.int(), r.time()})
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, g := range groups {
		room := int64(f.MaxQueued) - queued
		full := g.count >= int64(f.MaxRequests) || g.bytes >= f.MaxBytes
		due := g.first.Add(f.Collect)
		switch {
		case room <= 0:
		case !full && due.After(f.Now):
			if next.IsZero() || due.Before(next) {
				next = due
			}
		default:
			n, err := t.beginBatch(g.model, min(room, int64(f.MaxRequests)), f)
			if err != nil {
				return 0, time.Time{}, err
			}
			queued += n
			made++
		}
	}
	return made, next, nil
}

// beginBatch stores a batch for the oldest requests for a model, at most so many.
func (t *tx) beginBatch(model string, most int64, f *event.FormBatches) (int64, error) {
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
	_, err = t.exec("batch_put", event.NewID(event.PrefixBatch, f.Now), model, count, bytes, micros(f.Now), micros(never), last)
	return count, err
}

// fillBatch puts some requests into a batch that does not have all of its own,
// and writes their calls. It reports whether there was one.
func (t *tx) fillBatch(f *event.FormBatches) (bool, error) {
	var batch, last int64
	model := ""
	err := t.query("batch_filling", func(r *row) { batch, model, last = r.int(), r.text(), r.int() }, micros(never))
	if err != nil || batch == 0 {
		return false, err
	}
	if _, err := t.exec("batch_calls", model, last, micros(f.Now), int64(fillStep)); err != nil {
		return false, err
	}
	n, err := t.exec("batch_fill", model, last, batch, int64(fillStep))
	if err != nil || n == fillStep {
		return true, err
	}
	t.signal(event.TopicBatch)
	if n, err = t.exec("batch_filled", batch, micros(f.Now)); err == nil && n == 0 {
		_, err = t.exec("batch_empty", batch)
	}
	return true, err
}

// staleAfter is how long a request waits in a closed lane before its job goes
// back into the queue: it reserves money that others could use, what was gathered
// for it grows old, and only there is the age of the job looked at.
const staleAfter = 10 * time.Minute

// unparkStale queues jobs again whose requests have waited since before.
func (t *tx) unparkStale(before, now time.Time) error {
	var stale []leasing
	err := t.scan("batch_stale", func(r *row) { stale = append(stale, leasing{seq: r.int(), id: r.text()}) }, micros(before), int64(fillStep))
	if err != nil {
		return err
	}
	for _, l := range stale {
		if err := t.unpark(l.seq); err != nil {
			return err
		}
		if err := one(t.exec("batch_requeue", l.seq, micros(now))); err != nil {
			return err
		}
		t.signal(l.id)
		t.signal(event.TopicQueue)
	}
	return nil
}

// unpark takes a job's request back that has not left, with what it reserved.
func (t *tx) unpark(job int64) error {
	if _, err := t.leaveBatch(job); err != nil {
		return err
	}
	return t.reserve(job, 0)
}
