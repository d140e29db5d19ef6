package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A LaneView is one model class of the account. Reason, Detail and Until are
// set while it is paused; Until is null for a pause that somebody must end.
type LaneView struct {
	Name      string     `json:"name"`
	Paused    bool       `json:"paused"`
	Reason    string     `json:"reason,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Until     *time.Time `json:"until"`
	Queued    int        `json:"queued"`
	Running   int        `json:"running"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
	LaneLevels
	Gone    []GoneView  `json:"gone,omitempty"` // models that the API does not know
	Cache   []CacheView `json:"cache,omitempty"`
	Batches []BatchView `json:"batches,omitempty"` // of the lane batch: those that have not ended
}

// Lanes answers GET /v1/lanes with {"lanes":[...]}, by name.
func (a *API) Lanes(w http.ResponseWriter, r *http.Request) {
	if _, err := query(r); err != nil {
		a.refuse(w, err)
		return
	}
	lanes, err := a.LaneViews(r.Context())
	if err != nil {
		a.refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string][]LaneView{"lanes": lanes})
}

// LaneViews lists the lanes that are configured or have a row, by name.
func (a *API) LaneViews(ctx context.Context) ([]LaneView, error) {
	rows, err := a.reader.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]LaneView, len(rows)+len(a.lanes))
	now := a.now()
	for _, name := range a.lanes {
		byName[name] = a.laneView(event.Lane{Name: name}, now)
	}
	for _, lane := range rows {
		byName[lane.Name] = a.laneView(lane, now)
	}
	if err := a.cacheUse(ctx, byName, now); err != nil {
		return nil, err
	}
	if err := a.batchLane(ctx, byName); err != nil {
		return nil, err
	}
	views := make([]LaneView, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		views = append(views, byName[name])
	}
	return views, nil
}

func (a *API) laneView(l event.Lane, now time.Time) LaneView {
	v := LaneView{Name: l.Name, Queued: l.Queued, Running: l.Running, UpdatedAt: at(l.UpdatedAt)}
	if l.Blocks(now) {
		v.Paused, v.Reason, v.Detail, v.Until = true, l.Reason, l.Detail, at(l.Until)
	}
	v.Pace = 1
	if a.look != nil && l.Name != event.BatchLane { // that one has no budgets of its own
		look := a.look(l, now.UTC())
		v.LaneLevels, v.Gone, v.Cache = look.LaneLevels, look.Gone, look.Cache
	}
	return v
}

// A PauseRequest is the body of a pause; it may be left out. For and Until
// exclude each other; without either the lane stands until it is resumed.
type PauseRequest struct {
	Detail string    `json:"detail,omitempty"` // why, for people; at most 200 bytes
	For    string    `json:"for,omitempty"`    // "30m"
	Until  time.Time `json:"until,omitzero"`
}

// PauseLane answers POST /v1/lanes/{lane}/pause: no call of the lane leaves;
// calls in flight finish. 200 with the lane.
func (a *API) PauseLane(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("lane")
	pause, err := a.pauseOf(w, r)
	if err == nil {
		err = a.knownLane(r.Context(), name)
	}
	if err == nil {
		pause.Lane = name
		err = a.admin.PauseLane(r.Context(), pause, a.now().UTC())
	}
	a.answerLane(w, r, name, err)
}

// ResumeLane answers POST /v1/lanes/{lane}/resume, whatever the lane was paused
// for. 200 with the lane.
func (a *API) ResumeLane(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("lane")
	_, err := query(r)
	if err == nil {
		err = a.knownLane(r.Context(), name)
	}
	if err == nil {
		// A lane without a row was never paused: it is already as wished.
		if err = a.admin.ResumeLane(r.Context(), name, a.now().UTC()); errors.Is(err, event.ErrNotFound) {
			err = nil
		}
	}
	a.answerLane(w, r, name, err)
}

func (a *API) answerLane(w http.ResponseWriter, r *http.Request, name string, err error) {
	if err != nil {
		a.refuse(w, err)
		return
	}
	a.log.Info("lane changed by an operator", "lane", name, "path", r.URL.Path)
	lanes, err := a.LaneViews(r.Context())
	if err != nil {
		a.refuse(w, err)
		return
	}
	i := slices.IndexFunc(lanes, func(l LaneView) bool { return l.Name == name })
	if i < 0 {
		a.refuse(w, noLane(name))
		return
	}
	writeJSON(w, http.StatusOK, lanes[i])
}

// knownLane keeps a mistyped name from becoming a lane.
func (a *API) knownLane(ctx context.Context, name string) error {
	lanes, err := a.LaneViews(ctx)
	if err == nil && !slices.ContainsFunc(lanes, func(l LaneView) bool { return l.Name == name }) {
		err = noLane(name)
	}
	return err
}

func noLane(name string) *problem {
	return notFound("there is no lane "+strconv.Quote(clip(name, 60)), "list them with GET /v1/lanes")
}

func (a *API) pauseOf(w http.ResponseWriter, r *http.Request) (event.LanePause, error) {
	pause := event.LanePause{Reason: "operator", Detail: "paused by an operator"}
	if _, err := query(r); err != nil {
		return pause, err
	}
	req, err := decodePause(http.MaxBytesReader(w, r.Body, 4<<10))
	if err != nil {
		return pause, badRequest("body_invalid", "the body cannot be read", `send nothing, or {"detail":"why","for":"30m"}, or {"until":"2026-11-25T12:00:00Z"}`)
	}
	if len(req.Detail) > 200 {
		return pause, badRequest("detail_too_long", "detail may have 200 bytes", "say it in fewer words")
	}
	if req.Detail != "" {
		pause.Detail = req.Detail
	}
	pause.Until, err = req.end(a.now().UTC())
	return pause, err
}

// decodePause reads one JSON object without unknown fields, or nothing.
func decodePause(body io.Reader) (req PauseRequest, err error) {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	switch err = dec.Decode(&req); {
	case errors.Is(err, io.EOF):
		return PauseRequest{}, nil
	case err != nil:
		return req, err
	}
	if _, err = dec.Token(); !errors.Is(err, io.EOF) {
		return req, errors.New("more than one value")
	}
	return req, nil
}

// end is when the pause ends; zero: not by itself.
func (p PauseRequest) end(now time.Time) (time.Time, error) {
	until := p.Until.UTC()
	if p.For != "" {
		span, err := time.ParseDuration(p.For)
		if err != nil || !p.Until.IsZero() {
			return until, badRequest("pause_invalid", "for is not a time span, or given beside until", `write one of "for":"30m" and "until":"2026-11-25T12:00:00Z"`)
		}
		until = now.Add(span)
	}
	if !until.IsZero() && !until.After(now) {
		return until, badRequest("pause_invalid", "the pause would be over already", "name a time to come, or none")
	}
	return until, nil
}
