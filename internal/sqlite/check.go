package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

// maxFindings bounds how many findings of one kind are listed.
const maxFindings = 20

// lateLease is how long after its end a lease may still stand: whoever takes
// jobs next ends it.
const lateLease = time.Minute

// A Finding is something that is wrong with a ledger.
type Finding struct {
	Code    string // file_damaged, reference_missing, event_damaged, rule_broken
	Message string
}

// String returns the code and the message.
func (f Finding) String() string { return f.Code + ": " + f.Message }

// Check examines the whole ledger: SQLite's own check of the file and of its
// constraints, references, the checksum of every event's bytes, and the rules
// of the state machine that no single row can keep. No findings mean that all
// is well; an error means that it could not be examined to the end. It reads
// everything, in a connection beside those that work.
func (db *DB) Check(ctx context.Context) ([]Finding, error) {
	var found []Finding
	err := db.read(ctx, func(c *conn) error {
		for _, examine := range []func(context.Context, *conn) ([]Finding, error){checkFile, db.checkRules, db.checkBodies} {
			more, err := examine(ctx, c)
			found = append(found, more...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

func checkFile(ctx context.Context, c *conn) ([]Finding, error) {
	var found []Finding
	err := c.ask(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxFindings), func(r *row) {
		if text := r.text(); text != "ok" {
			found = append(found, Finding{"file_damaged", text})
		}
	})
	if err != nil {
		return found, err
	}
	err = c.ask(ctx, "PRAGMA foreign_key_check", func(r *row) {
		if table, rowid, parent := r.text(), r.int(), r.text(); len(found) < 2*maxFindings {
			found = append(found, Finding{"reference_missing", fmt.Sprintf("row %d of %s points to no row of %s", rowid, table, parent)})
		}
	})
	return found, err
}

// checkRules runs the audit, on one state of the ledger.
func (db *DB) checkRules(ctx context.Context, c *conn) ([]Finding, error) {
	var found []Finding
	err := c.snapshot(ctx, func() error {
		for _, rule := range []struct {
			query, message string
			args           []driver.Value
		}{
			{"check_event", "jobs without an event", nil},
			{"check_body", "jobs that are not over, whose event's bytes are gone", nil},
			{"check_key", "dedupe keys without the event that holds them", nil},
			{"check_result", "succeeded jobs without a result, or results of others", nil},
			{"check_newest", "events that name a newest job which is not theirs", nil},
			{"check_jobs", "events that count their jobs wrongly", nil},
			{"check_late", "running jobs whose lease is long over", []driver.Value{micros(db.opt.Now().Add(-lateLease))}},
			{"check_serial", "serial keys with more than one delivery out", nil},
			{"check_batch", "queued jobs whose reason and whose place in a batch do not agree", nil},
			{"check_purse", "accounts that do not agree with what their jobs have reserved", nil},
			{"check_idle", "jobs that have reserved money for no call", nil},
			{"check_job_cost", "jobs whose cost is not that of their calls", nil},
			{"check_cost", "sums of a day that do not agree with its calls", nil},
			{"check_spend", "hooks whose tenants spent more than they", nil},
			{"check_tally", "tallies that do not agree with the rows", nil},
		} {
			err := c.query(ctx, rule.query, func(r *row) {
				if n := r.int(); n > 0 {
					found = append(found, Finding{"rule_broken", fmt.Sprintf("%d %s", n, rule.message)})
				}
			}, rule.args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// checkBodies unpacks the bytes of every event; unpacking checks their checksum.
func (db *DB) checkBodies(ctx context.Context, c *conn) ([]Finding, error) {
	var found []Finding
	for last, more := int64(0), true; more; {
		more = false
		err := c.query(ctx, "check_bodies", func(r *row) {
			more, last = true, r.int()
			if err := db.pack.unpack(r.blob(), new(event.Event)); err != nil && len(found) < maxFindings {
				found = append(found, Finding{"event_damaged", fmt.Sprintf("event %d: %v", last, err)})
			}
		}, last)
		if err != nil {
			return found, err
		}
	}
	return found, nil
}
