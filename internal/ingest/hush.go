package ingest

import (
	"log/slog"
	"sync"
	"time"
)

// hushFor is how long one line about refused requests stands for all of its kind.
const hushFor = time.Second

// A hush keeps strangers from filling the log: of the refusals of one hook for
// one reason a line a second is for operators (INFO), and says how many there
// were since; the others are for who looks for something (DEBUG). Hooks are
// configured and reasons are ours, so that it stays small.
type hush struct {
	mu   sync.Mutex
	seen map[refusal]*run
}

type refusal struct{ hook, code string }

// A run is the refusals of one kind since the last line.
type run struct {
	since  time.Time
	hushed int64
}

// level returns how loud a refusal is to be told, and how many of its kind were
// hushed before it.
func (h *hush) level(kind refusal, now time.Time) (slog.Level, int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.seen[kind]
	switch {
	case !ok:
		if h.seen == nil {
			h.seen = make(map[refusal]*run)
		}
		h.seen[kind] = &run{since: now}
		return slog.LevelInfo, 0
	case now.Sub(r.since) < hushFor:
		r.hushed++
		return slog.LevelDebug, 0
	}
	hushed := r.hushed
	*r = run{since: now}
	return slog.LevelInfo, hushed
}
