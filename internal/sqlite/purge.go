package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// purgeBatch is how many rows one transaction forgets, so that no accept waits
// long behind it.
const purgeBatch = 100

// Purge forgets what is older than its retention, at most p.Limit rows of each
// kind, and returns how many rows of all kinds that were. Jobs that are not
// over, their events, and jobs with pending deliveries stay, and so do the sums
// of the days: a few rows a day. Call it again until it returns 0.
func (db *DB) Purge(ctx context.Context, p event.Purge) (int, error) {
	total := 0
	for _, kind := range []struct {
		find   string
		before time.Time
		forget func(t *tx, key any, before int64) error
	}{
		{"purge_bodies", p.EventsBefore, (*tx).purgeBody},
		{"purge_jobs", p.ResultsBefore, (*tx).purgeJob},
		{"purge_keys", p.Now, (*tx).purgeKeys},
		{"purge_batches", p.ResultsBefore, (*tx).purgeBatch},
		{"purge_anchors", p.ResultsBefore, (*tx).purgeAnchor},
	} {
		before := micros(kind.before)
		keys, err := db.purgeable(ctx, kind.find, before, p.Limit)
		if err != nil {
			return total, err
		}
		for len(keys) > 0 {
			batch := keys[:min(purgeBatch, len(keys))]
			keys = keys[len(batch):]
			err := db.write(ctx, func(t *tx) error {
				for _, key := range batch {
					if err := kind.forget(t, key, before); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return total, err
			}
			total += len(batch)
		}
	}
	n, err := db.purgeSpend(ctx, p.ResultsBefore, p.Now, p.Limit)
	return total + n, err
}

// purgeable finds rows to forget, beside the writer.
func (db *DB) purgeable(ctx context.Context, find string, before int64, limit int) ([]any, error) {
	var keys []any
	err := db.read(ctx, func(c *conn) error {
		return c.query(ctx, find, func(r *row) { keys = append(keys, r.next()) }, before, int64(limit))
	})
	return keys, err
}

func (t *tx) purgeBody(key any, _ int64) error {
	size, found := int64(0), false
	t.writes++
	err := t.query("purge_body", func(r *row) { size, found = r.int(), true }, key)
	if err != nil || !found {
		return err
	}
	t.tally.eventBytes -= size
	return t.purgeEvent(key)
}

// purgeJob forgets a job with all that belongs to it, if it may still be
// forgotten: an operator may have sent its deliveries again meanwhile.
func (t *tx) purgeJob(key any, before int64) error {
	var state event.State
	var of int64
	err := t.query("purge_job_again", func(r *row) { state, of = event.State(r.text()), r.int() }, key, before)
	if err != nil || state == "" {
		return err
	}
	err = t.query("purge_deliveries_count", func(r *row) {
		*t.tally.delivery(event.DeliveryState(r.text())) -= r.int()
	}, key)
	if err != nil {
		return err
	}
	for _, name := range []string{"purge_deliveries", "purge_items", "purge_calls", "purge_result", "purge_job"} {
		if _, err := t.exec(name, key); err != nil {
			return err
		}
	}
	*t.tally.job(state)--
	if err := one(t.exec("purge_event_release", of)); err != nil {
		return err
	}
	return t.purgeEvent(of)
}

// purgeBatch forgets a batch that nothing points to any more.
func (t *tx) purgeBatch(key any, before int64) error {
	_, err := t.exec("purge_batch", key, before)
	return err
}

// purgeAnchor forgets where the answer about a subject stands that was not
// written to for long.
func (t *tx) purgeAnchor(key any, before int64) error {
	_, err := t.exec("purge_anchor", key, before)
	return err
}

// purgeKeys forgets the dedupe keys of an event.
func (t *tx) purgeKeys(key any, before int64) error {
	var keys []byte
	if err := t.query("purge_keys_again", func(r *row) { keys = r.blob() }, key, before); err != nil {
		return err
	}
	for k := range slices.Chunk(keys, keySize) {
		n, err := t.exec("purge_key", k, key)
		if err != nil {
			return err
		}
		t.tally.dedupeKeys -= n
	}
	if _, err := t.exec("purge_forgotten", key); err != nil {
		return err
	}
	return t.purgeEvent(key)
}

// purgeEvent forgets an event if nothing needs it any more.
func (t *tx) purgeEvent(key any) error {
	_, err := t.exec("purge_event", key)
	return err
}

// purgeSpend forgets what the tenants of old days spent, whose hooks' sums stay,
// and the answers that are not used again any more.
func (db *DB) purgeSpend(ctx context.Context, before, now time.Time, limit int) (int, error) {
	if before.IsZero() {
		return 0, nil
	}
	var gone int64
	err := db.write(ctx, func(t *tx) (err error) {
		if gone, err = t.exec("purge_spend", day(before)); gone == 0 {
			t.writes-- // it only looked
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	var old int64
	err = db.write(ctx, func(t *tx) (err error) {
		if old, err = t.exec("reuse_forget", micros(now), int64(limit)); old == 0 {
			t.writes--
		}
		return err
	})
	return int(gone + old), err
}
