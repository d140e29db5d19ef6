package event

import "time"

// Accept asks the ledger to store one event, its dedupe keys and its job in a
// single transaction.
type Accept struct {
	Event    Event
	Keys     []Key // dedupe keys, strongest first, each once; unique per hook
	Job      JobSpec
	Now      time.Time
	ForgetAt time.Time // when the dedupe keys may be forgotten
}

// A Key identifies an event among the copies that a sender, or an attacker,
// may send. Redelivers is true for a key that the sender repeats on purpose
// (its delivery id): a copy found by it whose job is dead queues that job again.
// So does a copy found by any key that has the delivery id of the event.
type Key struct {
	Value      string // "id:<delivery id>", "sum:<digest>"
	Redelivers bool
}

// A JobSpec is what a new job starts with.
type JobSpec struct {
	ID       string
	Lane     string
	Model    string
	Chosen   string
	Priority int
	Tenant   string    // see Job
	Note     string    // see Job
	Coalesce *Coalesce // nil: the job may run at once
}

// Coalesce folds a flurry of events into the newest: a queued job of the same
// hook and key is superseded by the new one, which becomes due once the key has
// been quiet for Quiet, or MaxWait after the first of the flurry, whichever is
// sooner.
type Coalesce struct {
	Key     string
	Quiet   time.Duration
	MaxWait time.Duration
}

// Outcome says what became of an accepted event.
type Outcome string

// The outcomes of Accept.
const (
	Accepted  Outcome = "accepted"
	Duplicate Outcome = "duplicate"
	Requeued  Outcome = "requeued" // a duplicate whose dead job was queued again
)

// A Receipt is the ledger's answer to Accept. The event is on disk, fsynced,
// when the caller has it.
type Receipt struct {
	Outcome Outcome
	EventID string
	JobID   string
}

// A Lease is the right to write about one job or delivery. Token grows with
// every new lease: a write with an older one is refused with ErrLeaseLost.
type Lease struct {
	ID     string // of the job or delivery
	Token  int64
	Worker string
	Until  time.Time
}

// Take asks the ledger for queued jobs that may call now. Admission is part of
// it: Admit is called inside the transaction, sees the desk and says who goes.
// It must be pure and quick: it runs under the only writer.
type Take struct {
	Worker     string
	Now        time.Time
	LeaseUntil time.Time
	Max        int // jobs at most
	PerHook    int // candidates at most that Admit is shown per hook and lane; about as many again of its tenants, two of each at least
	Admit      func(Desk) Plan

	// Held are the leases that the worker still carries. One that has run out is
	// renewed until LeaseUntil instead of being taken away: its owner lives, and
	// may hold an answer that is paid for. It keeps nobody else from taking it.
	Held []Lease
}

// A Desk is what admission looks at.
type Desk struct {
	Now        time.Time
	Lanes      map[string]Lane // every lane that has a row
	Running    map[string]int  // jobs running now, by lane
	Candidates []Candidate     // ready jobs: by hook, lane and tenant the first in order of priority, then age
	Max        int             // how many may be taken
	SpentToday NanoUSD         // known cost of the calls that ended today (UTC)
	Purses     Purses          // of today: every hook with an entry, and the tenants of the candidates
}

// A Candidate is a queued job that is due.
type Candidate struct {
	JobID    string
	Hook     string
	Lane     string
	Model    string
	Tenant   string
	Priority int
	Chosen   string // why that model
	Attempts int
	Size     int // bytes of the event's body
	ReadyAt  time.Time
	Needs    NanoUSD // the most that its call may cost, where an attempt found that out and there was no money; else 0
}

// A Plan is what admission decided: the jobs to take, in order, and the lanes
// whose rows changed.
type Plan struct {
	Take  []string
	Lanes []Lane
	// Moves says of jobs to take that they run elsewhere than they waited. It is
	// carried out in the same transaction; a job that is not taken stays.
	Moves map[string]Move
	// Reserve is for jobs to take the most that their call may cost, which the
	// job keeps reserved until it is settled, however that comes about.
	Reserve map[string]NanoUSD
	// Holds are the tenants in lanes whose jobs were shown and wait for money. A
	// hold of jobs that were shown ends when a plan does not repeat it.
	Holds []Hold
}

// A Move takes a job to another lane and model.
type Move struct {
	Lane   string
	Model  string
	Chosen string // why
}

// Taken is the ledger's answer to Take.
type Taken struct {
	Jobs    []Leased
	NextDue time.Time // the earliest time at which another job becomes due; zero: none is scheduled
}

// A Leased job is one to work on, with its event.
type Leased struct {
	Lease Lease
	Job   Job
	Event Event
}

