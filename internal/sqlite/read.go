package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A jobRow is a row of job_view.
type jobRow struct {
	seq, event int64
	job        event.Job
	deliveryID string
}

// scanJob reads a row of job_view. A job that is ready but whose lane lets no
// call leave now says so.
func scanJob(r *row, now time.Time) jobRow {
	v := jobRow{seq: r.int()}
	j := &v.job
	j.ID, j.EventID, j.Hook = r.text(), r.text(), r.text()
	j.State, j.Reason, j.Until = event.State(r.text()), event.Reason(r.text()), r.time()
	j.Lane, j.Model, j.Chosen = r.text(), r.text(), r.text()
	j.Priority, j.Attempts = int(r.int()), int(r.int())
	j.Subject, j.Type = r.text(), r.text()
	j.CreatedAt, j.QueuedAt, j.UpdatedAt, j.FinishedAt = r.time(), r.time(), r.time(), r.time()
	j.RerunOf, j.SupersededBy, j.Coalesced = r.text(), r.text(), int(r.int())
	if text := r.text(); text != "" {
		j.LastError = new(event.Failure)
		fromJSON(text, j.LastError)
	}
	j.Cost = nano(r.intOrNil())
	lane := event.Lane{Paused: r.int() == 1, Reason: r.text(), Until: r.time()}
	if j.Reason == event.WaitingTurn && lane.Blocks(now) {
		j.Reason, j.Until = event.JobReason(lane.Reason), lane.Until
	}
	v.deliveryID, v.event = r.text(), r.int()
	j.Tenant, j.Note = r.text(), r.text()
	held, until := r.int() == 1, r.time()
	j.ReusedFrom = r.text()
	if j.Reason == event.WaitingTurn && held && (until.IsZero() || now.Before(until)) {
		j.Reason, j.Until = event.Budget, until
	}
	return v
}

// Job reads one job whole, as it was at one moment.
func (db *DB) Job(ctx context.Context, id string) (event.Job, error) {
	var job event.Job
	err := db.read(ctx, func(c *conn) error {
		return c.snapshot(ctx, func() (err error) {
			job, err = db.wholeJob(ctx, c, id)
			return err
		})
	})
	return job, err
}

// snapshot runs fn in one read transaction.
func (c *conn) snapshot(ctx context.Context, fn func() error) error {
	if _, err := c.exec(ctx, "read_begin"); err != nil {
		return err
	}
	err := fn()
	_, end := c.exec(context.WithoutCancel(ctx), "read_end")
	return errors.Join(err, end)
}

func (db *DB) wholeJob(ctx context.Context, c *conn, id string) (event.Job, error) {
	var v jobRow
	err := c.query(ctx, "read_job", func(r *row) { v = scanJob(r, db.opt.Now()) }, id)
	if err == nil && v.seq == 0 {
		err = event.ErrNotFound
	}
	if err != nil {
		return event.Job{}, err
	}
	job := v.job
	e, err := db.readEvent(ctx, c, v.event, job.Hook)
	if err != nil {
		return event.Job{}, err
	}
	job.Event = &e
	if job.Result, err = c.readResult(ctx, v.seq); err != nil {
		return event.Job{}, err
	}
	if job.Calls, err = c.readCalls(ctx, v.seq, id); err != nil {
		return event.Job{}, err
	}
	job.Deliveries, err = c.readDeliveries(ctx, v.seq, id)
	return job, err
}

// readEvent reads an event. Bytes that are forgotten or damaged are left out.
func (db *DB) readEvent(ctx context.Context, c *conn, seq int64, hook string) (event.Event, error) {
	var e event.Event
	var data []byte
	err := c.query(ctx, "read_event", func(r *row) { e, data = scanEvent(r, hook) }, seq)
	if err != nil || data == nil {
		return e, err
	}
	bare := e
	if err := db.pack.unpack(data, &e); err != nil {
		db.opt.Log.Error("event damaged", "event_id", e.ID, "error", err)
		return bare, nil
	}
	return e, nil
}

