package sqlite

import (
	"context"

	"github.com/forebayhq/forebay/event"
)

// BatchParams gives each open request of a batch to visit, in the order in
// which they were parked.
func (db *DB) BatchParams(ctx context.Context, batch string, visit func(job string, params []byte) error) error {
	type request struct {
		job    string
		params []byte
	}
	for last, more := int64(0), true; more; {
		var page []request
		err := db.read(ctx, func(c *conn) error {
			return c.query(ctx, "read_batch_params", func(r *row) {
				last = r.int()
				page = append(page, request{r.text(), r.blob()})
			}, batch, last)
		})
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := visit(r.job, r.params); err != nil {
				return err
			}
		}
		more = len(page) > 0
	}
	return nil
}

// BatchItem reads one open request of a batch. event.ErrNotFound: there is none
// for this job; event.ErrState: it was settled before.
func (db *DB) BatchItem(ctx context.Context, batch, job string) (event.WaitingItem, error) {
	var w event.WaitingItem
	err := db.read(ctx, func(c *conn) error {
		return c.snapshot(ctx, func() error {
			state := ""
			err := c.query(ctx, "read_batch_item", func(r *row) {
				state = r.text()
				w.Item = event.BatchItem{JobID: job, CallID: r.text(), Model: r.text(), Attempt: int(r.int())}
				var plan batchPlan
				fromJSON(r.text(), &plan)
				w.Item.Deliveries, w.Item.Notes = plan.Deliveries, plan.Notes
				w.Token = r.int()
				w.Dropped = r.int() == 0
			}, batch, job)
			switch {
			case err != nil:
				return err
			case state == "":
				return event.ErrNotFound
			case state != "out":
				return event.ErrState
			}
			return c.query(ctx, "read_job", func(r *row) { w.Job = scanJob(r, db.opt.Now()).job }, job)
		})
	})
	return w, err
}

// OpenItems returns the jobs of at most limit requests of a batch that are not
// settled.
func (db *DB) OpenItems(ctx context.Context, batch string, limit int) ([]string, error) {
	var jobs []string
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_batch_open", func(r *row) { jobs = append(jobs, r.text()) }, batch, int64(limit))
	})
	return jobs, err
}

// SettleItem ends one request of a batch. A job that still waits for it is
// settled as if it ran under its old lease; of one that does not, only the call
// is stored and paid for. event.ErrNotFound: the request was settled before.
func (db *DB) SettleItem(ctx context.Context, s event.ItemSettlement) error {
	return db.write(ctx, func(t *tx) error { return t.settleItem(&s) })
}

func (t *tx) settleItem(s *event.ItemSettlement) error {
	var item int64
	var h held
	var token int64
	waits := false
	err := t.query("batch_item_open", func(r *row) {
		item, h.seq, token, h.hook, h.cost = r.int(), r.int(), r.int(), r.text(), r.intOrNil()
		waits = r.int() == 1
	}, s.BatchID, s.Settlement.Lease.ID)
	if err == nil && item == 0 {
		err = event.ErrNotFound
	}
	if err != nil {
		return err
	}
	if err := one(t.exec("batch_item_done", item)); err != nil {
		return err
	}
	if _, err := t.exec("batch_params_drop", item); err != nil {
		return err
	}
	if !waits {
		return t.dropItem(&h, &s.Settlement)
	}
	if token != s.Settlement.Lease.Token {
		return event.ErrLeaseLost
	}
	if err := one(t.exec("batch_unpark", h.seq, micros(s.Settlement.Now))); err != nil {
		return err
	}
	t.tally.move(event.Queued, event.Running)
	return t.settle(&s.Settlement)
}

// dropItem stores what a request cost whose job does not wait for it any more.
func (t *tx) dropItem(h *held, s *event.Settlement) error {
	if s.Call == nil {
		return t.reserve(h.seq, 0)
	}
	if err := t.endCall(h, s.Call, s.Now); err != nil {
		return err
	}
	if err := t.reserve(h.seq, 0); err != nil {
		return err
	}
	t.signal(s.Lease.ID)
	return one(t.exec("batch_dropped", h.seq, number(h.cost), micros(s.Now)))
}

// BookCopy stores the call of a request that a batch was made with twice, once.
// event.ErrNotFound: there is no such request in the batch.
func (db *DB) BookCopy(ctx context.Context, c event.BatchCopy) error {
	return db.write(ctx, func(t *tx) error { return t.bookCopy(&c) })
}

func (t *tx) bookCopy(c *event.BatchCopy) error {
	var h held
	known := false
	err := t.query("batch_copied", func(r *row) {
		h.seq, h.hook, h.cost, h.attempts = r.int(), r.text(), r.intOrNil(), r.int()
		known = r.int() == 1
	}, c.BatchID, c.Call.JobID, c.Call.ID)
	switch {
	case err != nil || known:
		return err
	case h.seq == 0:
		return event.ErrNotFound
	}
	call := &c.Call
	if _, err := t.exec("call_begin", call.ID, h.seq, h.attempts, call.Lane, call.Model, micros(call.StartedAt)); err != nil {
		return err
	}
	if err := t.endCall(&h, call, c.Now); err != nil {
		return err
	}
	t.signal(call.JobID)
	return one(t.exec("batch_dropped", h.seq, number(h.cost), micros(c.Now)))
}
