package deliver

import (
	"context"

	"github.com/forebayhq/forebay/event"
)

// Outbox is the ledger as deliveries see it.
type Outbox interface {
	// TakeDeliveries leases pending deliveries that are due.
	TakeDeliveries(ctx context.Context, t event.TakeDeliveries) (event.TakenDeliveries, error)
	// SettleDelivery ends an attempt; event.ErrLeaseLost when the lease is stale.
	SettleDelivery(ctx context.Context, s event.DeliverySettlement) error
	// Anchor finds what deliveries with this key keep up to date;
	// event.ErrNotFound when there is nothing yet.
	Anchor(ctx context.Context, key string) (event.Anchor, error)
}

// Signals tells that something changed, so that nobody has to poll.
type Signals interface {
	// Watch returns a channel that has a value soon after topic changed. The
	// caller must call stop.
	Watch(topic string) (changed <-chan struct{}, stop func())
}
