package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// scanTime bounds a statement whose time grows with what the ledger holds. The
// others touch a handful of rows each.
const scanTime = 10 * time.Second

// About how much the WAL grows; it only paces the checkpoints.
const (
	walPerCommit = 4 * pageSize
	walPerWrite  = pageSize / 2
)

// A tx is the writer's open transaction. What must not happen before the commit
// (signals, changes in memory) is kept in it until then.
type tx struct {
	db     *DB
	c      *conn
	writes int   // statements that may have changed something
	bytes  int64 // of the bodies stored
	tally  tally
	topics []string
	after  []func()
}

func (db *DB) begin() (*tx, error) {
	if _, err := db.w.exec(context.Background(), "begin"); err != nil {
		return nil, err
	}
	return &tx{db: db, c: db.w, tally: *db.tally.Load()}, nil
}

// exec runs a statement that writes and returns how many rows it changed.
func (t *tx) exec(name string, args ...driver.Value) (int64, error) {
	t.writes++
	return t.c.exec(context.Background(), name, args...)
}

// query reads a handful of rows.
func (t *tx) query(name string, scan func(*row), args ...driver.Value) error {
	return t.c.query(context.Background(), name, scan, args...)
}

// scan is query for statements that may look at many rows.
func (t *tx) scan(name string, scan func(*row), args ...driver.Value) error {
	ctx, cancel := context.WithTimeout(context.Background(), scanTime)
	defer cancel()
	return t.c.query(ctx, name, scan, args...)
}

// signal tells those who watch topic, after the commit.
func (t *tx) signal(topic string) {
	if slices.Contains(t.topics, topic) {
		return
	}
	t.topics = append(t.topics, topic)
}

// then has do run after the commit.
func (t *tx) then(do func()) { t.after = append(t.after, do) }

func (t *tx) commit() error {
	if t.writes == 0 {
		t.rollback()
		return nil
	}
	if before := t.db.tally.Load(); t.tally != *before {
		if _, err := t.exec("tally_put", t.tally.values()...); err != nil {
			return err
		}
	}
	if _, err := t.c.exec(context.Background(), "commit"); err != nil {
		return err
	}
	t.c.wal += walPerCommit + walPerWrite*int64(t.writes) + t.bytes
	t.db.tally.Store(&t.tally)
	for _, do := range t.after {
		do()
	}
	for _, topic := range t.topics {
		t.db.hub.signal(topic)
	}
	return nil
}

// rollback undoes the transaction. SQLite may have done so by itself; then
// there is none, and the error says only that.
func (t *tx) rollback() { _, _ = t.c.exec(context.Background(), "rollback") }

// A tally is what would be slow to count.
type tally struct {
	eventSeq, jobSeq                                        int64
	queued, running, succeeded, dead, cancelled, superseded int64
	pending, done, undelivered                              int64
	eventBytes, dedupeKeys                                  int64
}

func (t tally) values() []driver.Value {
	return []driver.Value{
		t.eventSeq, t.jobSeq, t.queued, t.running, t.succeeded, t.dead, t.cancelled, t.superseded,
		t.pending, t.done, t.undelivered, t.eventBytes, t.dedupeKeys,
	}
}

func (t *tally) scan(r *row) {
	for _, field := range []*int64{
		&t.eventSeq, &t.jobSeq, &t.queued, &t.running, &t.succeeded, &t.dead, &t.cancelled, &t.superseded,
		&t.pending, &t.done, &t.undelivered, &t.eventBytes, &t.dedupeKeys,
	} {
		*field = r.int()
	}
}

// job is the count of jobs in a state.
func (t *tally) job(s event.State) *int64 {
	switch s {
	case event.Queued:
		return &t.queued
	case event.Running:
		return &t.running
	case event.Succeeded:
		return &t.succeeded
	case event.Dead:
		return &t.dead
	case event.Cancelled:
		return &t.cancelled
	default:
		return &t.superseded
	}
}

// delivery is the count of deliveries in a state.
func (t *tally) delivery(s event.DeliveryState) *int64 {
	switch s {
	case event.DeliveryPending:
		return &t.pending
	case event.DeliveryDone:
		return &t.done
	default:
		return &t.undelivered
	}
}

// move counts a job's step from one state to another.
func (t *tally) move(from, to event.State) {
	*t.job(from)--
	*t.job(to)++
}

// moveDelivery counts a delivery's step.
func (t *tally) moveDelivery(from, to event.DeliveryState) {
	*t.delivery(from)--
	*t.delivery(to)++
}

// one checks that a statement changed exactly one row.
func one(n int64, err error) error {
	if err == nil && n != 1 {
		return fmt.Errorf("%d rows changed, not one", n)
	}
	return err
}
