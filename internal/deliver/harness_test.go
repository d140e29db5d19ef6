package deliver_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/sqlite"
)

const hookName = "pr-summary"

// A world is a real ledger and a network in memory, inside a bubble of fake
// time.
type world struct {
	*testing.T
	store  *sqlite.DB
	egress *egress.Egress
	net    *memoryNet
	events int
}

// inWorld runs a test in a bubble.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Parallel()
	path := filepath.Join(t.TempDir(), "forebay.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, MinFree: -1})
		if err != nil {
			t.Fatal(err)
		}
		n := &memoryNet{conns: make(chan net.Conn), done: make(chan struct{})}
		e, err := egress.New(egress.Options{Dial: n.dial})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			e.Close()
			n.Close()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}()
		test(&world{T: t, store: store, egress: e, net: n})
	})
}

// memoryNet is a network with one listener, whatever the address.
type memoryNet struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (n *memoryNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *memoryNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *memoryNet) Close() error   { n.once.Do(func() { close(n.done) }); return nil }
func (n *memoryNet) Addr() net.Addr { return &net.TCPAddr{} }

// serve answers on the network until the test ends.
func (w *world) serve(h http.Handler) (stop func()) {
	srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(w.net) }) // ErrServerClosed
	return func() {
		w.egress.Close()
		_ = srv.Close() // nothing that a test needs
		wg.Wait()
	}
}

// job takes an event through the ledger to a stored result with deliveries.
func (w *world) job(body, answer string, deliveries ...event.Delivery) event.Job {
	w.Helper()
	w.events++
	ctx, now := w.Context(), time.Now()
	id := event.NewID(event.PrefixJob, now)
	_, err := w.store.Accept(ctx, event.Accept{
		Event: event.Event{
			ID: event.NewID(event.PrefixEvent, now), Hook: hookName, Source: "github", Type: "pull_request",
			ReceivedAt: now, Method: "POST", ContentType: "application/json", Body: []byte(body),
		},
		Keys: []event.Key{{Value: "sum:" + id}}, Now: now, ForgetAt: now.Add(720 * time.Hour),
		Job: event.JobSpec{ID: id, Lane: "haiku", Model: "claude-haiku-5-5", Priority: 5},
	})
	if err != nil {
		w.Fatal(err)
	}
	taken, err := w.store.Take(ctx, event.Take{
		Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 1, PerHook: 1,
		Admit: func(d event.Desk) event.Plan { return event.Plan{Take: []string{id}} },
	})
	if err != nil || len(taken.Jobs) != 1 {
		w.Fatalf("took %d jobs, %v", len(taken.Jobs), err)
	}
	for i := range deliveries {
		deliveries[i].ID = event.NewID(event.PrefixDelivery, now)
	}
	err = w.store.Settle(ctx, event.Settlement{Lease: taken.Jobs[0].Lease, Now: now, Done: &event.Done{
		Result: event.Result{Text: answer, Model: "claude-haiku-5-5", StopReason: "end_turn", CreatedAt: now}, Deliveries: deliveries,
	}})
	if err != nil {
		w.Fatal(err)
	}
	return w.read(id)
}

func (w *world) read(id string) event.Job {
	w.Helper()
	j, err := w.store.Job(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return j
}

// delivery is the job's only one.
func (w *world) delivery(id string) event.Delivery {
	w.Helper()
	j := w.read(id)
	if len(j.Deliveries) != 1 {
		w.Fatalf("the job has %d deliveries, want 1", len(j.Deliveries))
	}
	return j.Deliveries[0]
}

// dispatch runs a dispatcher with one target until stop is called.
func (w *world) dispatch(target deliver.Target, o deliver.Options) (stop func()) {
	w.Helper()
	return w.dispatchFrom(w.store, target, o)
}

func (w *world) dispatchFrom(box deliver.Outbox, target deliver.Target, o deliver.Options) (stop func()) {
	w.Helper()
	if target == nil {
		return w.dispatchTo(box, nil, o)
	}
	return w.dispatchTo(box, []deliver.Target{target}, o)
}

// dispatchTo carries deliveries out to the target at their place of the list.
func (w *world) dispatchTo(box deliver.Outbox, targets []deliver.Target, o deliver.Options) (stop func()) {
	w.Helper()
	o.Outbox, o.Signals, o.Worker = box, w.store, "w"
	o.Targets = func(hook string, index int) (deliver.Target, bool) {
		if hook != hookName || index >= len(targets) {
			return nil, false
		}
		return targets[index], true
	}
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	d, err := deliver.New(o)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.Run(ctx); err != nil {
			w.Errorf("Run = %v", err)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// pass lets fake time go by until the delivery is over, or for d.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// newEgress is one that may call nobody private.
func newEgress(t *testing.T) *egress.Egress {
	t.Helper()
	e, err := egress.New(egress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}
