package forebay

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// An operator carries out the verbs of the API. They are the ledger's, but for
// one: how a lane opens again is the governor's to say.
type operator struct {
	*sqlite.DB
	governor *governor.Governor
}

// ResumeLane opens a lane by one call, and the rest when its answer begins: what
// it was paused for may still be so, and then costs no more than that call.
func (o operator) ResumeLane(ctx context.Context, lane string, now time.Time) error {
	if lane == event.BatchLane { // batches are made one by one
		return o.DB.ResumeLane(ctx, lane, now)
	}
	return o.UpdateLane(ctx, lane, now, o.governor.Resumed(now))
}
