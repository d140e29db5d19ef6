package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

func scanLane(r *row) event.Lane {
	return event.Lane{
		Name: r.text(), Paused: r.int() == 1, Reason: r.text(), Detail: r.text(),
		Until: r.time(), UpdatedAt: r.time(), State: r.blob(),
	}
}

// UpdateLane changes a lane's row: change gets the stored lane, or a zero one
// with the name, and returns the new. It may be called twice.
func (db *DB) UpdateLane(ctx context.Context, name string, now time.Time, change func(event.Lane) event.Lane) error {
	return db.write(ctx, func(t *tx) error { return t.changeLane(name, now, change) })
}

// PauseLane lets no call of a lane leave.
func (db *DB) PauseLane(ctx context.Context, p event.LanePause, now time.Time) error {
	return db.write(ctx, func(t *tx) error { return t.pause(&p, now) })
}

// ResumeLane ends a pause. event.ErrNotFound: there is no such lane.
func (db *DB) ResumeLane(ctx context.Context, lane string, now time.Time) error {
	return db.write(ctx, func(t *tx) error {
		_, found, err := t.lane(lane)
		if err == nil && !found {
			err = event.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.changeLane(lane, now, func(l event.Lane) event.Lane {
			l.Paused, l.Reason, l.Detail, l.Until = false, "", "", time.Time{}
			return l
		})
	})
}

func (t *tx) pause(p *event.LanePause, now time.Time) error {
	return t.changeLane(p.Lane, now, func(l event.Lane) event.Lane {
		l.Paused, l.Reason, l.Detail, l.Until = true, p.Reason, p.Detail, p.Until
		return l
	})
}

func (t *tx) lane(name string) (lane event.Lane, found bool, err error) {
	err = t.query("lane_get", func(r *row) { lane, found = scanLane(r), true }, name)
	lane.Name = name
	return lane, found, err
}

func (t *tx) changeLane(name string, now time.Time, change func(event.Lane) event.Lane) error {
	lane, _, err := t.lane(name)
	if err != nil {
		return err
	}
	lane = change(lane)
	lane.Name = name
	return t.putLane(lane, now)
}

// putLane stores a lane and wakes who waits for a turn in it.
func (t *tx) putLane(l event.Lane, now time.Time) error {
	paused := int64(0)
	if l.Paused {
		paused = 1
	}
	_, err := t.exec("lane_put", l.Name, paused, l.Reason, l.Detail, micros(l.Until), micros(now), bytesOrNil(l.State))
	t.signal(event.TopicQueue)
	if l.Name == event.BatchLane {
		t.signal(event.TopicBatch)
	}
	return err
}
