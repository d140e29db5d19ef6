package reconcile

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/forebayhq/forebay/internal/github"
)

// A history is what GitHub's list says of each event.
type history struct {
	attempts int
	events   map[string]*sent // by GUID
}

// A sent event is one that GitHub tried to deliver.
type sent struct {
	guid        string
	attempt     int64 // the newest, which can be repeated
	first, last time.Time
	tries       int
	done        bool // it was answered with 2xx
	status      int  // of the newest attempt
}

// read pages through the attempts down to the horizon, newest first.
func (r *Reconciler) read(ctx context.Context, horizon time.Time) (*history, error) {
	h := &history{events: map[string]*sent{}}
	for cursor, page := "", 0; page < maxPages; page++ {
		list, next, err := r.opts.Webhook.Deliveries(ctx, r.id, cursor)
		if err != nil {
			return h, err
		}
		for _, a := range list {
			h.add(a)
		}
		if next == "" || next == cursor || len(list) == 0 || list[len(list)-1].DeliveredAt.Before(horizon) {
			return h, nil
		}
		cursor = next
	}
	r.opts.Log.Warn("the list of webhook deliveries is longer than one pass reads: older ones were not looked at", "attempts", h.attempts)
	return h, nil
}

// add takes an attempt; they come newest first.
func (h *history) add(a github.Attempt) {
	h.attempts++
	if a.GUID == "" || a.ID == 0 {
		return
	}
	e := h.events[a.GUID]
	if e == nil {
		e = &sent{guid: a.GUID, attempt: a.ID, last: a.DeliveredAt, status: a.StatusCode}
		h.events[a.GUID] = e
	}
	e.tries++
	e.first = a.DeliveredAt
	e.done = e.done || a.StatusCode >= 200 && a.StatusCode < 300
}

// missed lists the events that were not delivered, oldest first, so that they
// come in the order in which they happened.
func (h *history) missed() []*sent {
	var out []*sent
	for _, e := range h.events {
		if !e.done && !e.refused() {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *sent) int { return a.first.Compare(b.first) })
	return out
}

// refused reports an answer that the same bytes would get again. A bad
// signature and an unknown path are not among them: their cause is a setting,
// which may have been put right.
func (e *sent) refused() bool {
	switch e.status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return true
	}
	return false
}
