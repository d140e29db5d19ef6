package governor

import (
	"time"

	"github.com/forebayhq/forebay/event"
)

// Batches returns the row of the batch lane as it is to be, and whether that is
// news. Message Batches count against no rate of any other lane
// (https://platform.claude.com/docs/en/api/rate-limits), so all that keeps it
// closed is a pause, or money: when the day's is spent, nothing new goes there.
func (g *Governor) Batches(d event.Desk) (event.Lane, bool) {
	row := d.Lanes[event.BatchLane]
	row.Name = event.BatchLane
	broke := g.broke(d)
	switch {
	case broke && !row.Blocks(d.Now):
		row.Paused, row.Reason, row.Detail = true, "budget", "the daily budget is spent"
		row.Until = nextDay(d.Now)
	case row.Paused && !broke && (row.Reason == "budget" || !row.Blocks(d.Now)):
		row.Paused, row.Reason, row.Detail, row.Until = false, "", "", time.Time{}
	default:
		return row, false
	}
	return row, true
}
