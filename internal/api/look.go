package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A LaneLook is what the governor sees in a lane's row at one moment.
type LaneLook struct {
	LaneLevels
	Gone  []GoneView  // models of the lane that the API does not know
	Cache []CacheView // the hooks whose system prompts are in the prompt cache, or were not taken into it
	// Why says why a queued job of the lane is not running, and until when at
	// the earliest; a zero time is not known.
	Why func(j event.Job) (event.Reason, time.Time)
}

// LaneLevels are a lane's budgets and what holds it back besides a pause.
type LaneLevels struct {
	// Limits is null while nothing is known of any of them.
	Limits *LaneLimits `json:"limits"`
	// PendingOutput is how many output tokens open calls are still expected to
	// produce.
	PendingOutput int64 `json:"pending_output_tokens"`
	// Window is how many calls may be waiting for the first byte of their
	// answer while the lane opens; left out: it is fully open.
	Window int `json:"window,omitempty"`
	// MaxInFlight is how many calls may be open while the API is overloaded;
	// left out: it is not.
	MaxInFlight int `json:"max_in_flight,omitempty"`
	// Failures is how many calls in a row the API failed.
	Failures int `json:"failures,omitempty"`
	// Pace is the share of the rates that is used: below 1 after the API found
	// that use grew too fast.
	Pace float64 `json:"pace"`
	// EmptyAt estimates when the last queued job will have been taken; null
	// while too little is known.
	EmptyAt *time.Time `json:"empty_at"`
}

// LaneLimits are the budgets of a lane; null is not known yet.
type LaneLimits struct {
	Requests     *LevelView `json:"requests"`
	InputTokens  *LevelView `json:"input_tokens"`
	OutputTokens *LevelView `json:"output_tokens"`
}

// A LevelView is one budget: its limit per minute, what is left of it now
// (negative: in debt), and what the API lets through at once, as far as that has been
// learned.
type LevelView struct {
	Limit int64 `json:"limit"`
	Left  int64 `json:"left"`
	Burst int64 `json:"burst"`
}

// A GoneView is a model that the API answered 404 for. Until then the jobs of hooks
// with a fallback go there without asking for it.
type GoneView struct {
	Model string    `json:"model"`
	Until time.Time `json:"until"`
}

// A CacheView is what the prompt cache did today (UTC) for one hook and model,
// and how its system prompt stands in it: "warm" until a time unless it is used again, "warming" (a
// call is writing it, the others wait), or "not_cached" (the API did not take
// it). HitRate is the share of the tokens at the breakpoint that were read and
// not written; SavedUSD what reads cost less than fresh input, minus what
// writes cost more, so it is negative while writes outweigh reads; null where
// the price is not known.
type CacheView struct {
	Hook        string     `json:"hook"`
	Model       string     `json:"model"`
	State       string     `json:"state,omitempty"`
	Until       *time.Time `json:"until"`
	ReadTokens  int64      `json:"read_tokens"`
	WriteTokens int64      `json:"write_tokens"`
	HitRate     *float64   `json:"hit_rate"`
	SavedUSD    *float64   `json:"saved_usd"`
}

// ExplainAll is [API.Explain] for a list.
func (a *API) ExplainAll(ctx context.Context, jobs []event.Job) {
	each := make([]*event.Job, len(jobs))
	for i := range jobs {
		each[i] = &jobs[i]
	}
	a.Explain(ctx, each...)
}

// Explain fills in why queued jobs that have nothing else to wait for are not
// running: the ledger knows of pauses alone, the governor of budgets and of
// prefixes that are being cached. What cannot be explained stays as it is.
func (a *API) Explain(ctx context.Context, jobs ...*event.Job) {
	if a.look == nil {
		return
	}
	now, looks := a.now().UTC(), map[string]LaneLook{}
	for _, j := range jobs {
		if j.State != event.Queued || j.Reason != event.WaitingTurn || j.Lane == "" || j.Lane == event.BatchLane {
			continue
		}
		look, seen := looks[j.Lane]
		if !seen {
			if row, err := a.reader.Lane(ctx, j.Lane); err == nil {
				look = a.look(row, now)
			}
			looks[j.Lane] = look
		}
		if look.Why != nil {
			j.Reason, j.Until = look.Why(*j)
		}
	}
}

// Condition says in a word, and why in a sentence, what holds the lane back most:
// paused, overloaded, slowed, full, opening, or open.
func (l LaneView) Condition() (state, why string) {
	switch {
	case l.Paused && l.Detail != "":
		return "paused", l.Reason + ": " + l.Detail
	case l.Paused:
		return "paused", l.Reason
	case l.MaxInFlight > 0:
		return "overloaded", fmt.Sprintf("the API has no capacity: at most %d calls at once", l.MaxInFlight)
	case l.Pace < 1:
		return "slowed", fmt.Sprintf("use grew too fast: %.0f%% of the rates", 100*l.Pace)
	case l.Queued > 0 && l.spent() != "":
		return "full", l.spent() + " are used up as they come"
	case l.Window > 0 && l.Queued+l.Running > 0:
		return "opening", fmt.Sprintf("at most %d calls until their answers begin", l.Window)
	case len(l.Gone) > 0:
		return "open", fmt.Sprintf("%s not found, fallbacks answer until %s", l.Gone[0].Model, l.Gone[0].Until.UTC().Format("15:04:05 UTC"))
	}
	return "open", ""
}

// spent names the budgets of which next to nothing is left.
func (l LaneView) spent() string {
	if l.Limits == nil {
		return ""
	}
	var names []string
	for _, b := range []struct {
		name  string
		level *LevelView
	}{{"requests", l.Limits.Requests}, {"input tokens", l.Limits.InputTokens}, {"output tokens", l.Limits.OutputTokens}} {
		if b.level != nil && b.level.Left <= min(b.level.Burst/4, b.level.Limit/40) {
			names = append(names, b.name)
		}
	}
	return strings.Join(names, " and ")
}

// Amount writes a number for people in the fewest figures that tell anything:
// 998, 83.3k, 1.99M.
func Amount(n int64) string {
	switch size := max(n, -n); {
	case size >= 1_000_000:
		return fmt.Sprintf("%.3gM", float64(n)/1e6)
	case size >= 10_000:
		return fmt.Sprintf("%.3gk", float64(n)/1e3)
	}
	return strconv.FormatInt(n, 10)
}
