package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// BeginCall stores a call's row, its outcome unknown, before the request
// leaves. What the job has reserved becomes c.Reserved, if that is known.
func (db *DB) BeginCall(ctx context.Context, l event.Lease, c event.Call) error {
	return db.write(ctx, func(t *tx) error {
		h, err := t.fence(l)
		if err != nil {
			return err
		}
		attempt, lane := int64(c.Attempt), c.Lane
		if attempt == 0 {
			attempt = h.attempts
		}
		if lane == "" {
			lane = h.lane
		}
		if _, err := t.exec("call_begin", c.ID, h.seq, attempt, lane, c.Model, micros(c.StartedAt)); err != nil {
			return err
		}
		if c.Reserved > 0 {
			err = t.reserve(h.seq, c.Reserved)
		}
		t.signal(h.id)
		return err
	})
}

// endCall stores how a call ended and adds it to the costs of its day. A call
// whose outcome is still unknown was given up: it may have been billed.
func (t *tx) endCall(h *held, c *event.Call, now time.Time) error {
	ended := c.EndedAt
	if ended.IsZero() {
		ended = now
	}
	outcome := c.Outcome
	if outcome == "" {
		outcome = event.CallUnknown
	}
	lost := int64(0)
	if outcome == event.CallUnknown {
		lost = 1
	}
	n, err := t.exec("call_end", h.seq, c.ID, micros(ended), string(outcome), c.Code, c.Message, c.StopReason, c.RequestID,
		asJSON(&c.Usage), money(c.Cost), c.Model, lost)
	if err != nil || n == 0 {
		return err // a call that was never begun costs nothing
	}
	account, reserved, err := t.reserved(h.seq)
	if err != nil {
		return err
	}
	row := event.CostRow{Day: day(ended), Hook: h.hook, Model: c.Model, Calls: 1, UnknownEnds: lost, Usage: c.Usage, BatchSaved: c.Saved}
	if c.Lane == event.BatchLane {
		row.Batched = 1
	}
	switch {
	case c.Cost != nil:
		row.Cost, row.CacheSaved = *c.Cost, c.CacheSaved
		h.cost = new(int64(*c.Cost) + deref(h.cost))
		if c.Usage.BilledAsEstimate {
			row.Estimated = max(reserved-*c.Cost, 0) // that is only what was seen of it
		}
	case outcome != event.CallFailed || c.Usage != event.Usage{} || c.Doubtful:
		row.Unpriced, row.Estimated = 1, reserved // what failed before it used anything costs nothing
	}
	return t.addCost(&row, account)
}

// loseCalls marks the open calls of a job as lost: nobody will see their end.
func (t *tx) loseCalls(job int64) error {
	type open struct {
		seq int64
		row event.CostRow
	}
	var calls []open
	err := t.query("call_open", func(r *row) {
		calls = append(calls, open{r.int(), event.CostRow{Model: r.text(), Day: day(r.time()), Hook: r.text(), Calls: 1, Unpriced: 1, UnknownEnds: 1}})
	}, job)
	if err != nil {
		return err
	}
	if len(calls) == 0 {
		return nil
	}
	account, reserved, err := t.reserved(job)
	if err != nil {
		return err
	}
	for _, c := range calls {
		if _, err := t.exec("call_lost", c.seq); err != nil {
			return err
		}
		c.row.Estimated = reserved
		if err := t.addCost(&c.row, account); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) addCost(c *event.CostRow, a event.Account) error {
	u := &c.Usage
	_, err := t.exec("cost_add", c.Day, c.Hook, c.Model, c.Calls, c.Unpriced, c.UnknownEnds,
		u.InputTokens, u.CacheWrite5m, u.CacheWrite1h, u.CacheRead, u.OutputTokens, u.ThinkingTokens, int64(c.Cost), int64(c.Estimated),
		c.Batched, int64(c.BatchSaved), int64(c.CacheSaved))
	if err == nil && a.Tenant != "" {
		_, err = t.exec("money_of_tenant", c.Day, c.Hook, a.Tenant, c.Calls, c.Unpriced, int64(c.Cost), int64(c.Estimated))
	}
	return err
}

// day is the UTC day of t, as costs are kept.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func deref(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
