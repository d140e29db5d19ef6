package main

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
)

// reclaimLimit is how soon after a restart no job may still belong to the
// process that was killed.
const reclaimLimit = 2 * time.Second

// TestTortureKill kills the server with SIGKILL at random moments under load
// and starts it again on what it left. FOREBAY_TORTURE says how often. At the
// end:
//
//   - every event that was acknowledged has a job, and the job has succeeded
//   - every job has its comment exactly once, or its callback under one id
//   - every call to Claude beyond one per job is one that was in flight at a
//     kill, and the ledger shows it as such
//   - after every kill and at the end, check-store finds no job without owner
//     or schedule
//
// It cannot find a missing fsync: what a killed process wrote stays in the
// page cache. TestTorturePowerCut is for that.
func TestTortureKill(t *testing.T) {
	kills := tortured(t, 3)
	rng, seed := dice(t)
	s := newStand(t, standOptions{})
	start := s.start()

	load := &senders{stand: s, count: 16, pause: 100 * time.Millisecond, resend: 20}
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { load.send(ctx) })
	defer func() { stop(); sending.Wait() }()

	var open int
	var slowest time.Duration
	for range kills {
		wait(ctx, between(rng, 100*time.Millisecond, 1200*time.Millisecond))
		open += s.killHard(rng, load, &slowest)
	}
	wait(ctx, 500*time.Millisecond)
	stop()
	sending.Wait()
	s.drain(2 * time.Minute)
	f := s.audit(load.known())
	s.stop()
	s.checkStore(s.config)

	t.Logf("seed %d: %d kills with %d calls open, first start %v, slowest reclaim %v after the restart: %v", seed, kills, open, start, slowest, f)
	if len(load.known()) < kills {
		t.Errorf("only %d events were acknowledged: there was no load", len(load.known()))
	}
	if limit := kills * s.opts.slots; f.unseen > limit {
		t.Errorf("%d calls were in flight when the server was killed, more than there are slots: %d", f.unseen, limit)
	}
	if slowest > reclaimLimit && os.Getenv("FOREBAY_TORTURE") != "" {
		t.Errorf("a job waited %v after the restart, want at most %v", slowest, reclaimLimit)
	}
}

// killHard kills the server, sometimes a second time while it starts, looks at
// what it left, and starts it again.
func (s *stand) killHard(rng *rand.Rand, load *senders, slowest *time.Duration) (open int) {
	s.t.Helper()
	orphans := s.open()
	s.kill()
	s.checkCopy()
	if rng.IntN(5) == 0 {
		s.launch()
		wait(s.t.Context(), between(rng, 0, 200*time.Millisecond))
		s.kill()
	}
	s.start()
	*slowest = max(*slowest, s.reclaim(orphans, load.known()))
	return len(orphans)
}

// reclaim waits until no orphan belongs to the killed process any more: it is
// over, waits in the queue, or was called again.
func (s *stand) reclaim(orphans []claudetest.Call, jobs map[string]string) time.Duration {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 40*time.Second)
	defer cancel()
	ready, restart := time.Now(), s.proc.since
	for _, c := range orphans {
		id, ok := jobs[casePattern.FindString(c.Prompt)]
		if !ok {
			continue // not acknowledged: nobody knows its job
		}
		for {
			j, err := s.job(ctx, id)
			if err != nil {
				s.t.Fatalf("job %s was running when the server was killed and is not taken up: %v", id, err)
			}
			if n := len(j.Calls); j.State != event.Running || n > 0 && j.Calls[n-1].StartedAt.After(restart) {
				break
			}
			wait(ctx, 5*time.Millisecond)
		}
	}
	return time.Since(ready)
}

// between is a random time from least to most.
func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}
