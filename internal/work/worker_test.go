package work_test

import (
	"context"
	"testing"
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
}

func (s *stopping) Take(ctx context.Context, t event.Take) (event.Taken, error) {
	s.stop()
	if ctx.Err() != nil { // as a ledger that commits after its caller left
		return event.Taken{}, ctx.Err()
	}
	job := event.Job{ID: "job_1", Hook: "gone", CreatedAt: t.Now}
	return event.Taken{Jobs: []event.Leased{{Job: job, Lease: event.Lease{ID: job.ID, Token: 1}}}}, nil
}

func (s *stopping) Extend(context.Context, []event.Lease, time.Time, time.Time) ([]event.Lease, error) {
	return nil, nil
}
func (s *stopping) BeginCall(context.Context, event.Lease, event.Call) error       { return nil }
func (s *stopping) SaveDraft(context.Context, event.Lease, event.DraftChunk) error { return nil }
func (s *stopping) UpdateLane(context.Context, string, time.Time, func(event.Lane) event.Lane) error {
	return nil
}
func (s *stopping) Settle(_ context.Context, e event.Settlement) error { s.settled <- e; return nil }
func (s *stopping) Watch(string) (<-chan struct{}, func())             { return nil, func() {} }

type nobody struct{}

func (nobody) Call(context.Context, claude.Request, func(string)) (claude.Answer, error) {
	panic("nobody may be called")
}

// TestStopDuringTake: a job that is leased at the moment of the stop is carried
// to a settlement, not left to its lease.
func TestStopDuringTake(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ledger := &stopping{stop: cancel, settled: make(chan event.Settlement, 8)}
	g, err := governor.New(governor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := work.New(work.Options{Queue: ledger, Ledger: ledger, Signals: ledger, Claude: nobody{}, Governor: g, Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.Run(ctx)
	select {
	case s := <-ledger.settled:
		if s.Dead == nil || s.Dead.Code != "hook_gone" {
			t.Errorf("got %+v, want a settlement of the job", s)
		}
	default:
		t.Error("the leased job was never settled")
	}
}
