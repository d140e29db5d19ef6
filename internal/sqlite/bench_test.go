//go:build unix

package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// pullRequests are different pull_request payloads of about 23 KB, as GitHub
// sends them.
func pullRequests(b *testing.B, n int) [][]byte {
	b.Helper()
	bodies := make([][]byte, n)
	for i := range bodies {
		f, err := fixture.Get("github.pull_request.opened")
		if err != nil {
			b.Fatal(err)
		}
		if bodies[i], err = f.Body(); err != nil {
			b.Fatal(err)
		}
	}
	return bodies
}

// BenchmarkAccept stores pull_request events from 32 goroutines, each durable
// before the next.
func BenchmarkAccept(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "ledger.db"))
	bodies := pullRequests(b, 64)
	header := map[string]string{"content-type": "application/json", "user-agent": "GitHub-Hookshot/1", "x-github-event": "pull_request", "x-github-hook-id": "292430182"}
	now := time.Now()
	var n atomic.Int64
	b.SetBytes(int64(len(bodies[0])))
	b.SetParallelism(16) // times GOMAXPROCS
	b.ReportAllocs()
	before := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if _, err := db.Accept(b.Context(), accept(i, now, bodies[i%64], header)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "accepts/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(n.Load()), "cpu-µs/op")
}

// cpuTime is what this process has used so far: on a shared machine it says more
// than the time that passed.
func cpuTime(b *testing.B) time.Duration {
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// BenchmarkTake leases one job of a queue of 1,000 and of 200,000 jobs over ten
// hooks: the one must not be much slower than the other. So with tenants, of
// which three times as many wait in each hook as are shown.
func BenchmarkTake(b *testing.B) {
	for _, size := range []struct{ queued, tenants int }{{1_000, 0}, {200_000, 0}, {1_000, 24}, {200_000, 24}} {
		b.Run(fmt.Sprintf("%d-jobs/%d-tenants", size.queued, size.tenants), func(b *testing.B) {
			db := open(b, filepath.Join(b.TempDir(), "ledger.db"))
			now := time.Now()
			fill(b, db, size.queued, size.tenants, now)
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				takeAndReturn(b, db, now)
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// fill queues small events of ten hooks and the tenants of each.
func fill(b *testing.B, db *sqlite.DB, n, tenants int, now time.Time) {
	b.Helper()
	var all sync.WaitGroup
	for w := range 64 {
		all.Go(func() {
			for i := w; i < n; i += 64 {
				a := accept(int64(i), now, []byte(`{"action":"opened"}`), nil)
				a.Event.Hook = fmt.Sprintf("hook-%d", i%10)
				if tenants > 0 {
					a.Job.Tenant = fmt.Sprintf("tenant-%d", i/10%tenants)
				}
				if _, err := db.Accept(context.Background(), a); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	unix.Sync() // or the disk is still busy with the filling
}

// takeAndReturn leases one job and gives it back.
func takeAndReturn(b *testing.B, db *sqlite.DB, now time.Time) {
	b.Helper()
	got, err := db.Take(b.Context(), event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 1, PerHook: 8, Admit: everyone})
	if err != nil || len(got.Jobs) != 1 {
		b.Fatal(got, err)
	}
	if err := db.Settle(b.Context(), event.Settlement{Lease: got.Jobs[0].Lease, Now: now, Again: &event.Again{Free: true}}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAck measures how long an acknowledgement takes at 500 events a second
// while 50 workers take, call and settle.
func BenchmarkAck(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "ledger.db"))
	bodies := pullRequests(b, 64)
	ctx, cancel := context.WithCancel(b.Context())
	var workers, senders sync.WaitGroup
	jobs := make(chan event.Leased)
	workers.Go(func() { dispatch(ctx, b, db, jobs) })
	for range 50 {
		workers.Go(func() {
			for l := range jobs {
				carry(b, db, l)
			}
		})
	}
	took := make([]time.Duration, b.N)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		senders.Go(func() {
			a := accept(int64(i), time.Now(), bodies[i%64], nil)
			began := time.Now()
			if _, err := db.Accept(b.Context(), a); err != nil {
				b.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	senders.Wait()
	b.StopTimer()
	cancel()
	workers.Wait()
	slices.Sort(took)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50-ms", 0.5}, {"p99-ms", 0.99}, {"max-ms", 1}} {
		b.ReportMetric(float64(took[min(b.N-1, int(float64(b.N)*q.at))].Microseconds())/1000, q.name)
	}
}

// dispatch hands out leased jobs until ctx ends.
func dispatch(ctx context.Context, b *testing.B, db *sqlite.DB, jobs chan<- event.Leased) {
	defer close(jobs)
	queue, stop := db.Watch(event.TopicQueue)
	defer stop()
	for ctx.Err() == nil {
		now := time.Now()
		got, err := db.Take(context.WithoutCancel(ctx), event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 8, PerHook: 16, Admit: everyone})
		if err != nil {
			b.Error(err)
			return
		}
		for _, l := range got.Jobs {
			jobs <- l
		}
		if len(got.Jobs) == 0 {
			select {
			case <-queue:
			case <-ctx.Done():
			}
		}
	}
}

// carry is a job's work without Claude.
func carry(b *testing.B, db *sqlite.DB, l event.Leased) {
	ctx := context.Background()
	call := event.Call{ID: "call_" + l.Job.ID, Model: "m", StartedAt: time.Now()}
	if err := db.BeginCall(ctx, l.Lease, call); err != nil {
		b.Error(err)
	}
	for i := range 10 {
		time.Sleep(30 * time.Millisecond)
		if err := db.SaveDraft(ctx, l.Lease, event.DraftChunk{Attempt: 1, Offset: i * 40, Text: "forty bytes of an answer that streams in "}); err != nil {
			b.Error(err)
		}
	}
	call.Outcome, call.EndedAt = event.CallOK, time.Now()
	if err := db.Settle(ctx, event.Settlement{Lease: l.Lease, Now: time.Now(), Call: &call, Done: &event.Done{
		Result:     event.Result{Text: "an answer of four hundred bytes or so"},
		Deliveries: []event.Delivery{{ID: "dlv_" + l.Job.ID, Target: "callback", Spec: []byte("{}")}},
	}}); err != nil {
		b.Error(err)
	}
}
