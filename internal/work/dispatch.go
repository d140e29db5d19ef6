package work

import (
	"context"
	"log/slog"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
)

// How the dispatcher waits.
const (
	candidates = 32               // shown to admission per hook and lane
	idleLook   = 10 * time.Second // other workers' leases run out without a signal
	afterError = time.Second
)

// dispatch takes jobs whenever there is a free slot and something changed: a
// job became ready, a slot free, or a time came.
func (w *Worker) dispatch(ctx, calls context.Context) {
	changed, stop := w.opts.Signals.Watch(event.TopicQueue)
	defer stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-w.freed:
		case <-timer.C:
		}
		timer.Reset(w.take(ctx, calls))
	}
}

// take starts as many journeys as admission allows and returns how long to
// wait before the next look.
func (w *Worker) take(ctx, calls context.Context) time.Duration {
	free := w.room()
	if free.all() <= 0 {
		return idleLook // the next free slot is a signal
	}
	now := w.now()
	var admitted admission
	// Not under ctx: jobs that are leased while the worker is told to stop would
	// be nobody's, and lose an attempt.
	taken, err := w.opts.Queue.Take(calls, event.Take{
		Worker:     w.opts.Name,
		Now:        now,
		LeaseUntil: now.Add(w.opts.Lease),
		Max:        free.all(),
		PerHook:    candidates,
		Held:       w.held(),
		Admit: func(d event.Desk) event.Plan {
			admitted = w.admit(d, free)
			return admitted.Plan
		},
	})
	for _, job := range taken.Jobs { // with an error too: they are leased
		w.start(calls, job, pass{admitted.Grants[job.Job.ID], admitted.Verdicts[job.Job.ID]})
	}
	if err != nil {
		if ctx.Err() == nil {
			w.opts.Log.Error("jobs not taken", "error", err)
		}
		return afterError
	}
	if len(taken.Jobs) > 0 && len(taken.Jobs) < free.all() {
		return 0 // admission may let more go now that these are under way
	}
	return min(until(now, taken.NextDue), until(now, admitted.Next), idleLook)
}

// until is the time from now to at; a zero at is far away.
func until(now, at time.Time) time.Duration {
	if at.IsZero() {
		return idleLook
	}
	return max(at.Sub(now), time.Millisecond)
}

// start runs a journey in a goroutine that the worker waits for.
func (w *Worker) start(calls context.Context, job event.Leased, p pass) {
	ctx, cancel := context.WithCancelCause(calls)
	w.mu.Lock()
	w.running[job.Job.ID] = &running{lease: job.Lease, batch: job.Job.Lane == event.BatchLane, cancel: cancel}
	w.mu.Unlock()
	w.journey.Go(func() {
		defer cancel(nil)
		defer w.end(job.Job.ID)
		w.carry(ctx, job, p)
	})
}

// end frees the slot.
func (w *Worker) end(id string) {
	w.mu.Lock()
	delete(w.running, id)
	w.mu.Unlock()
	select {
	case w.freed <- struct{}{}:
	default:
	}
}

// beat renews the leases of all journeys, and cuts off those that lost theirs:
// the job was cancelled, or somebody else has it.
func (w *Worker) beat(ctx context.Context) {
	tick := time.NewTicker(w.opts.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.extend(ctx)
		}
	}
}

// held returns the leases of all journeys.
func (w *Worker) held() []event.Lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	leases := make([]event.Lease, 0, len(w.running))
	for _, r := range w.running {
		leases = append(leases, r.lease)
	}
	return leases
}

func (w *Worker) extend(ctx context.Context) {
	leases := w.held()
	if len(leases) == 0 {
		return
	}
	now := w.now()
	lost, err := w.opts.Queue.Extend(ctx, leases, now.Add(w.opts.Lease), now)
	if err != nil {
		if ctx.Err() == nil {
			w.opts.Log.Error("leases not renewed", "error", err)
		}
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range lost {
		if r, ok := w.running[l.ID]; ok && r.lease.Token == l.Token {
			r.cancel(errLeaseLost)
			w.opts.Log.LogAttrs(ctx, slog.LevelWarn, "lease lost", slog.String("job_id", l.ID))
		}
	}
}

// charge writes what streamed in to the lanes, a few times a second and for
// all calls of a lane at once, so that budgets follow what the API counts.
func (w *Worker) charge(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		charges := w.charges
		w.charges = make(map[string]governor.Charge)
		w.mu.Unlock()
		for lane, c := range charges {
			now := w.now()
			if err := w.opts.Ledger.UpdateLane(ctx, lane, now, w.opts.Governor.Charged(c, now)); err != nil && ctx.Err() == nil {
				w.opts.Log.Error("lane not charged", "lane", lane, "error", err)
			}
		}
	}
}

// streamed adds output of a call to what charge writes next.
func (w *Worker) streamed(lane string, c governor.Charge) {
	w.mu.Lock()
	w.charges[lane] = w.charges[lane].Add(c)
	w.mu.Unlock()
}
