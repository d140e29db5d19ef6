package sqlite

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/event"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

// Jobs lists jobs, newest first. A cursor is the sequence number of the last
// job of the page before, so that jobs which come in meanwhile move nothing.
func (db *DB) Jobs(ctx context.Context, f event.JobFilter) (event.JobPage, error) {
	before, err := parseCursor(f.Cursor)
	if err != nil {
		return event.JobPage{}, err
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultPage
	}
	limit = min(limit, maxPage)
	var page event.JobPage
	count := int64(0)
	if f.State != "" {
		if count = *db.tally.Load().job(f.State); count == 0 {
			return page, nil
		}
	}
	now, last := db.opt.Now(), int64(0)
	err = db.read(ctx, func(c *conn) error {
		return c.query(ctx, listQuery(f.State, count), func(r *row) {
			if len(page.Jobs) == limit { // the one too many
				page.NextCursor = formatCursor(last)
				return
			}
			v := scanJob(r, now)
			last = v.seq
			page.Jobs = append(page.Jobs, v.job)
		}, before, f.Hook, string(f.State), pattern(f.Query), int64(limit+1))
	})
	if err != nil {
		return event.JobPage{}, err
	}
	return page, nil
}

// shortQueue is how many queued jobs are rather sorted than looked for among
// those that are over.
const shortQueue = 10_000

// listQuery chooses the query that walks the smallest index.
func listQuery(s event.State, count int64) string {
	switch {
	case s == event.Running:
		return "list_running"
	case s == event.Dead, s == event.Cancelled, s == event.Superseded:
		return "list_odd"
	case s == event.Queued && count <= shortQueue:
		return "list_queued"
	default:
		return "list_any"
	}
}

// pattern is a LIKE pattern that finds text anywhere; empty for no text.
func pattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func formatCursor(seq int64) string { return "j" + strconv.FormatInt(seq, 36) }

func parseCursor(cursor string) (int64, error) {
	if cursor == "" {
		return math.MaxInt64, nil
	}
	digits, ok := strings.CutPrefix(cursor, "j")
	seq, err := strconv.ParseInt(digits, 36, 64)
	if !ok || err != nil || seq <= 0 || formatCursor(seq) != cursor {
		return 0, event.ErrCursor
	}
	return seq, nil
}
