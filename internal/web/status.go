package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// A statusPage is what "/" shows.
type statusPage struct {
	Lanes      []api.LaneView
	Counts     []count // of jobs by state
	Deliveries []count
	Stats      event.Stats
	Costs      api.CostReport // today, UTC
	Filter     event.JobFilter
	Jobs       []api.JobHead
	Older      string // the URL of the next page; empty: there is none
	Verdicts   []event.Verdict
}

// A count is how many there are in one state.
type count struct {
	Name string
	N    int
}

// Status answers GET /, with ?state=, ?hook=, ?q= and ?cursor= for the list of
// jobs.
func (w *Web) Status(rw http.ResponseWriter, r *http.Request) {
	page, err := w.status(r.Context(), filterOf(r.URL.Query()))
	if err != nil {
		w.fail(rw, err)
		return
	}
	w.show(rw, http.StatusOK, "status", frame{Title: "Status", Refresh: page.Filter.Cursor == "", Page: page})
}

// filterOf reads the filter of the list. What cannot be one finds nothing.
func filterOf(query url.Values) event.JobFilter {
	f := event.JobFilter{
		State: event.State(query.Get("state")), Hook: query.Get("hook"),
		Query: query.Get("q"), Cursor: query.Get("cursor"), Limit: 50,
	}
	for _, text := range []*string{(*string)(&f.State), &f.Hook, &f.Query, &f.Cursor} {
		if len(*text) > 200 {
			*text = strings.ToValidUTF8((*text)[:200], "")
		}
	}
	return f
}

func (w *Web) status(ctx context.Context, f event.JobFilter) (page statusPage, err error) {
	page.Filter = f
	list, err := w.reader.Jobs(ctx, f)
	if err != nil {
		return page, err
	}
	w.api.ExplainAll(ctx, list.Jobs)
	for _, j := range list.Jobs {
		page.Jobs = append(page.Jobs, api.NewJobHead(j))
	}
	if list.NextCursor != "" {
		page.Older = olderURL(f, list.NextCursor)
	}
	if page.Lanes, err = w.api.LaneViews(ctx); err != nil {
		return page, err
	}
	if page.Verdicts, err = w.reader.Verdicts(ctx, 15); err != nil {
		return page, err
	}
	if page.Stats, err = w.reader.Stats(ctx); err != nil {
		return page, err
	}
	page.Counts, page.Deliveries = jobCounts(page.Stats), deliveryCounts(page.Stats)
	today := w.now().UTC()
	page.Costs, err = w.api.CostReport(ctx, today, today)
	return page, err
}

func olderURL(f event.JobFilter, cursor string) string {
	query := url.Values{"cursor": {cursor}}
	for name, value := range map[string]string{"state": string(f.State), "hook": f.Hook, "q": f.Query} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return "/?" + query.Encode()
}

func jobCounts(s event.Stats) (counts []count) {
	for _, state := range api.States() {
		counts = append(counts, count{string(state), s.Jobs[state]})
	}
	return counts
}

func deliveryCounts(s event.Stats) (counts []count) {
	for _, state := range []event.DeliveryState{event.DeliveryPending, event.DeliveryDone, event.DeliveryDead} {
		counts = append(counts, count{string(state), s.Deliveries[state]})
	}
	return counts
}

// Costly reports whether there is anything to show of today's costs.
func (p statusPage) Costly() bool { return p.Costs.Total.Calls > 0 }

// Filtered reports whether the list leaves anything out.
func (p statusPage) Filtered() bool {
	return slices.ContainsFunc([]string{string(p.Filter.State), p.Filter.Hook, p.Filter.Query, p.Filter.Cursor},
		func(s string) bool { return s != "" })
}

// Cached lists what the prompt cache did for all lanes.
func (p statusPage) Cached() (all []api.CacheView) {
	for _, l := range p.Lanes {
		all = append(all, l.Cache...)
	}
	return all
}

// Batches lists the Message Batches that have not ended.
func (p statusPage) Batches() (all []api.BatchView) {
	for _, l := range p.Lanes {
		all = append(all, l.Batches...)
	}
	return all
}

// A condition is how a lane stands, and the class of its badge.
type condition struct{ State, Why, Class string }

func conditionOf(l api.LaneView) condition {
	state, why := l.Condition()
	class := "queued"
	switch state {
	case "paused":
		class = "dead"
	case "open":
		class = "succeeded"
	}
	return condition{state, why, class}
}
