package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Reuse finds the answer to a request that was answered before, or claims it for
// the job that asks.
func (db *DB) Reuse(ctx context.Context, want event.Reuse) (event.Reusable, error) {
	var found event.Reusable
	var from int64
	err := db.write(ctx, func(t *tx) (err error) {
		found, from, err = t.reuse(&want)
		return err
	})
	if err != nil || found.JobID == "" || found.Wait {
		return found, err
	}
	err = db.read(ctx, func(c *conn) (err error) {
		found.Result, err = c.readResult(ctx, from)
		return err
	})
	if found.Result == nil {
		return event.Reusable{}, err // it was purged between; the job pays
	}
	return found, err
}

func (t *tx) reuse(want *event.Reuse) (event.Reusable, int64, error) {
	h, err := t.fence(want.Lease)
	if err != nil {
		return event.Reusable{}, 0, err
	}
	var from int64
	var id string
	var state event.State
	var made time.Time
	err = t.query("reuse_find", func(r *row) {
		from, id, state, made = r.int(), r.text(), event.State(r.text()), r.time()
	}, want.Key)
	switch {
	case err != nil:
		return event.Reusable{}, 0, err
	case want.Fresh, from == h.seq:
	case state == event.Succeeded && made.After(want.Now.Add(-want.For)):
		return event.Reusable{JobID: id}, from, nil
	case state == event.Running:
		return event.Reusable{JobID: id, Wait: true}, from, nil
	}
	_, err = t.exec("reuse_claim", want.Key, h.seq, micros(want.Now.Add(want.For)))
	return event.Reusable{}, 0, err
}

// wake lets those go on that wait for the answer of a job.
func (t *tx) wake(job, now int64) error {
	n, err := t.exec("reuse_wake", job, now)
	if n > 0 {
		t.signal(event.TopicQueue)
	}
	return err
}

// thrift counts what was not called for.
func (t *tx) thrift(r event.ThriftRow) error {
	_, err := t.exec("thrift_add", r.Day, r.Hook, r.Answered, r.Superseded, r.Duplicates, r.Reused, int64(r.Saved))
	return err
}

// Thrift says what was not called for on the days from and to, inclusive.
func (db *DB) Thrift(ctx context.Context, from, to string) ([]event.ThriftRow, error) {
	var rows []event.ThriftRow
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_thrift", func(r *row) {
			rows = append(rows, event.ThriftRow{
				Day: r.text(), Hook: r.text(), Answered: r.int(), Superseded: r.int(), Duplicates: r.int(), Reused: r.int(), Saved: event.NanoUSD(r.int()),
			})
		}, from, to)
	})
	return rows, err
}

// TenantCosts sums the calls of the tenants that cost most on the days from and
// to, inclusive, at most limit of them.
func (db *DB) TenantCosts(ctx context.Context, from, to string, limit int) ([]event.TenantCost, error) {
	var rows []event.TenantCost
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_tenants", func(r *row) {
			rows = append(rows, event.TenantCost{
				Account: event.Account{Hook: r.text(), Tenant: r.text()}, Calls: r.int(), Unpriced: r.int(),
				Cost: event.NanoUSD(r.int()), Estimated: event.NanoUSD(r.int()),
			})
		}, from, to, int64(limit))
	})
	return rows, err
}
