package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
)

// errSettlement is a fault of the caller.
var errSettlement = errors.New("a settlement wants exactly one of Done, Again and Dead")

// A held job is one whose lease was found to be good in this transaction.
type held struct {
	seq      int64
	id       string
	hook     string
	lane     string
	attempts int64
	cost     *int64 // of its calls so far
}

// fence finds the job that a lease stands for; event.ErrLeaseLost if the job
// does not run under that lease any more.
func (t *tx) fence(l event.Lease) (held, error) {
	h := held{id: l.ID}
	err := t.query("settle_fence", func(r *row) {
		h.seq, h.hook, h.lane, h.attempts, h.cost = r.int(), r.text(), r.text(), r.int(), r.intOrNil()
	}, l.ID, l.Token)
	if err == nil && h.seq == 0 {
		err = event.ErrLeaseLost
	}
	return h, err
}

// Settle ends an attempt at a job: its call, its lane, and what becomes of the
// job, in one transaction. event.ErrLeaseLost means that nothing was written.
func (db *DB) Settle(ctx context.Context, s event.Settlement) error {
	ends := 0
	for _, set := range []bool{s.Done != nil, s.Again != nil, s.Dead != nil} {
		if set {
			ends++
		}
	}
	if ends != 1 {
		return errSettlement
	}
	return db.write(ctx, func(t *tx) error { return t.settle(&s) })
}

func (t *tx) settle(s *event.Settlement) error {
	h, err := t.fence(s.Lease)
	if err != nil {
		return err
	}
	if s.Call != nil {
		if err := t.endCall(&h, s.Call, s.Now); err != nil {
			return err
		}
	}
	if err := t.loseCalls(h.seq); err != nil {
		return err
	}
	if err := t.reserve(h.seq, 0); err != nil {
		return err
	}
	if err := t.wake(h.seq, micros(s.Now)); err != nil {
		return err
	}
	if err := t.settleLane(&h, s); err != nil {
		return err
	}
	t.signal(h.id)
	t.then(func() { t.db.drafts.drop(h.id) })
	switch {
	case s.Done != nil:
		return t.settleDone(&h, s.Done, s.Now)
	case s.Again != nil:
		return t.settleAgain(&h, s.Again, s.Now)
	default:
		t.tally.move(event.Running, event.Dead)
		t.signal(event.TopicQueue) // a place has become free
		return one(t.exec("settle_dead", h.seq, micros(s.Now), asJSON(s.Dead), number(h.cost)))
	}
}

func (t *tx) settleLane(h *held, s *event.Settlement) error {
	if s.Lane != nil {
		if err := t.changeLane(h.lane, s.Now, s.Lane); err != nil {
			return err
		}
	}
	if s.Pause != nil {
		return t.pause(s.Pause, s.Now)
	}
	return nil
}

func (t *tx) settleDone(h *held, d *event.Done, at time.Time) error {
	now, thrift := micros(at), event.ThriftRow{Day: day(at), Hook: h.hook, Answered: 1}
	if d.ReusedFrom != "" {
		h.cost = new(deref(h.cost))
		thrift.Answered, thrift.Reused, thrift.Saved = 0, 1, d.Saved
		if err := one(t.exec("reuse_mark", h.seq, d.ReusedFrom)); err != nil {
			return err
		}
	}
	if err := t.thrift(thrift); err != nil {
		return err
	}
	if err := one(t.exec("settle_done", h.seq, now, number(h.cost), d.Result.Model)); err != nil {
		return err
	}
	t.tally.move(event.Running, event.Succeeded)
	t.signal(event.TopicQueue)
	res := &d.Result
	created := micros(res.CreatedAt)
	if created == 0 {
		created = now
	}
	_, err := t.exec("settle_result", h.seq, res.Text, bytesOrNil(res.JSON), res.Model, res.StopReason, asJSON(&res.Usage),
		money(res.Cost), res.RequestID, created, asJSON(res.Notes))
	if err != nil {
		return err
	}
	for i := range d.Deliveries {
		v := &d.Deliveries[i]
		if _, err := t.exec("settle_delivery", v.ID, h.seq, v.Target, int64(v.Index), bytesOrNil(v.Spec), v.SerialKey, now); err != nil {
			return err
		}
		t.tally.pending++
		t.signal(event.TopicOutbox)
	}
	return nil
}

func (t *tx) settleAgain(h *held, a *event.Again, at time.Time) error {
	reason, due, now := event.WaitingTurn, int64(0), micros(at)
	if a.Until.After(at) {
		due, reason = micros(a.Until), a.Reason
		if reason == "" {
			reason = event.RetryBackoff
		}
	}
	attempts := h.attempts
	if a.Free {
		attempts = max(attempts-1, 0)
	}
	lane, failure := h.lane, ""
	if a.Lane != "" {
		lane = a.Lane
	}
	if a.Failure != nil {
		failure = asJSON(a.Failure)
	}
	t.tally.move(event.Running, event.Queued)
	t.signal(event.TopicQueue)
	err := one(t.exec("settle_again", h.seq, string(reason), due, now, attempts, failure, lane, a.Model, a.Chosen, number(h.cost), int64(a.Needs)))
	if err == nil && a.Behind != "" {
		_, err = t.exec("reuse_await", h.seq, a.Behind)
	}
	return err
}

// asJSON encodes values of this package's own choice, which cannot fail.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// fromJSON decodes what asJSON made; what is not readable is left zero.
func fromJSON(text string, v any) {
	if text != "" {
		_ = json.Unmarshal([]byte(text), v)
	}
}

func bytesOrNil(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}

func number(n *int64) driver.Value {
	if n == nil {
		return nil
	}
	return *n
}

func money(n *event.NanoUSD) driver.Value {
	if n == nil {
		return nil
	}
	return int64(*n)
}

func nano(n *int64) *event.NanoUSD {
	if n == nil {
		return nil
	}
	return new(event.NanoUSD(*n))
}
