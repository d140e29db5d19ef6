// Package storetest is the contract of a ledger as a test suite: what package
// event and the interfaces of the ledger's users promise, told as tests, for
// every driver the same. It moves a fake clock and hands times in; it never
// sleeps.
//
// It must never look at how a driver does it: it speaks only through the
// interfaces that the steps of the journey declare.
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/work"
)

// Ledger is all that the users of a ledger ask of it.
type Ledger interface {
	ingest.Ledger
	work.Queue
	work.Ledger
	work.BatchLedger
	work.Signals
	deliver.Outbox
	api.Reader
	api.Admin
	// Purge forgets what is past its retention and returns how many rows.
	Purge(ctx context.Context, p event.Purge) (int, error)
}

// Config says which ledger a test wants. It is empty and of its own.
type Config struct {
	Now     func() time.Time // the clock of what brings no time with it
	MaxJobs int              // 0: the driver's default
}

// A Harness is a ledger under test. Opening it registers its closing with the
// test's Cleanup.
type Harness struct {
	Ledger Ledger

	// Reopen closes the ledger and opens it again on the same store, as a new
	// process would. Nil: the driver cannot.
	Reopen func() Ledger

	// Audit examines the store and returns what is wrong with it. It runs at
	// the end of every test. Nil: there is none.
	Audit func() []string
}

// Features says what a driver does otherwise, for a good reason.
type Features struct {
	// SharedStore: other processes may hold leases, so reopening the store
	// does not end them.
	SharedStore bool
}

// Run runs the suite. open makes a new, empty ledger.
func Run(t *testing.T, features Features, open func(t *testing.T, c Config) Harness) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"accept", acceptTests}, {"coalesce", coalesceTests}, {"bytes", bytesTests}, {"take", takeTests},
		{"lease", leaseTests}, {"settle", settleTests}, {"lane", laneTests}, {"money", moneyTests}, {"delivery", deliveryTests},
		{"admin", adminTests}, {"read", readTests}, {"purge", purgeTests}, {"reopen", reopenTests},
		{"batch", batchTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range group.tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					tt.run(newSuite(t, features, open, tt.config))
				})
			}
		})
	}
}

// A test is one promise.
type test struct {
	name   string
	run    func(*suite)
	config Config
}

// start is when every test begins.
var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// A suite is one test with its ledger and its clock.
type suite struct {
	*testing.T
	Ledger
	harness  Harness
	features Features

	mu  sync.Mutex
	now time.Time
	n   int // the last number given by accept
}

func newSuite(t *testing.T, features Features, open func(*testing.T, Config) Harness, c Config) *suite {
	s := &suite{T: t, features: features, now: start}
	c.Now = s.clock
	s.harness = open(t, c)
	s.Ledger = s.harness.Ledger
	t.Cleanup(s.audit)
	return s
}

func (s *suite) audit() {
	if s.harness.Audit == nil {
		return
	}
	for _, finding := range s.harness.Audit() {
		s.Errorf("audit: %s", finding)
	}
}

func (s *suite) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// pass moves the clock.
func (s *suite) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// must ends the test if an error is there.
func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// order makes the next acceptance: event evt_N, job job_N, hook "h", lane
// "haiku", keys id:N and sum:N.
func (s *suite) order(changes ...func(*event.Accept)) event.Accept {
	s.mu.Lock()
	s.n++
	n, now := s.n, s.now
	s.mu.Unlock()
	a := event.Accept{
		Event: event.Event{
			ID: fmt.Sprintf("evt_%03d", n), Hook: "h", Source: "github", Type: "pull_request", DeliveryID: fmt.Sprintf("delivery-%d", n),
			Subject: fmt.Sprintf("octo/repo#%d", n), Time: now.Add(-time.Second), ReceivedAt: now, Method: "POST",
			ContentType: "application/json", Header: map[string]string{"x-github-event": "pull_request"},
			Body: fmt.Appendf(nil, `{"number":%d}`, n), Digest: fmt.Appendf(nil, "digest-%d", n),
		},
		Keys: []event.Key{{Value: fmt.Sprintf("id:%d", n), Redelivers: true}, {Value: fmt.Sprintf("sum:%d", n)}},
		Job:  event.JobSpec{ID: fmt.Sprintf("job_%03d", n), Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5},
		Now:  now, ForgetAt: now.Add(30 * 24 * time.Hour),
	}
	for _, change := range changes {
		change(&a)
	}
	return a
}

// accept stores a new event and returns its job's id.
func (s *suite) accept(changes ...func(*event.Accept)) string {
	s.Helper()
	a := s.order(changes...)
	got, err := s.Accept(s.Context(), a)
	s.must(err)
	if want := (event.Receipt{Outcome: event.Accepted, EventID: a.Event.ID, JobID: a.Job.ID}); got != want {
		s.Fatalf("accept: got %+v, want %+v", got, want)
	}
	return a.Job.ID
}

// everyone admits all candidates in the order in which they come.
func everyone(d event.Desk) event.Plan {
	var p event.Plan
	for _, c := range d.Candidates {
		p.Take = append(p.Take, c.JobID)
	}
	return p
}

const lease = 30 * time.Second

// take leases up to limit jobs for a worker.
func (s *suite) take(worker string, limit int) event.Taken {
	s.Helper()
	now := s.clock()
	got, err := s.Take(s.Context(), event.Take{
		Worker: worker, Now: now, LeaseUntil: now.Add(lease), Max: limit, PerHook: 100, Admit: everyone,
	})
	s.must(err)
	return got
}

// takeOne leases the one job that is ready.
func (s *suite) takeOne() event.Leased {
	s.Helper()
	got := s.take("w1", 10)
	if len(got.Jobs) != 1 {
		s.Fatalf("take: got %d jobs, want 1", len(got.Jobs))
	}
	return got.Jobs[0]
}

// job reads a job whole.
func (s *suite) job(id string) event.Job {
	s.Helper()
	j, err := s.Job(s.Context(), id)
	s.must(err)
	return j
}

// want compares.
func want[T comparable](s *suite, what string, got, want T) {
	s.Helper()
	if got != want {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// state checks the state of a job and returns it.
func (s *suite) state(id string, state event.State, reason event.Reason) event.Job {
	s.Helper()
	j := s.job(id)
	if j.State != state || j.Reason != reason {
		s.Fatalf("%s: got %s %q, want %s %q", id, j.State, j.Reason, state, reason)
	}
	return j
}

// die ends a running job as dead.
func (s *suite) die(l event.Leased) {
	s.Helper()
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Dead: &event.Failure{Code: "refused", Message: "no", Hint: "ask otherwise"}}))
}

// succeed ends a running job with an answer and deliveries.
func (s *suite) succeed(l event.Leased, deliveries ...event.Delivery) {
	s.Helper()
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Done: &event.Done{
		Result: event.Result{Text: "answer to " + l.Job.ID, Model: "claude-haiku-5-5-20260901", CreatedAt: s.clock()}, Deliveries: deliveries,
	}}))
}

// ready reports whether a channel of Watch has a value.
func ready(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}
