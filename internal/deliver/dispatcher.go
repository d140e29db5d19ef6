package deliver

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

const (
	defaultConcurrency = 64 // receivers that hang hold a place each for half a minute
	defaultTimeout     = 60 * time.Second
	defaultGrace       = 10 * time.Second
	leaseMargin        = 15 * time.Second // over the timeout, to settle in
	idle               = 30 * time.Second // between looks when nobody signals
	firstPause         = time.Second      // after a failure of the store
)

// Options configure a Dispatcher.
type Options struct {
	Outbox  Outbox  // required
	Signals Signals // required
	// Targets finds the target at a place of a hook's deliver list. Required.
	Targets func(hook string, index int) (Target, bool)
	// Worker names this process in leases. Required.
	Worker string
	// Concurrency bounds the attempts in flight. Default 64.
	Concurrency int
	// PerTarget bounds those of one target, so that one that hangs, or three,
	// hold up no other. Default: a quarter of Concurrency.
	PerTarget int
	// Timeout bounds one attempt. Default 60s.
	Timeout time.Duration
	// Grace is how long attempts in flight may go on when Run is told to stop.
	// Default 10s.
	Grace time.Duration
	// Observe is told of each attempt: the target's kind; done, retry or dead;
	// how long it took. nil: nobody.
	Observe func(target, outcome string, took time.Duration)
	Log     *slog.Logger // required
}

// A Dispatcher carries out the deliveries of an outbox.
type Dispatcher struct {
	opts Options
}

// New checks the options and fills in the defaults.
func New(o Options) (*Dispatcher, error) {
	if o.Outbox == nil || o.Signals == nil || o.Targets == nil || o.Worker == "" || o.Log == nil {
		return nil, errors.New("deliver: Outbox, Signals, Targets, Worker and Log are required")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.PerTarget <= 0 {
		o.PerTarget = max(1, o.Concurrency/4)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	return &Dispatcher{opts: o}, nil
}

// A run is one life of the loop. Only the loop's goroutine uses it, but for
// the two channels and the group.
type run struct {
	*Dispatcher
	attempts context.Context  // of the attempts: outlives the loop's by the grace
	ended    chan event.Lease // of each attempt that ended; never blocks
	wg       sync.WaitGroup
	held     map[event.Lease]struct{} // of the attempts in flight
	pause    time.Duration            // after failures of the store
}

// Run takes what is due and carries it out until ctx ends. It then takes
// nothing more, lets what is in flight end within the grace, cancels the rest,
// and returns when all has been settled. The error is nil, or what made the
// store unusable.
func (d *Dispatcher) Run(ctx context.Context) error {
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r := &run{Dispatcher: d, attempts: attempts, ended: make(chan event.Lease, d.opts.Concurrency), held: make(map[event.Lease]struct{})}
	changed, stop := d.opts.Signals.Watch(event.TopicOutbox)
	defer stop()
	err := r.loop(ctx, changed)
	grace := time.AfterFunc(d.opts.Grace, cancel)
	r.wg.Wait()
	grace.Stop()
	return err
}

func (r *run) loop(ctx context.Context, changed <-chan struct{}) error {
	for ctx.Err() == nil {
		wait, err := r.take(ctx)
		if err != nil {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case lease := <-r.ended:
			delete(r.held, lease)
		case <-timer.C:
		}
		timer.Stop()
		r.collect()
	}
	return nil
}

// collect takes note of the attempts that ended meanwhile.
func (r *run) collect() {
	for {
		select {
		case lease := <-r.ended:
			delete(r.held, lease)
		default:
			return
		}
	}
}

// take starts what is due, as far as there is room, and says how long there is
// nothing to do.
func (r *run) take(ctx context.Context) (wait time.Duration, err error) {
	room := r.opts.Concurrency - len(r.held)
	if room <= 0 {
		return idle, nil
	}
	now := time.Now()
	taken, err := r.opts.Outbox.TakeDeliveries(ctx, event.TakeDeliveries{
		Worker: r.opts.Worker, Now: now, LeaseUntil: now.Add(r.opts.Timeout + leaseMargin), Max: room, PerTarget: r.opts.PerTarget,
		Held: slices.Collect(maps.Keys(r.held)),
	})
	for _, l := range taken.Deliveries {
		r.held[l.Lease] = struct{}{}
		r.wg.Go(func() {
			defer func() { r.ended <- l.Lease }()
			r.attempt(r.attempts, l)
		})
	}
	switch {
	case errors.Is(err, event.ErrClosed):
		return 0, err
	case err != nil && ctx.Err() == nil:
		r.pause = min(max(2*r.pause, firstPause), idle)
		r.opts.Log.Error("deliveries cannot be taken", "error", err, "again_in", r.pause)
		return r.pause, nil
	}
	r.pause = 0
	return r.quiet(taken, room), nil
}

// quiet says how long the loop may sleep after it took what was due.
func (r *run) quiet(taken event.TakenDeliveries, room int) time.Duration {
	if len(taken.Deliveries) == room {
		return idle // there may be more, and the next attempt that ends wakes the loop
	}
	if taken.NextDue.IsZero() {
		return idle
	}
	return min(max(time.Until(taken.NextDue), 0), idle)
}