// A Settlement ends one attempt at a job, in one transaction, fenced by its
// lease. Exactly one of Done, Again and Dead is set.
type Settlement struct {
	Lease Lease
	Now   time.Time
	Call  *Call      // the end of the attempt's call, if one was begun
	Pause *LanePause // a lane to pause in the same transaction

	// Lane, if set, changes the row of the job's lane in the same transaction,
	// before Pause: the governor settles what the attempt used. Pure and quick.
	Lane func(Lane) Lane

	Done  *Done
	Again *Again
	Dead  *Failure
}

// Done makes a job succeeded: its result and its pending deliveries are stored.
type Done struct {
	Result     Result
	Deliveries []Delivery // ID, Target, Index, Spec, SerialKey
	// ReusedFrom is the job whose answer this is, if none was called for; Saved
	// is what that had cost.
	ReusedFrom string
	Saved      NanoUSD
}

// Again puts a job back into the queue.
type Again struct {
	Reason  Reason
	Until   time.Time // when it becomes due; zero: at once
	Free    bool      // the attempt does not count
	Failure *Failure
	Lane    string // empty: unchanged
	Model   string
	Chosen  string
	Behind  string // a job that is under way: the wait ends with it, if that is sooner
	// Needs is the most that the next call may cost, of a job that goes back for
	// want of money: candidates carry it, so that none is taken for nothing. It
	// is forgotten with the process, because the next one may be configured
	// otherwise.
	Needs NanoUSD
}

// TakeDeliveries asks for pending deliveries that are due. Of those that share
// a SerialKey only one is out at a time.
type TakeDeliveries struct {
	Worker     string
	Now        time.Time
	LeaseUntil time.Time
	Max        int
	PerTarget  int // of one place in a hook's deliver list, with those that are out; 0: no bound

	// Held are the leases that the worker still carries, as in Take: a clock that
	// jumps ahead must not have one carried out twice.
	Held []Lease
}

// TakenDeliveries is the ledger's answer to TakeDeliveries.
type TakenDeliveries struct {
	Deliveries []LeasedDelivery
	NextDue    time.Time
}

// A LeasedDelivery is one to carry out, with the whole job that it belongs to
// (event, result, calls and deliveries included).
type LeasedDelivery struct {
	Lease    Lease
	Delivery Delivery
	Job      Job
}

// A DeliverySettlement ends one attempt at a delivery, fenced by its lease.
type DeliverySettlement struct {
	Lease  Lease
	Now    time.Time
	State  DeliveryState // DeliveryPending: try again at NextAt
	NextAt time.Time
	Error  string
	URL    string
	Anchor *Anchor // remembered in the same transaction
}

// A JobFilter narrows a list of jobs. Lists are newest first.
type JobFilter struct {
	State  State  // empty: any
	Hook   string // empty: any
	Query  string // text in the job id, subject, event type or delivery id
	Cursor string // the NextCursor of the page before
	Limit  int
}

// A JobPage is one page of a list.
type JobPage struct {
	Jobs       []Job
	NextCursor string // empty: the last page
}

// A CostRow is the money that one hook spent on one model on one day.
type CostRow struct {
	Day         string // UTC, 2026-11-25
	Hook        string
	Model       string
	Calls       int64
	Unpriced    int64 // calls whose cost is not known
	UnknownEnds int64 // calls whose end was never seen: they may have been billed
	Usage       Usage
	Cost        NanoUSD
	// Batched are those of Calls that were requests of Message Batches, and
	// BatchSaved is what they cost less than live calls would have.
	Batched    int64
	BatchSaved NanoUSD
	// Estimated is the most that the calls may have cost whose cost is not known
	// although they may have been billed. It is not part of Cost.
	Estimated NanoUSD
	// CacheSaved is what the calls of known cost would have cost more without the
	// prompt cache, at the prices of live calls.
	CacheSaved NanoUSD
}

// A Draft is the part of an answer that has streamed in so far.
type Draft struct {
	Attempt int
	Text    string
}

// Stats is what readiness, metrics and the status page look at.
type Stats struct {
	Jobs          map[State]int
	Deliveries    map[DeliveryState]int
	OldestQueued  time.Time // zero: the queue is empty
	EventBytes    int64
	DedupeKeys    int64
	SchemaVersion int
}

// Purge asks the ledger to forget what is older than its retention, at most
// Limit rows of each kind at a time. Jobs that are not over are never purged.
type Purge struct {
	Now           time.Time
	EventsBefore  time.Time // bodies of events
	ResultsBefore time.Time // jobs, results, calls, deliveries and anchors
	Limit         int
}

// Topics that a ledger signals besides job ids.
const (
	TopicQueue  = "queue"  // a job became ready, or a lane was resumed
	TopicOutbox = "outbox" // a delivery became due
	TopicBatch  = "batch"  // a request waits for a batch, or a batch changed
)

// A DraftChunk is a piece of a streamed answer: it starts at the byte Offset of
// the text of an attempt.
type DraftChunk struct {
	Attempt int
	Offset  int
	Text    string
}
