package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// looked is what a governor might see in any lane.
func looked(l event.Lane, now time.Time) api.LaneLook {
	return api.LaneLook{
		LaneLevels: api.LaneLevels{
			Limits: &api.LaneLimits{
				Requests:    &api.LevelView{Limit: 1000, Left: 998, Burst: 1000},
				InputTokens: &api.LevelView{Limit: 500_000, Left: -1200, Burst: 83_000},
			},
			PendingOutput: 800, Window: 4, MaxInFlight: 12, Failures: 2, Pace: 0.5, EmptyAt: new(now.Add(time.Minute)),
		},
		Cache: []api.CacheView{{Hook: "h", Model: "claude-sonnet-5-5", State: "warm", Until: new(now.Add(time.Minute))}},
		Why: func(j event.Job) (event.Reason, time.Time) {
			if j.Hook == "h" {
				return event.CacheWarming, now.Add(30 * time.Second)
			}
			return event.RateLimited, now.Add(time.Duration(len(l.State)) * time.Second)
		},
	}
}

// TestLanesShowLevels: limits, levels, what holds a lane back, and what the
// prompt cache did today, priced.
func TestLanesShowLevels(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.lanes = []event.Lane{{Name: "sonnet", Queued: 7, UpdatedAt: epoch}}
	m.costs = []event.CostRow{
		{Day: "2026-11-25", Hook: "h", Model: "claude-sonnet-5-5", Calls: 10, Usage: event.Usage{InputTokens: 900, CacheWrite5m: 3000, CacheRead: 27_000}},
		{Day: "2026-11-25", Hook: "g", Model: "mystery", Calls: 1, Usage: event.Usage{CacheWrite1h: 3000}},
		{Day: "2026-11-25", Hook: "uncached", Model: "claude-sonnet-5-5", Calls: 1, Usage: event.Usage{InputTokens: 3000}},
	}
	s := serve(t, m, func(o *api.Options) {
		o.Now, o.Look = clockAt(epoch), looked
		o.LaneOf = func(string) string { return "sonnet" }
	})
	got := s.admin.ask(t, "GET", "/v1/lanes")
	golden(t, "lanes_levels.json", indent(t, got.body))
	var answer struct{ Lanes []api.LaneView }
	if err := json.Unmarshal(got.body, &answer); err != nil {
		t.Fatal(err)
	}
	// 27,000 reads at 0.10 instead of 2.00, less 3,000 writes at 2.50 instead of 2.00 dollars a million.
	cache := answer.Lanes[0].Cache
	if want := (27_000*1.9 - 3000*0.5) / 1e6; len(cache) != 2 || cache[1].SavedUSD == nil || *cache[1].SavedUSD != want || *cache[1].HitRate != 0.9 {
		t.Errorf("got %s, want 0.9 of the prefix read and $%v saved", got.body, want)
	}
	schemas := compileSchemas(t, s.admin.ask(t, "GET", "/openapi.json").body)
	var doc any
	if err := json.Unmarshal(got.body, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schemas["LaneList"].Validate(doc); err != nil {
		t.Error(err)
	}
}

// TestQueuedJobsSayWhy: where the ledger only knows that a job waits for its
// turn, the governor says for what, in the job and in the list; what the ledger
// does know stands.
func TestQueuedJobsSayWhy(t *testing.T) {
	t.Parallel()
	job := func(id, hook string, reason event.Reason) event.Job {
		j := queuedJob()
		j.ID, j.Hook, j.Lane, j.Reason, j.Until = id, hook, "sonnet", reason, time.Time{}
		return j
	}
	m := newMemory(job("job_a", "g", event.WaitingTurn), job("job_b", "h", event.WaitingTurn), job("job_c", "g", event.RetryBackoff))
	lost := job("job_d", "g", event.WaitingTurn)
	lost.Lane = "nowhere"
	m.set(lost)
	m.lanes = []event.Lane{{Name: "sonnet", State: []byte("12345")}}
	s := serve(t, m, func(o *api.Options) { o.Now, o.Look = clockAt(epoch), looked })
	list := s.admin.ask(t, "GET", "/v1/jobs")
	for id, want := range map[string]string{
		"job_a": `"reason":"rate_limited","until":"2026-11-25T12:00:05Z"`,
		"job_b": `"reason":"cache_warming","until":"2026-11-25T12:00:30Z"`,
		"job_c": `"reason":"retry_backoff","until":null`,
		"job_d": `"reason":"waiting_turn","until":null`,
	} {
		if one := s.admin.ask(t, "GET", "/v1/jobs/"+id); !strings.Contains(string(one.body), want) {
			t.Errorf("%s: got %s, want %s", id, one.body, want)
		}
		if !strings.Contains(string(list.body), want) {
			t.Errorf("the list has no %s: %s", want, list.body)
		}
	}
}

// TestTimeWakesNobody: a client that waits for a change of a queued job is not
// answered because the time until which it waits has moved.
func TestTimeWakesNobody(t *testing.T) {
	t.Parallel()
	j := queuedJob()
	j.ID, j.Lane, j.Reason, j.Until = "job_a", "sonnet", event.WaitingTurn, time.Time{}
	m := newMemory(j)
	m.lanes = []event.Lane{{Name: "sonnet", State: []byte("1")}}
	s := serve(t, m, func(o *api.Options) { o.Now, o.Look = clockAt(epoch), looked })
	first := s.admin.ask(t, "GET", "/v1/jobs/job_a")
	tag := first.header.Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("got ETag %q, want a weak one", tag)
	}
	m.lanes[0].State = []byte("22")
	if got := s.admin.ask(t, "GET", "/v1/jobs/job_a", "If-None-Match", tag); got.status != 304 {
		t.Errorf("got %d %s, want 304: nothing has happened to the job", got.status, got.body)
	}
	j.Attempts++
	m.set(j)
	if got := s.admin.ask(t, "GET", "/v1/jobs/job_a", "If-None-Match", tag); got.status != 200 {
		t.Errorf("got %d after a change, want 200", got.status)
	}
}

