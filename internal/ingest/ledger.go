package ingest

import (
	"context"

	"github.com/forebayhq/forebay/event"
)

// Ledger is where accepted events go.
type Ledger interface {
	// Accept stores the event, its dedupe keys and its job in one transaction
	// and returns once it is fsynced. Errors: event.ErrFull, event.ErrClosed,
	// or anything else that means that nothing may be acknowledged. After an
	// error the event may be durable all the same; the sender's retry is then
	// a duplicate. No reference to the event's bytes is kept once it returns.
	Accept(ctx context.Context, a event.Accept) (event.Receipt, error)

	// AcceptAll is Accept for several events of one request: up to 256 of them in
	// one transaction, or none; more in several, of which the first stand when a
	// later one fails, and are duplicates when the sender tries again. The receipts
	// are in the order of the events; one that is a copy of an earlier one in the
	// list is its duplicate.
	AcceptAll(ctx context.Context, all []event.Accept) ([]event.Receipt, error)

	// Note records a verdict for people to look at. It neither waits nor fails:
	// verdicts past what the ledger can take are counted and dropped.
	Note(v event.Verdict)
}
