package api

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Reader is the ledger as people look at it.
type Reader interface {
	JobReader
	LaneReader
	CostReader
}

// JobReader is the ledger as people look at jobs and at what came in.
type JobReader interface {
	// Job reads one job whole; event.ErrNotFound.
	Job(ctx context.Context, id string) (event.Job, error)
	// Jobs lists jobs, newest first, without the parts of a whole one.
	Jobs(ctx context.Context, f event.JobFilter) (event.JobPage, error)
	// Draft reads what has streamed in of a running job's answer.
	Draft(ctx context.Context, id string) (event.Draft, error)
	// Verdicts lists what the receiver decided, newest first.
	Verdicts(ctx context.Context, limit int) ([]event.Verdict, error)
}

// LaneReader is the ledger as people look at what goes on now.
type LaneReader interface {
	// Lanes lists all lanes that have a row.
	Lanes(ctx context.Context) ([]event.Lane, error)
	// Lane reads one lane's row, without counting its jobs; event.ErrNotFound.
	Lane(ctx context.Context, name string) (event.Lane, error)
	// Stats counts what is there.
	Stats(ctx context.Context) (event.Stats, error)
}

// CostReader is the ledger as people look at money.
type CostReader interface {
	// Costs sums the calls of the days from and to, inclusive ("2026-11-25").
	Costs(ctx context.Context, from, to string) ([]event.CostRow, error)
	// Thrift says what was not called for on the days from and to, inclusive.
	Thrift(ctx context.Context, from, to string) ([]event.ThriftRow, error)
	// TenantCosts sums the calls of the tenants that cost most on these days.
	TenantCosts(ctx context.Context, from, to string, limit int) ([]event.TenantCost, error)
}

// Admin is the ledger as operators act on it.
type Admin interface {
	// Cancel ends a job that is not over; event.ErrState if it is.
	Cancel(ctx context.Context, id string, now time.Time) error
	// Redeliver sends the deliveries of a succeeded job again, for free, and
	// returns how many; event.ErrState if it has no result.
	Redeliver(ctx context.Context, id string, now time.Time) (int, error)
	// Rerun queues a new job for the event of an old one; event.ErrState if the
	// event's body has been forgotten.
	Rerun(ctx context.Context, id string, spec event.JobSpec, now time.Time) error
	// PauseLane stops a lane; ResumeLane lets it go. Both wake who waits.
	PauseLane(ctx context.Context, p event.LanePause, now time.Time) error
	ResumeLane(ctx context.Context, lane string, now time.Time) error
}

// Signals tells that a job changed.
type Signals interface {
	Watch(topic string) (changed <-chan struct{}, stop func())
}
