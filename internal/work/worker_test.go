package work_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/work"
)

// A stopping ledger is told to stop its worker while it leases a job.
type stopping struct {
	stop    context.CancelFunc
	settled chan event.Settlement
	full    time.Time // until when it settles nothing
	fault   error     // of Settle, for good
	partly  error     // of Take, beside the job
}

func (s *stopping) Take(ctx context.Context, t event.Take) (event.Taken, error) {
	s.stop()
	if ctx.Err() != nil { // as a ledger that commits after its caller left
		return event.Taken{}, ctx.Err()
	}
	job := event.Job{ID: "job_1", Hook: "gone", CreatedAt: t.Now}
	return event.Taken{Jobs: []event.Leased{{Job: job, Lease: event.Lease{ID: job.ID, Token: 1}}}}, s.partly
}

func (s *stopping) Extend(context.Context, []event.Lease, time.Time, time.Time) ([]event.Lease, error) {
	return nil, nil
}
func (s *stopping) BeginCall(context.Context, event.Lease, event.Call) error { return nil }
func (s *stopping) Reserve(context.Context, event.Reserve) error             { return nil }
func (s *stopping) Reuse(context.Context, event.Reuse) (event.Reusable, error) {
	return event.Reusable{}, nil
}
func (s *stopping) SaveDraft(context.Context, event.Lease, event.DraftChunk) error { return nil }
func (s *stopping) UpdateLane(context.Context, string, time.Time, func(event.Lane) event.Lane) error {
	return nil
}
func (s *stopping) Settle(_ context.Context, e event.Settlement) error {
	if s.fault != nil {
		return s.fault
	}
	if time.Now().Before(s.full) {
		return event.ErrFull
	}
	s.settled <- e
	return nil
}
func (s *stopping) Watch(string) (<-chan struct{}, func()) { return nil, func() {} }

type nobody struct{}

func (nobody) Call(context.Context, claude.Request, func(string)) (claude.Answer, error) {
	panic("nobody may be called")
}

// TestStopDuringTake: a job that is leased at the moment of the stop is carried
// to a settlement, not left to its lease.
func TestStopDuringTake(t *testing.T) {
	t.Parallel()
	carried(t, &stopping{}, time.Second)
}

// TestTakenInPart: a job that was leased is carried, although another one of the
// same take could not be read.
func TestTakenInPart(t *testing.T) {
	t.Parallel()
	carried(t, &stopping{partly: errors.New("input/output error")}, time.Second)
}

// TestSettleOutlastsFullDisk: what was paid for is kept until the disk has room
// again, and given up only by a worker that is cut off.
func TestSettleOutlastsFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		carried(t, &stopping{full: time.Now().Add(10 * time.Minute)}, time.Hour)
	})
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		run(t, &stopping{full: began.Add(time.Hour)}, time.Minute)
		if took := time.Since(began); took < time.Minute || took > 2*time.Minute {
			t.Errorf("the worker stopped after %v, want soon after its grace of a minute", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		run(t, &stopping{fault: errors.New("no such column")}, time.Hour)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("a settlement that cannot be written held its slot for %v, want about a lease", took)
		}
	})
}

// run runs a worker over the ledger until it has stopped.
func run(t *testing.T, ledger *stopping, grace time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ledger.stop, ledger.settled = cancel, make(chan event.Settlement, 8)
	g, err := governor.New(governor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := work.New(work.Options{Queue: ledger, Ledger: ledger, Signals: ledger, Claude: nobody{}, Governor: g, Slots: 1, Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	w.Run(ctx)
}

// carried runs a worker, and its job must be settled at the end.
func carried(t *testing.T, ledger *stopping, grace time.Duration) {
	t.Helper()
	run(t, ledger, grace)
	select {
	case s := <-ledger.settled:
		if s.Dead == nil || s.Dead.Code != "hook_gone" {
			t.Errorf("got %+v, want a settlement of the job", s)
		}
	default:
		t.Error("the leased job was never settled")
	}
}
