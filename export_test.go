package forebay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/work"
)

// Stats counts what the ledger holds.
func (s *Server) Stats(ctx context.Context) (event.Stats, error) { return s.store.Stats(ctx) }

// LaneViews shows the lanes as the governor sees them now.
func (s *Server) LaneViews(ctx context.Context) (map[string]governor.View, error) {
	rows, err := s.store.Lanes(ctx)
	views := map[string]governor.View{}
	for _, row := range rows {
		views[row.Name] = s.governor.Look(row, nowUTC()).View()
	}
	return views, err
}

// Pause says why a lane is paused, and until when.
func (s *Server) Pause(lane string) (reason string, until time.Time) {
	rows, err := s.store.Lanes(context.Background())
	for _, row := range rows {
		if err == nil && row.Name == lane && row.Blocks(nowUTC()) {
			return row.Reason, row.Until
		}
	}
	return "", time.Time{}
}

// MoreWorkers runs n more workers on the server's ledger, each with a governor
// and a client of Claude of its own, as other servers on the same ledger have
// them. All that they share with the server's own worker is the ledger.
func (s *Server) MoreWorkers(n int) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	stop = func() { cancel(); running.Wait() }
	for i := range n {
		w, err := s.anotherWorker(fmt.Sprintf("worker-%d", i+2))
		if err != nil {
			stop()
			return nil, err
		}
		running.Go(func() { w.Run(ctx) })
	}
	return stop, nil
}

func (s *Server) anotherWorker(name string) (*work.Worker, error) {
	cfg := s.opts.Config
	hooks, err := s.buildHooks()
	if err != nil {
		return nil, err
	}
	g, err := governor.New(governorOptions(cfg, s.lanes, hooks))
	if err != nil {
		return nil, err
	}
	client, err := newClaude(cfg, s.egress)
	if err != nil {
		return nil, err
	}
	return work.New(work.Options{
		Queue: s.store, Ledger: s.store, Signals: s.store, Claude: client, Governor: g,
		Hooks: hooks.work, Name: name, Slots: cfg.Claude.MaxInFlight, Price: price, Log: s.log,
	})
}
