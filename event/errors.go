package event

import "errors"

// What callers of a ledger branch on.
var (
	// ErrFull: the store takes no new events for now (queue bound or disk
	// space). Answer 503 with Retry-After; the condition may pass by itself.
	ErrFull = errors.New("store full")

	// ErrClosed: the store is shutting down or has failed for good. Nothing
	// was written.
	ErrClosed = errors.New("store closed")

	// ErrLeaseLost: the fencing token is stale; somebody else owns the work.
	// Nothing was written.
	ErrLeaseLost = errors.New("lease lost")

	// ErrBudget: the money that was asked for does not fit into a budget.
	// Nothing was reserved beyond what was before.
	ErrBudget = errors.New("over the budget")

	// ErrNotFound: there is no such job, event, delivery or lane.
	ErrNotFound = errors.New("not found")

	// ErrState: the job is not in a state that allows the request.
	ErrState = errors.New("not possible in this state")

	// ErrCursor: the cursor of a list is not one that the ledger made.
	ErrCursor = errors.New("cursor not understood")
)
