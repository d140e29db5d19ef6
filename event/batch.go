package event

import (
	"encoding/json"
	"time"
)

// BatchLane is the lane of the jobs that go through Message Batches: they cost
// half and have limits of their own, whatever the model
// (https://platform.claude.com/docs/en/build-with-claude/batch-processing). A
// pause of it lets no batch be made; those that run go on.
const BatchLane = "batch"

// A BatchState says where a Message Batch stands.
type BatchState string

// The states of a batch.
const (
	BatchIntended BatchState = "intended" // stored; nobody has seen yet that the API made it
	BatchSent     BatchState = "sent"     // the API works on it
	BatchEnded    BatchState = "ended"    // every one of its requests is settled
)

// A MessageBatch is one batch of requests at the Claude API. It is stored
// before the API is asked to make it.
type MessageBatch struct {
	ID         string
	Model      string
	State      BatchState
	ProviderID string // the API's id for it
	Requests   int
	Bytes      int64 // of their parameters

	IntendedAt time.Time
	PostedAt   time.Time // when a request to make it left whose end nobody saw; zero: none is open
	DoubtedAt  time.Time // when the first one left after which it was asked for again; zero: none
	CreatedAt  time.Time // by the API's clock
	ExpiresAt  time.Time // when the API gives up what is not done by then
	ExpectedAt time.Time // when its end may be expected
	EndedAt    time.Time
	NextAt     time.Time // when it is to be looked at next

	Failures  int      // failed looks in a row
	Adopted   bool     // found by listing, not by the answer to its making
	Foreign   []string // batches that looked like this one and hold others' requests
	LastError string
}

// A BatchItem is one job's request on its way through a batch.
type BatchItem struct {
	JobID      string
	CallID     string // of the call row, which is written when the batch is stored
	Model      string
	Attempt    int
	Params     json.RawMessage // the parameters of the Messages API
	Deliveries []Delivery      // planned before money is spent
	Notes      []string
}

// A Parking puts a leased job aside until the batch that will carry its request
// is over: the job is queued with the reason batch, and only SettleItem or
// Cancel takes it out of there. The lease ends; its token still fences.
type Parking struct {
	Lease Lease
	Now   time.Time
	Item  BatchItem
}

// FormBatches asks the ledger to make batches of the parked requests, one model
// to each: when there are MaxRequests or MaxBytes of them, or the first has
// waited for Collect. A batch is handed out once all its requests are in it, and
// their calls (outcome unknown) stored. Never more than MaxQueued requests
// are in batches that have not ended.
type FormBatches struct {
	Now         time.Time
	Collect     time.Duration
	MaxRequests int
	MaxBytes    int64
	MaxQueued   int
}

// TakeBatches asks for batches that are to be looked at. Intended ones are left
// out while the batch lane is paused.
type TakeBatches struct {
	Worker     string
	Now        time.Time
	LeaseUntil time.Time
	Max        int
}

// TakenBatches is the ledger's answer to TakeBatches.
type TakenBatches struct {
	Batches []LeasedBatch
	NextDue time.Time // zero: none is open
}

// A LeasedBatch is one to look at.
type LeasedBatch struct {
	Lease   Lease
	Batch   MessageBatch
	Waiting bool // a job still waits for one of its requests
}

// A BatchUpdate stores how a batch stands, fenced by its lease. PostedAt can be
// set for one batch at a time: a lost answer must leave no doubt about which
// batch was made; ErrState means that another one is in doubt.
type BatchUpdate struct {
	Lease Lease
	Now   time.Time
	Batch MessageBatch
	Keep  bool       // the lease goes on
	Pause *LanePause // of the batch lane, in the same transaction
}

// A WaitingItem is a request whose result may be settled.
type WaitingItem struct {
	Item  BatchItem // without Params
	Job   Job       // as lists show it
	Token int64     // the fencing token of its job
	// Dropped: the job does not wait any more, because it was cancelled. The
	// result was paid for and goes nowhere.
	Dropped bool
}

// An ItemSettlement ends one request of a batch in one transaction: its call is
// stored, and its job, if that still waits, is settled as after a live call.
// Settlement.Lease carries the job's id and token. ErrNotFound: the request was
// settled before.
type ItemSettlement struct {
	BatchID    string
	Settlement Settlement
}

// A BatchCopy is the call of one request of a batch that was made twice. Its id
// tells whether it was booked before.
type BatchCopy struct {
	BatchID string
	Call    Call // JobID names the request
	Now     time.Time
}
