package forebay

import (
	"slices"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/work"
)

// newBatch says how the worker uses Message Batches. It is there whether a hook
// uses them or not: batches of an earlier configuration still end.
func newBatch(cfg *config.Config, store *sqlite.DB, c *claude.Client, l lanes) *work.Batch {
	b := cfg.Claude.Batch
	return &work.Batch{
		Ledger: store, Claude: c, LaneOf: l.of,
		Collect: b.Collect.D(), MaxRequests: b.MaxRequests, MaxBytes: int64(b.MaxBytes), MaxQueued: b.MaxQueued, PerMinute: b.RequestsPerMinute,
	}
}

// lane names the lane in which the hook's jobs for a model wait.
func (b *hookBuilder) lane(model string) string {
	if b.hook.Lane == event.BatchLane {
		return event.BatchLane
	}
	return b.server.lanes.of(model)
}

// laneNames lists the lanes that are shown although nothing ran in them yet.
func laneNames(cfg *config.Config, l lanes) []string {
	names := l.names()
	for _, h := range cfg.Hooks {
		if h.Lane == event.BatchLane || h.Spill != nil {
			names = append(names, event.BatchLane)
			break
		}
	}
	slices.Sort(names)
	return names
}
