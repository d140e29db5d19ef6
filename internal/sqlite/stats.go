package sqlite

import (
	"context"

	"github.com/forebayhq/forebay/event"
)

// Lanes lists all lanes that have a row, by name.
func (db *DB) Lanes(ctx context.Context) ([]event.Lane, error) {
	var lanes []event.Lane
	err := db.read(ctx, func(c *conn) error {
		return c.snapshot(ctx, func() error {
			if err := c.query(ctx, "lane_all", func(r *row) { lanes = append(lanes, scanLane(r)) }); err != nil {
				return err
			}
			queued, running := make(map[string]int), make(map[string]int)
			err := c.query(ctx, "lane_load", func(r *row) {
				name := r.text()
				queued[name], running[name] = int(r.int()), int(r.int())
			})
			for i := range lanes {
				lanes[i].Queued, lanes[i].Running = queued[lanes[i].Name], running[lanes[i].Name]
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return lanes, nil
}

// Lane reads one lane's row, without counting its jobs.
func (db *DB) Lane(ctx context.Context, name string) (event.Lane, error) {
	lane, found := event.Lane{}, false
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "lane_get", func(r *row) { lane, found = scanLane(r), true }, name)
	})
	if err == nil && !found {
		err = event.ErrNotFound
	}
	return lane, err
}

// Costs sums the calls of the days from and to, inclusive.
func (db *DB) Costs(ctx context.Context, from, to string) ([]event.CostRow, error) {
	var rows []event.CostRow
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_costs", func(r *row) {
			rows = append(rows, event.CostRow{
				Day: r.text(), Hook: r.text(), Model: r.text(), Calls: r.int(), Unpriced: r.int(), UnknownEnds: r.int(),
				Usage: event.Usage{
					InputTokens: r.int(), CacheWrite5m: r.int(), CacheWrite1h: r.int(),
					CacheRead: r.int(), OutputTokens: r.int(), ThinkingTokens: r.int(),
				},
				Cost: event.NanoUSD(r.int()), Estimated: event.NanoUSD(r.int()),
				Batched: r.int(), BatchSaved: event.NanoUSD(r.int()), CacheSaved: event.NanoUSD(r.int()),
			})
		}, from, to)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Stats counts what is there. All but the oldest queued job is known without
// looking.
func (db *DB) Stats(ctx context.Context) (event.Stats, error) {
	n := *db.tally.Load()
	s := event.Stats{
		Jobs: make(map[event.State]int), Deliveries: make(map[event.DeliveryState]int),
		EventBytes: n.eventBytes, DedupeKeys: n.dedupeKeys, SchemaVersion: int(db.schema),
	}
	for _, state := range []event.State{event.Queued, event.Running, event.Succeeded, event.Dead, event.Cancelled, event.Superseded} {
		s.Jobs[state] = int(*n.job(state))
	}
	for _, state := range []event.DeliveryState{event.DeliveryPending, event.DeliveryDone, event.DeliveryDead} {
		s.Deliveries[state] = int(*n.delivery(state))
	}
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, "read_oldest", func(r *row) { s.OldestQueued = r.time() })
	})
	if err == nil && db.broken.Load() {
		err = event.ErrClosed // readiness asks here
	}
	return s, err
}