// TestCondition: what holds a lane back most comes first.
func TestCondition(t *testing.T) {
	t.Parallel()
	used := &api.LaneLimits{
		Requests:     &api.LevelView{Limit: 1000, Left: 1000, Burst: 1000},
		InputTokens:  &api.LevelView{Limit: 500_000, Left: 900, Burst: 83_000},
		OutputTokens: &api.LevelView{Limit: 80_000, Left: -12, Burst: 8000},
	}
	levels := func(pace float64, most, window int) api.LaneLevels {
		return api.LaneLevels{Limits: used, Pace: pace, MaxInFlight: most, Window: window}
	}
	for _, tt := range []struct {
		lane       api.LaneView
		state, why string
	}{
		{api.LaneView{Paused: true, Reason: "spend_cap", Detail: "the cap", LaneLevels: levels(0.5, 3, 2)}, "paused", "spend_cap: the cap"},
		{api.LaneView{Queued: 1, LaneLevels: levels(0.5, 3, 2)}, "overloaded", "the API has no capacity: at most 3 calls at once"},
		{api.LaneView{Queued: 1, LaneLevels: levels(0.5, 0, 2)}, "slowed", "use grew too fast: 50% of the rates"},
		{api.LaneView{Queued: 1, LaneLevels: levels(1, 0, 2)}, "full", "input tokens and output tokens are used up as they come"},
		{api.LaneView{Running: 1, LaneLevels: levels(1, 0, 2)}, "opening", "at most 2 calls until their answers begin"},
		{api.LaneView{LaneLevels: levels(1, 0, 2)}, "open", ""},
	} {
		if state, why := tt.lane.Condition(); state != tt.state || why != tt.why {
			t.Errorf("got %s: %s, want %s: %s", state, why, tt.state, tt.why)
		}
	}
	for n, want := range map[int64]string{998: "998", -1200: "-1200", 83_300: "83.3k", -83_300: "-83.3k", 1_990_000: "1.99M"} {
		if got := api.Amount(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
