package work

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Queue is the ledger as the dispatcher sees it. Every write is fenced by the
// lease and answers event.ErrLeaseLost when that is stale.
type Queue interface {
	// Take leases jobs that may call now; see event.Take. Jobs whose lease has
	// run out are queued again by it; their crashed attempt counts. Those that it
	// returns beside an error are leased like any.
	Take(ctx context.Context, t event.Take) (event.Taken, error)
	// Extend renews leases and returns those that were lost.
	Extend(ctx context.Context, leases []event.Lease, until, now time.Time) (lost []event.Lease, err error)
}

// Ledger is the ledger as one journey sees it.
type Ledger interface {
	Money

	// BeginCall stores a call's row, outcome unknown, fsynced, before the
	// request leaves.
	BeginCall(ctx context.Context, l event.Lease, c event.Call) error
	// SaveDraft appends streamed text at a byte offset of the attempt's answer.
	// It may be lost in a crash.
	SaveDraft(ctx context.Context, l event.Lease, d event.DraftChunk) error
	// Settle ends the attempt; see event.Settlement.
	Settle(ctx context.Context, s event.Settlement) error
	// UpdateLane changes a lane's row in one transaction: change gets the
	// stored lane (a zero one with the name if there is none) and returns the
	// new. It must be pure and quick.
	UpdateLane(ctx context.Context, name string, now time.Time, change func(event.Lane) event.Lane) error
}

// Money is the ledger as a journey asks it what a call may cost, and whether it
// is needed.
type Money interface {
	// Reserve changes what is reserved for a job; event.ErrBudget if that is more
	// than before and does not fit.
	Reserve(ctx context.Context, r event.Reserve) error
	// Reuse finds the answer to a request that was answered before, or claims it
	// for the job that asks; see event.Reuse.
	Reuse(ctx context.Context, r event.Reuse) (event.Reusable, error)
}

// Signals tells that something changed, so that nobody has to poll.
type Signals interface {
	// Watch returns a channel that has a value soon after topic (an event.Topic
	// or a job id) changed; several changes may become one value. The caller
	// must call stop.
	Watch(topic string) (changed <-chan struct{}, stop func())
}
