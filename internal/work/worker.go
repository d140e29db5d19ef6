package work

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/governor"
)

// Caller calls Claude once and never retries; its errors are *claude.Error, or
// the context's.
type Caller interface {
	Call(ctx context.Context, r claude.Request, onDelta func(text string)) (claude.Answer, error)
}

// Options configure a Worker.
type Options struct {
	Queue    Queue   // required
	Ledger   Ledger  // required
	Signals  Signals // required
	Claude   Caller  // required
	Governor *governor.Governor
	Hooks    map[string]*Hook // by name
	Batch    *Batch           // the way through Message Batches; nil: there is none

	Name  string        // of the worker, in leases
	Slots int           // journeys at once; default 64
	Lease time.Duration // default 20s; renewed every third of it
	Grace time.Duration // how long calls in flight may finish at the end; default 20s

	// Price says what a call cost; ok is false if that is not known.
	Price func(model string, u event.Usage, at time.Time) (cost event.NanoUSD, ok bool)
	// CacheSaved says what a call of known cost would have cost more without the
	// prompt cache, at the prices of live calls.
	CacheSaved func(model string, u event.Usage, at time.Time) event.NanoUSD
	// Observe counts a call that ended; nil: nobody counts.
	Observe func(hook string, c event.Call, firstToken time.Duration)

	Log *slog.Logger     // default: none
	Now func() time.Time // default time.Now
}

// A Worker takes jobs and carries each through its journey. Run it once.
type Worker struct {
	opts    Options
	freed   chan struct{} // a slot became free
	journey sync.WaitGroup

	// life ends when the worker is abandoned. It is nobody's request: what is
	// written under it outlasts the journey that was cut off.
	life    context.Context
	abandon context.CancelFunc

	mu      sync.Mutex
	running map[string]*running // by job id; guarded by mu
	charges map[string]governor.Charge
}

// A running journey, as heartbeats see it.
type running struct {
	lease  event.Lease
	batch  bool // it ends in a batch, not with a call
	cancel context.CancelCauseFunc
}

// Why a journey was cut off.
var (
	errShutdown  = errors.New("the worker is stopping")
	errLeaseLost = event.ErrLeaseLost
)

// New checks the options and makes a Worker. It starts nothing.
func New(o Options) (*Worker, error) {
	if o.Queue == nil || o.Ledger == nil || o.Signals == nil || o.Claude == nil || o.Governor == nil {
		return nil, errors.New("work: a queue, a ledger, signals, a governor and Claude are required")
	}
	o.Slots = cmp.Or(o.Slots, 64)
	o.Lease = cmp.Or(o.Lease, 20*time.Second)
	o.Grace = cmp.Or(o.Grace, 20*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Price == nil {
		o.Price = func(string, event.Usage, time.Time) (event.NanoUSD, bool) { return 0, false }
	}
	if o.CacheSaved == nil {
		o.CacheSaved = func(string, event.Usage, time.Time) event.NanoUSD { return 0 }
	}
	if o.Observe == nil {
		o.Observe = func(string, event.Call, time.Duration) {}
	}
	if o.Batch != nil {
		if o.Batch.Ledger == nil || o.Batch.Claude == nil || o.Batch.LaneOf == nil {
			return nil, errors.New("work: batches need a ledger, Claude and the lanes of models")
		}
		o.Batch = o.Batch.complete()
	}
	life, abandon := context.WithCancel(context.Background())
	return &Worker{
		opts:    o,
		freed:   make(chan struct{}, 1),
		life:    life,
		abandon: abandon,
		running: make(map[string]*running),
		charges: make(map[string]governor.Charge),
	}, nil
}

// Abandon gives up what is not settled: a worker that waits for a ledger which
// does not answer ends as soon as that lets go of it. The jobs run again when
// their leases are over, and their calls may be billed twice.
func (w *Worker) Abandon() { w.abandon() }

// now is the clock in UTC.
func (w *Worker) now() time.Time { return w.opts.Now().UTC() }

// Run takes jobs until ctx ends. Then it takes no more, lets calls in flight
// finish for the grace period, puts the rest back into the queue at no cost of
// an attempt, and returns.
func (w *Worker) Run(ctx context.Context) {
	calls, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	defer context.AfterFunc(w.life, func() { cut(errShutdown) })()
	var helpers sync.WaitGroup
	background, stop := context.WithCancel(calls)
	helpers.Go(func() { w.beat(background) })
	helpers.Go(func() { w.charge(background) })

	if w.opts.Batch != nil {
		w.journey.Go(func() { w.batches(ctx, calls) })
	}
	w.dispatch(ctx, calls)
	w.finish(cut)
	stop()
	helpers.Wait()
}

// finish waits for the journeys, and cuts off those that outlast the grace.
func (w *Worker) finish(cut context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() { w.journey.Wait(); close(done) }()
	grace := time.NewTimer(w.opts.Grace)
	defer grace.Stop()
	select {
	case <-done:
		return
	case <-grace.C:
		cut(errShutdown)
		<-done
	}
}