// scanEvent reads an event without its bytes, and those as they are packed.
func scanEvent(r *row, hook string) (event.Event, []byte) {
	e := event.Event{
		ID: r.text(), Hook: hook, Source: r.text(), Type: r.text(), DeliveryID: r.text(), Subject: r.text(),
		Time: r.time(), ReceivedAt: r.time(), Digest: r.blob(), Duplicates: int(r.int()),
	}
	return e, r.blob()
}

func (c *conn) readResult(ctx context.Context, job int64) (*event.Result, error) {
	var res *event.Result
	err := c.query(ctx, "read_result", func(r *row) {
		res = &event.Result{Text: r.text(), JSON: r.blob(), Model: r.text(), StopReason: r.text()}
		fromJSON(r.text(), &res.Usage)
		res.Cost, res.RequestID, res.CreatedAt = nano(r.intOrNil()), r.text(), r.time()
		fromJSON(r.text(), &res.Notes)
	}, job)
	return res, err
}

func (c *conn) readCalls(ctx context.Context, job int64, id string) ([]event.Call, error) {
	var calls []event.Call
	err := c.query(ctx, "read_calls", func(r *row) {
		call := event.Call{
			ID: r.text(), JobID: id, Attempt: int(r.int()), Lane: r.text(), Model: r.text(),
			StartedAt: r.time(), EndedAt: r.time(), Outcome: event.CallOutcome(r.text()),
			Code: r.text(), Message: r.text(), StopReason: r.text(), RequestID: r.text(),
		}
		fromJSON(r.text(), &call.Usage)
		call.Cost = nano(r.intOrNil())
		calls = append(calls, call)
	}, job)
	return calls, err
}

func (c *conn) readDeliveries(ctx context.Context, job int64, id string) ([]event.Delivery, error) {
	var list []event.Delivery
	err := c.query(ctx, "read_deliveries", func(r *row) {
		list = append(list, event.Delivery{
			ID: r.text(), JobID: id, Target: r.text(), Index: int(r.int()), Spec: json.RawMessage(r.blob()), SerialKey: r.text(),
			State: event.DeliveryState(r.text()), Attempts: int(r.int()), Round: int(r.int()), LastError: r.text(),
			NextAt: r.time(), URL: r.text(), UpdatedAt: r.time(),
		})
	}, job)
	return list, err
}

// readLeased reads a job that was just leased, with its event. Its error wraps
// errDamaged if the event's bytes are.
func (db *DB) readLeased(ctx context.Context, l leasing, t *event.Take) (event.Leased, error) {
	out := event.Leased{Lease: l.lease(t)}
	err := db.read(ctx, func(c *conn) error {
		return c.snapshot(ctx, func() error {
			var v jobRow
			if err := c.query(ctx, "read_job", func(r *row) { v = scanJob(r, t.Now) }, l.id); err != nil {
				return err
			}
			var data []byte
			out.Job = v.job
			err := c.query(ctx, "read_event", func(r *row) { out.Event, data = scanEvent(r, v.job.Hook) }, v.event)
			if err != nil {
				return err
			}
			return db.pack.unpack(data, &out.Event)
		})
	})
	return out, err
}

// readLeasedDelivery reads a delivery that was just leased, with its whole job.
func (db *DB) readLeasedDelivery(ctx context.Context, l leasing) (event.LeasedDelivery, error) {
	var out event.LeasedDelivery
	err := db.read(ctx, func(c *conn) error {
		return c.snapshot(ctx, func() error {
			var id, job string
			err := c.query(ctx, "read_delivery", func(r *row) { id, job = r.text(), r.text() }, l.seq)
			if err != nil {
				return err
			}
			if out.Job, err = db.wholeJob(ctx, c, job); err != nil {
				return err
			}
			for _, d := range out.Job.Deliveries {
				if d.ID == id {
					out.Delivery = d
				}
			}
			return nil
		})
	})
	return out, err
}
