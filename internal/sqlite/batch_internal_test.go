package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestBatchHalfFull: a batch that a crash left half full is handed to nobody,
// and the next call fills it; of one whose requests were all cancelled meanwhile
// nothing is left.
func TestBatchHalfFull(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name            string
		cancel          bool
		made, left, out int
	}{{"filled", false, 0, 1, 3}, {"empty", true, 0, 0, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ledger.db")
			db := parked(t, path, 3, now)
			f := event.FormBatches{Now: now, MaxRequests: 10, MaxBytes: 1 << 20, MaxQueued: 100}
			err := db.write(t.Context(), func(x *tx) error { _, _, err := x.beginBatches(&f); return err })
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if db, err = Open(t.Context(), Options{Path: path}); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			look := event.TakeBatches{Worker: "w", Now: now.Add(1000 * time.Hour), LeaseUntil: now.Add(2000 * time.Hour), Max: 5}
			if got, err := db.TakeBatches(t.Context(), look); err != nil || len(got.Batches) != 0 {
				t.Fatalf("got %+v, %v, want no batch before it has its requests", got, err)
			}
			for i := range 3 {
				if tt.cancel {
					if err := db.Cancel(t.Context(), fmt.Sprint("job_", i), now); err != nil {
						t.Fatal(err)
					}
				}
			}
			if made, _, err := db.FormBatches(t.Context(), f); err != nil || made != tt.made {
				t.Fatalf("got %d, %v, want %d new batches", made, err, tt.made)
			}
			got, err := db.TakeBatches(t.Context(), look)
			if err != nil || len(got.Batches) != tt.left || tt.left > 0 && got.Batches[0].Batch.Requests != tt.out {
				t.Fatalf("got %+v, %v, want %d batches of %d", got, err, tt.left, tt.out)
			}
		})
	}
}

// parked is a ledger with n parked jobs.
func parked(t *testing.T, path string, n int, now time.Time) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := db.Accept(t.Context(), event.Accept{
			Event: event.Event{ID: fmt.Sprint("evt_", i), Hook: "h", ReceivedAt: now}, Now: now,
			Job: event.JobSpec{ID: fmt.Sprint("job_", i), Lane: event.BatchLane, Model: "m", Priority: 5},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Take(t.Context(), event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Hour), Max: n, PerHook: n, Admit: func(d event.Desk) (p event.Plan) {
		for _, c := range d.Candidates {
			p.Take = append(p.Take, c.JobID)
		}
		return p
	}})
	if err != nil || len(got.Jobs) != n {
		t.Fatal(got, err)
	}
	for _, l := range got.Jobs {
		err := db.ParkJob(context.Background(), event.Parking{Lease: l.Lease, Now: now, Item: event.BatchItem{JobID: l.Job.ID, CallID: "call_" + l.Job.ID, Model: "m", Params: []byte("{}")}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return db
}
