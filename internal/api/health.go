package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A HealthView is what /healthz and /readyz answer.
type HealthView struct {
	Status string      `json:"status"` // ok, ready, not_ready
	Checks []CheckView `json:"checks,omitempty"`
}

// A CheckView is one probe. Error is shown on the admin listener only.
type CheckView struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Health answers GET /healthz: 200 while the process serves requests. It looks
// at nothing else, because a restart would not mend anything else.
func (a *API) Health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, HealthView{Status: "ok"})
}

// Ready answers GET /readyz for everybody: 200 when every check holds and the
// server is not draining, else 503. Checks run at most once a second.
func (a *API) Ready(w http.ResponseWriter, r *http.Request) {
	checks := a.checks(r.Context())
	for i := range checks {
		checks[i].Error = ""
	}
	writeReady(w, checks)
}

// ReadyDetail is Ready with the causes, for the admin listener.
func (a *API) ReadyDetail(w http.ResponseWriter, r *http.Request) {
	writeReady(w, a.checks(r.Context()))
}

func writeReady(w http.ResponseWriter, checks []CheckView) {
	view, status := HealthView{Status: "ready", Checks: checks}, http.StatusOK
	if slices.ContainsFunc(checks, func(c CheckView) bool { return !c.OK }) {
		view.Status, status = "not_ready", http.StatusServiceUnavailable
	}
	writeJSON(w, status, view)
}

func (a *API) checks(ctx context.Context) []CheckView {
	draining := CheckView{Name: "not_draining", OK: !a.draining()}
	if !draining.OK {
		draining.Error = "the server is stopping"
	}
	return append(a.ready.run(ctx, a.now()), draining)
}

// readiness runs probes for all who ask within a second at once, so that
// nobody can make work by asking.
type readiness struct {
	checks map[string]func(context.Context) error

	mu   sync.Mutex // held while the probes run
	at   time.Time
	seen []CheckView
}

func (r *readiness) run(ctx context.Context, now time.Time) []CheckView {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := now.Sub(r.at); r.seen == nil || age < 0 || age >= time.Second {
		r.seen, r.at = r.probe(ctx), now
	}
	return slices.Clone(r.seen)
}

// probe runs the checks. They are not the asker's alone, so his going away does
// not end them.
func (r *readiness) probe(ctx context.Context) []CheckView {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 3*time.Second, errors.New("no answer within 3s"))
	defer cancel()
	seen := make([]CheckView, 0, len(r.checks)+1)
	for _, name := range slices.Sorted(maps.Keys(r.checks)) {
		view := CheckView{Name: name, OK: true}
		if err := r.checks[name](ctx); err != nil {
			view.OK, view.Error = false, err.Error()
		}
		seen = append(seen, view)
	}
	return seen
}
