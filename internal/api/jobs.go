package api

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/event"
)

// A JobList is one page of GET /v1/jobs, newest first. NextCursor is empty on
// the last page.
type JobList struct {
	Jobs       []JobHead `json:"jobs"`
	NextCursor string    `json:"next_cursor"`
}

// Jobs answers GET /v1/jobs?state=&hook=&q=&cursor=&limit=. q is looked for in
// the job id, subject, event type and delivery id; limit is 1 to 500, by
// default 50.
func (a *API) Jobs(w http.ResponseWriter, r *http.Request) {
	filter, err := filterOf(r)
	if err != nil {
		a.refuse(w, err)
		return
	}
	page, err := a.reader.Jobs(r.Context(), filter)
	if err != nil {
		a.refuse(w, cursorError(filter.Cursor, err))
		return
	}
	list := JobList{Jobs: make([]JobHead, 0, len(page.Jobs)), NextCursor: page.NextCursor}
	a.ExplainAll(r.Context(), page.Jobs)
	for _, j := range page.Jobs {
		list.Jobs = append(list.Jobs, NewJobHead(j))
	}
	writeJSON(w, http.StatusOK, list)
}

func filterOf(r *http.Request) (event.JobFilter, error) {
	values, err := query(r, "state", "hook", "q", "cursor", "limit")
	if err != nil {
		return event.JobFilter{}, err
	}
	f := event.JobFilter{
		State: event.State(values.Get("state")), Hook: values.Get("hook"),
		Query: values.Get("q"), Cursor: values.Get("cursor"),
	}
	if f.Limit, err = limitOf(values, 50, 500); err != nil {
		return f, err
	}
	if !knownState(f.State) {
		return f, badRequest("state_unknown", "there is no state "+strconv.Quote(clip(string(f.State), 40)), "possible: "+stateNames())
	}
	if len(f.Query) > 200 || len(f.Hook) > 200 {
		return f, badRequest("query_too_long", "hook and q may have 200 bytes", "look for less")
	}
	if len(f.Cursor) > 200 {
		return f, badCursor()
	}
	return f, nil
}

// States are what a job may be in, in the order of its life.
func States() []event.State {
	return []event.State{event.Queued, event.Running, event.Succeeded, event.Dead, event.Cancelled, event.Superseded}
}

func knownState(s event.State) bool { return s == "" || slices.Contains(States(), s) }

func stateNames() string {
	var names []string
	for _, s := range States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func badCursor() *problem {
	return badRequest("cursor_invalid", "that is not the cursor of a page", "use next_cursor as it came, or leave it out to begin anew")
}

func cursorError(cursor string, err error) error {
	if cursor != "" && errors.Is(err, event.ErrCursor) {
		return badCursor()
	}
	return err
}

func noJob(id string) *problem {
	return notFound("there is no job "+strconv.Quote(clip(id, 40)), "list them with GET /v1/jobs; old ones are purged as retention says")
}

// jobError says of which job a ledger's error speaks.
func jobError(id string, err error) error {
	if errors.Is(err, event.ErrNotFound) {
		return noJob(id)
	}
	return err
}
