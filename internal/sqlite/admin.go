package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A target is the job that an operator means.
type target struct {
	seq   int64
	state event.State
	event int64
	hook  string
}

func (t *tx) target(id string) (target, error) {
	var j target
	err := t.query("admin_job", func(r *row) {
		j = target{r.int(), event.State(r.text()), r.int(), r.text()}
	}, id)
	if err == nil && j.seq == 0 {
		err = event.ErrNotFound
	}
	return j, err
}

// Cancel ends a job that is not over. The worker of a running one loses its
// lease; its call, if one is out, may still be billed. That of a job in a batch
// runs on, and what it cost is stored when the batch ends.
func (db *DB) Cancel(ctx context.Context, id string, now time.Time) error {
	return db.write(ctx, func(t *tx) error {
		j, err := t.target(id)
		if err != nil {
			return err
		}
		if j.state.Terminal() {
			return event.ErrState
		}
		if err := one(t.exec("admin_cancel", j.seq, micros(now))); err != nil {
			return err
		}
		t.tally.move(j.state, event.Cancelled)
		t.then(func() { t.db.drafts.drop(id) })
		t.signal(id)
		t.signal(event.TopicQueue)
		if err := t.wake(j.seq, micros(now)); err != nil {
			return err
		}
		if inBatch, err := t.leaveBatch(j.seq); err != nil || inBatch {
			return err
		}
		if err := t.loseCalls(j.seq); err != nil {
			return err
		}
		return t.reserve(j.seq, 0)
	})
}

// Redeliver sends the deliveries of a succeeded job again: dead ones as they
// are, done ones under the id of a new round, pending ones without waiting.
// One that is on its way at this moment is left alone.
func (db *DB) Redeliver(ctx context.Context, id string, now time.Time) (int, error) {
	count := 0
	err := db.write(ctx, func(t *tx) (err error) {
		count, err = t.redeliver(id, micros(now))
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

func (t *tx) redeliver(id string, now int64) (int, error) {
	j, err := t.target(id)
	if err != nil {
		return 0, err
	}
	if j.state != event.Succeeded {
		return 0, event.ErrState
	}
	type one struct {
		seq   int64
		state event.DeliveryState
	}
	var all []one
	err = t.query("redeliver_list", func(r *row) {
		d := one{r.int(), event.DeliveryState(r.text())}
		if leased := r.int() > 0; !leased {
			all = append(all, d)
		}
	}, j.seq)
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		if _, err := t.exec("redeliver_"+string(d.state), d.seq, now); err != nil {
			return 0, err
		}
		t.tally.moveDelivery(d.state, event.DeliveryPending)
	}
	t.signal(id)
	t.signal(event.TopicOutbox)
	return len(all), nil
}

// Rerun queues a new job for the event of a job that is over. event.ErrState:
// that one is not over, or the event's bytes are forgotten; event.ErrFull: too
// many jobs are not over.
func (db *DB) Rerun(ctx context.Context, id string, spec event.JobSpec, now time.Time) error {
	spec.Coalesce = nil
	return db.write(ctx, func(t *tx) error {
		old, err := t.target(id)
		if err != nil {
			return err
		}
		kept := false
		if err := t.query("admin_body", func(*row) { kept = true }, old.event); err != nil {
			return err
		}
		if !kept || !old.state.Terminal() {
			return event.ErrState
		}
		if t.tally.queued+t.tally.running >= int64(t.db.opt.MaxJobs) {
			return fmt.Errorf("%w: %d jobs are not over", event.ErrFull, t.db.opt.MaxJobs)
		}
		if err := t.insertJob(&newJob{seq: old.event, hook: old.hook, spec: &spec, now: now, rerunOf: id}); err != nil {
			return err
		}
		return one(t.exec("admin_rerun", old.event, spec.ID))
	})
}
