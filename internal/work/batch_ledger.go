package work

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// BatchQueue is the ledger as it moves requests into batches and hands batches
// out. Every write is fenced by a lease and answers event.ErrLeaseLost when that
// is stale.
type BatchQueue interface {
	// ParkJob puts a leased job aside with its request; see event.Parking.
	ParkJob(ctx context.Context, p event.Parking) error
	// FormBatches makes batches of parked requests and returns how many, and
	// when more will be worth making; see event.FormBatches.
	FormBatches(ctx context.Context, f event.FormBatches) (made int, next time.Time, err error)
	// TakeBatches leases batches that are to be looked at.
	TakeBatches(ctx context.Context, t event.TakeBatches) (event.TakenBatches, error)
	// UpdateBatch stores how a batch stands; see event.BatchUpdate.
	UpdateBatch(ctx context.Context, u event.BatchUpdate) error
}

// BatchItems is the ledger as it holds the requests of batches.
type BatchItems interface {
	// BatchParams gives each open request of a batch to visit.
	BatchParams(ctx context.Context, batch string, visit func(job string, params []byte) error) error
	// BatchItem reads one open request; event.ErrNotFound: there is none for
	// this job; event.ErrState: it was settled before.
	BatchItem(ctx context.Context, batch, job string) (event.WaitingItem, error)
	// OpenItems returns the jobs of requests that are not settled.
	OpenItems(ctx context.Context, batch string, limit int) (jobs []string, err error)
	// SettleItem ends one request; see event.ItemSettlement.
	SettleItem(ctx context.Context, s event.ItemSettlement) error
}

// BatchTwins is the ledger as it tells batches of ours from others that look
// like them.
type BatchTwins interface {
	// BookCopy stores the call of a request that a batch was made with twice, once;
	// event.ErrNotFound: there is no such request in the batch.
	BookCopy(ctx context.Context, c event.BatchCopy) error
	// BatchNames returns the API's ids of the batches that are open or ended
	// after since.
	BatchNames(ctx context.Context, since time.Time) ([]string, error)
}

// BatchLedger is all of that.
type BatchLedger interface {
	BatchQueue
	BatchItems
	BatchTwins
}
