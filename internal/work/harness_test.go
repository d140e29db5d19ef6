package work_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/work"
)

const (
	haiku  = "claude-haiku-5-5"
	sonnet = "claude-sonnet-5-5"
	opus   = "claude-opus-5-5"
)

// A shop is a worker between a real ledger and a simulated Claude, in fake time.
type shop struct {
	t      *testing.T
	db     *sqlite.DB
	ledger *ledger // what the worker sees of db
	claude *claudetest.Server
	caller work.Caller
	gov    *governor.Governor
	hook   work.Hook
	grace  time.Duration
	slots  int
	jobs   int
	lane   string                                                                 // of the jobs
	now    func() time.Time                                                       // the worker's clock; nil: the right one
	batch  *work.Batch                                                            // what a worker knows of batches; nil: nothing
	front  func(w http.ResponseWriter, r *http.Request, claude http.Handler) bool // sees requests first; false: Claude answers
}

// A ledger is a real one with faults.
type ledger struct {
	*sqlite.DB
	mu       sync.Mutex
	down     error                  // what the worker's writes are answered
	forgets  bool                   // Take does not learn what the worker holds
	settling func(event.Settlement) // sees each settlement before it is written
}

func (l *ledger) fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

func (l *ledger) breaks(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = err
}

func (l *ledger) Take(ctx context.Context, t event.Take) (event.Taken, error) {
	if err := l.fault(); err != nil {
		return event.Taken{}, err
	}
	if l.forgets {
		t.Held = nil
	}
	return l.DB.Take(ctx, t)
}

func (l *ledger) Extend(ctx context.Context, leases []event.Lease, until, now time.Time) ([]event.Lease, error) {
	if err := l.fault(); err != nil {
		return nil, err
	}
	return l.DB.Extend(ctx, leases, until, now)
}

func (l *ledger) Settle(ctx context.Context, s event.Settlement) error {
	if err := l.fault(); err != nil {
		return err
	}
	if l.settling != nil {
		l.settling(s)
	}
	return l.DB.Settle(ctx, s)
}

// open runs f with a shop in a bubble. The hook "h" answers with haiku.
func open(t *testing.T, o claudetest.Options, f func(s *shop)) {
	t.Helper()
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC))) // there were no prices in 2000
		s := &shop{t: t, grace: 20 * time.Second, slots: 4, lane: "haiku"}
		var err error
		if s.db, err = sqlite.Open(t.Context(), sqlite.Options{Path: path}); err != nil {
			t.Fatal(err)
		}
		defer s.db.Close()
		if s.claude, err = claudetest.New(o); err != nil {
			t.Fatal(err)
		}
		defer s.claude.Close()
		defer s.serve()()
		if s.gov, err = governor.New(governor.Options{}); err != nil {
			t.Fatal(err)
		}
		s.ledger = &ledger{DB: s.db}
		s.hook = work.Hook{
			Name: "h", MaxTokens: 400, Thinking: "off", MaxAttempts: 4, MaxAge: time.Hour,
			Render: func(e event.Event, _ map[string]any) (string, error) { return "Say hello to " + e.ID, nil },
		}
		f(s)
	})
}

// serve puts Claude on a network in memory.
func (s *shop) serve() (stop func()) {
	conns, closed := make(chan net.Conn), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.front == nil || !s.front(w, r, s.claude) {
			s.claude.ServeHTTP(w, r)
		}
	})}
	go func() { _ = server.Serve(listener{conns, closed}) }()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	client, err := claude.New(claude.Options{HTTP: &http.Client{Transport: keyed{transport}}, BaseURL: "http://claude.test", IdleTimeout: time.Hour, Timeout: time.Hour})
	if err != nil {
		s.t.Fatal(err)
	}
	s.caller = client
	return func() { _ = server.Close() }
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l listener) Close() error   { close(l.closed); return nil }
func (l listener) Addr() net.Addr { return &net.IPAddr{} }

// keyed adds the key, as egress does.
type keyed struct{ next http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer any")
	return k.next.RoundTrip(r)
}

// accept queues a job and returns its id.
func (s *shop) accept() string {
	s.t.Helper()
	s.jobs++
	now := time.Now()
	a := event.Accept{
		Event: event.Event{ID: fmt.Sprintf("evt_%d", s.jobs), Hook: "h", Source: "github", ReceivedAt: now, Digest: []byte{byte(s.jobs)}},
		Keys:  []event.Key{{Value: fmt.Sprint(s.jobs)}},
		Job:   event.JobSpec{ID: fmt.Sprintf("job_%d", s.jobs), Lane: s.lane, Model: haiku, Chosen: "hook", Priority: 5},
		Now:   now, ForgetAt: now.Add(24 * time.Hour),
	}
	if _, err := s.db.Accept(s.t.Context(), a); err != nil {
		s.t.Fatal(err)
	}
	return a.Job.ID
}

// work runs a worker while f runs, and returns when both are over.
func (s *shop) work(f func(w *work.Worker)) { s.t.Helper(); s.named("w1", f) }

// named is work for a worker of another name.
func (s *shop) named(name string, f func(w *work.Worker)) {
	s.t.Helper()
	w, err := work.New(work.Options{
		Queue: s.ledger, Ledger: s.ledger, Signals: s.db, Claude: s.caller, Governor: s.gov, Name: name,
		Hooks: map[string]*work.Hook{"h": &s.hook}, Slots: s.slots, Grace: s.grace, Batch: s.batch, Now: s.now,
		Price: func(model string, u event.Usage, at time.Time) (event.NanoUSD, bool) {
			return catalog.Cost(model, u, at, false)
		},
		Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	f(w)
}

// job reads a job whole.
func (s *shop) job(id string) event.Job {
	s.t.Helper()
	j, err := s.db.Job(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// until waits for a job to be in a state.
func (s *shop) until(id string, state event.State, limit time.Duration) event.Job {
	s.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(max(100*time.Millisecond, limit/500)) {
		j := s.job(id)
		if j.State == state {
			return j
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s is %s after %v, want %s; its last error: %+v", id, j.State, limit, state, j.LastError)
		}
	}
}

// idle checks that no lane believes a call to be open.
func (s *shop) idle() {
	s.t.Helper()
	lanes, err := s.db.Lanes(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range lanes {
		if v := s.gov.Look(l, time.Now()).View(); v.Open != 0 || v.Pending != 0 {
			s.t.Errorf("lane %s: got %d calls open and %d tokens pending, want none", l.Name, v.Open, v.Pending)
		}
	}
}

// step is one failure in claudetest's words, for one model or for all.
func step(t *testing.T, model, words string, times int) claudetest.Step {
	t.Helper()
	f, err := claudetest.ParseFailure(words)
	if err != nil {
		t.Fatal(err)
	}
	s := claudetest.Step{Fail: f, Times: times}
	if model != "" {
		s.Match = func(r claudetest.Request) bool { return r.Model == model }
	}
	return s
}
