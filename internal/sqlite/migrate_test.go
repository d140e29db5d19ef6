package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// TestMigrationOfTargets: deliveries of a ledger that was made before they had a
// hook are taken like all others.
func TestMigrationOfTargets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(dsn(path, "FULL", 1024))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.run(ctx, migrationTable))
	must(c.apply(ctx, all[0], time.Unix(1, 0)))
	must(c.run(ctx, `
		INSERT INTO job (seq, id, event, hook, state, reason, due_at, lane, model, chosen, priority, created_at, queued_at, updated_at, ready_at, finished_at)
		VALUES (1, 'job_1', 1, 'pr', 'succeeded', '', 0, 'haiku', 'm', 'hook', 5, 1, 1, 1, 1, 1);
		INSERT INTO delivery (id, job, target, place, serial_key, state, next_at, updated_at) VALUES ('dlv_1', 1, 'callback', 2, '', 'pending', 1, 1)`))
	must(c.close())

	db := testDB(t, Options{Path: path})
	got := ""
	must(db.w.ask(ctx, "SELECT hook || '/' || place FROM delivery", func(r *row) { got = r.text() }))
	if got != "pr/2" {
		t.Errorf("got target %q, want pr/2", got)
	}
}
