package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// The ledger must live in a bubble: a day of retries on a real file passes in
// no time, and Close leaves no goroutine behind, or the bubble would not end.
func TestBubble(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		db := mustOpen(t, sqlite.Options{Path: path})
		a := accept(1, time.Now(), []byte(`{"action":"opened"}`), nil)
		a.Job.Coalesce = &event.Coalesce{Key: "k", Quiet: time.Hour, MaxWait: time.Hour}
		if _, err := db.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		attempts := 0
		done := make(chan struct{})
		go func() { // a worker that waits for signals and for what is due
			defer close(done)
			attempts = labour(t, db)
		}()
		changed, stop := db.Watch(a.Job.ID)
		defer stop()
		for {
			j, err := db.Job(t.Context(), a.Job.ID)
			if err != nil {
				t.Fatal(err)
			}
			if j.State == event.Succeeded {
				break
			}
			<-changed
		}
		<-done
		if attempts != 24 {
			t.Errorf("got %d attempts, want 24", attempts)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a day took %v", took)
	}
}

// labour tries once an hour and succeeds at the 24th attempt.
func labour(t *testing.T, db *sqlite.DB) int {
	queue, stop := db.Watch(event.TopicQueue)
	defer stop()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		now := time.Now()
		got, err := db.Take(ctx, event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 1, PerHook: 1, Admit: everyone})
		if err != nil {
			t.Error(err)
		}
		for _, l := range got.Jobs {
			s := event.Settlement{Lease: l.Lease, Now: time.Now(), Done: &event.Done{}}
			if l.Job.Attempts < 24 {
				s.Done, s.Again = nil, &event.Again{Reason: event.RetryBackoff, Until: time.Now().Add(time.Hour)}
			}
			if err := db.Settle(ctx, s); err != nil {
				t.Error(err)
			}
			if s.Done != nil {
				cancel()
				return l.Job.Attempts
			}
		}
		cancel()
		var due <-chan time.Time
		if !got.NextDue.IsZero() {
			due = time.After(time.Until(got.NextDue))
		}
		select {
		case <-queue:
		case <-due:
		}
	}
}
