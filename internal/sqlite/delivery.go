package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TakeDeliveries leases pending deliveries that are due, after it has let go of
// those whose lease has run out. Like Take, it does not heed the end of ctx
// once the leases are committed, and returns what it can read beside an error.
func (db *DB) TakeDeliveries(ctx context.Context, want event.TakeDeliveries) (event.TakenDeliveries, error) {
	if err := ctx.Err(); err != nil {
		return event.TakenDeliveries{}, err
	}
	ctx = context.WithoutCancel(ctx)
	var taken []leasing
	var next time.Time
	err := db.write(ctx, func(t *tx) (err error) {
		taken, next, err = t.takeDeliveries(&want)
		return err
	})
	if err != nil {
		return event.TakenDeliveries{}, err
	}
	answer, failed := event.TakenDeliveries{NextDue: next}, error(nil)
	for _, l := range taken {
		d, err := db.readLeasedDelivery(ctx, l)
		if err != nil { // its lease runs out
			failed = errors.Join(failed, fmt.Errorf("delivery %d: %w", l.seq, err))
			continue
		}
		d.Lease = event.Lease{ID: d.Delivery.ID, Token: l.token, Worker: want.Worker, Until: want.LeaseUntil}
		answer.Deliveries = append(answer.Deliveries, d)
	}
	return answer, failed
}

func (t *tx) takeDeliveries(want *event.TakeDeliveries) ([]leasing, time.Time, error) {
	now := micros(want.Now)
	if err := t.expireDeliveries(want, now); err != nil {
		return nil, time.Time{}, err
	}
	taken, err := t.dueDeliveries(want, now)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, l := range taken {
		if err := one(t.exec("delivery_lease", l.seq, l.token, want.Worker, micros(want.LeaseUntil), now)); err != nil {
			return nil, time.Time{}, err
		}
	}
	var next time.Time
	err = t.query("delivery_next", func(r *row) { next = r.time() }, now)
	return taken, next, err
}

// A deliveryTarget is a place of a hook's deliver list.
type deliveryTarget struct {
	hook  string
	place int64
}

// A dueTarget has something due, and since when.
type dueTarget struct {
	deliveryTarget
	due int64
}

// dueDeliveries returns what may go, the longest due first.
func (t *tx) dueDeliveries(want *event.TakeDeliveries, now int64) ([]leasing, error) {
	targets, out, err := t.dueTargets(now)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		due int64
		leasing
	}
	var all []candidate // sorted, at most want.Max
	for _, target := range targets {
		if len(all) == want.Max && all[len(all)-1].due < target.due {
			break // what this target has, and those after it, is due later
		}
		room := int64(want.Max)
		if want.PerTarget > 0 {
			room = min(room, int64(want.PerTarget)-out[target.deliveryTarget])
		}
		if room <= 0 {
			continue
		}
		err := t.scan("delivery_candidates", func(r *row) {
			all = append(all, candidate{r.int(), leasing{seq: r.int(), token: r.int() + 1}})
		}, now, room, target.hook, target.place)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq)) })
		all = all[:min(len(all), want.Max)]
	}
	taken := make([]leasing, len(all))
	for i := range taken {
		taken[i] = all[i].leasing
	}
	return taken, nil
}

// dueTargets returns the targets that have something due, the longest due first,
// and how many deliveries of each target are being carried out. Mostly there is
// nothing due: that costs one look into an index.
func (t *tx) dueTargets(now int64) (targets []dueTarget, out map[deliveryTarget]int64, err error) {
	due := false
	err = t.query("delivery_any_due", func(*row) { due = true }, now)
	if err != nil || !due {
		return nil, nil, err
	}
	err = t.scan("delivery_targets", func(r *row) {
		targets = append(targets, dueTarget{deliveryTarget{r.text(), r.int()}, r.int()})
	}, now)
	if err != nil {
		return nil, nil, err
	}
	out = make(map[deliveryTarget]int64)
	err = t.scan("delivery_out", func(r *row) { out[deliveryTarget{r.text(), r.int()}] = r.int() })
	return targets, out, err
}

// expireDeliveries lets go of the deliveries whose lease has run out, and renews
// those that the taker still carries.
func (t *tx) expireDeliveries(want *event.TakeDeliveries, now int64) error {
	var expired []leasing
	err := t.scan("delivery_expired", func(r *row) { expired = append(expired, leasing{seq: r.int(), id: r.text(), token: r.int()}) }, now)
	if err != nil {
		return err
	}
	for _, l := range expired {
		held := slices.ContainsFunc(want.Held, func(h event.Lease) bool { return h.ID == l.id && h.Token == l.token })
		if held {
			err = one(t.exec("delivery_extend", l.seq, micros(want.LeaseUntil)))
		} else {
			err = one(t.exec("delivery_release", l.seq, now))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// SettleDelivery ends an attempt at a delivery; event.ErrLeaseLost means that
// nothing was written.
func (db *DB) SettleDelivery(ctx context.Context, s event.DeliverySettlement) error {
	return db.write(ctx, func(t *tx) error {
		var seq int64
		var job string
		err := t.query("delivery_fence", func(r *row) { seq, job = r.int(), r.text() }, s.Lease.ID, s.Lease.Token)
		if err == nil && seq == 0 {
			err = event.ErrLeaseLost
		}
		if err != nil {
			return err
		}
		next := int64(0)
		if s.State == event.DeliveryPending {
			next = micros(later(s.NextAt, s.Now))
		}
		if err := one(t.exec("delivery_settle", seq, string(s.State), next, s.Error, s.URL, micros(s.Now))); err != nil {
			return err
		}
		t.tally.moveDelivery(event.DeliveryPending, s.State)
		t.signal(job)
		t.signal(event.TopicOutbox) // the next of its serial key may go
		if a := s.Anchor; a != nil {
			_, err = t.exec("anchor_put", a.Key, a.ExternalID, a.URL, a.JobID, micros(s.Now))
		}
		return err
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Anchor finds what deliveries with this key keep up to date.
func (db *DB) Anchor(ctx context.Context, key string) (event.Anchor, error) {
	var a event.Anchor
	found := false
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_anchor", func(r *row) {
			found = true
			a = event.Anchor{Key: r.text(), ExternalID: r.text(), URL: r.text(), JobID: r.text(), UpdatedAt: r.time()}
		}, key)
	})
	if err == nil && !found {
		err = event.ErrNotFound
	}
	return a, err
}
