package forebay_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestSeen: under a flood, every queued job says for what it waits, and the lane
// what is left, how the cache does and when it will be empty; and that comes true.
func TestSeen(t *testing.T) {
	o := claudetest.Options{
		Latency: 2 * time.Second,
		Limits:  map[string]claudetest.Limits{"haiku-5-5": {RequestsPerMinute: 60, InputTokensPerMinute: 1_000_000, OutputTokensPerMinute: 100_000}},
	}
	bubble(t, cachedHook("5m"), o, func(w *world) {
		ids := make([]string, 150)
		for i := range ids {
			ids[i] = w.accepted("cached", "push", fmt.Sprintf(`{"n":%d}`, i))
		}
		time.Sleep(time.Second)
		if doc := w.job(ids[149]); doc["reason"] != "cache_warming" || doc["until"] == nil {
			t.Errorf("while one job warms: got %v until %v, want cache_warming and a time", doc["reason"], doc["until"])
		}
		if state := w.cacheOf("haiku", "cached")["state"]; state != "warming" {
			t.Errorf("the cache is %v, want warming", state)
		}
		time.Sleep(30 * time.Second)
		doc := w.job(ids[149])
		if doc["reason"] != "rate_limited" || doc["until"] == nil {
			t.Errorf("in the flood: got %v until %v, want rate_limited and a time", doc["reason"], doc["until"])
		}
		_, list := w.admin(http.MethodGet, "/v1/jobs?state=queued&limit=5")
		for _, j := range list["jobs"].([]any) {
			if j := j.(map[string]any); j["reason"] != "rate_limited" || j["until"] == nil {
				t.Errorf("in the list: got %v until %v", j["reason"], j["until"])
			}
		}
		lane := w.lane("haiku")
		requests := lane["limits"].(map[string]any)["requests"].(map[string]any)
		if requests["limit"] != 60.0 || requests["left"].(float64) > 10 {
			t.Errorf("requests are %v, want 60 a minute, used up", requests)
		}
		empty, err := time.Parse(time.RFC3339, fmt.Sprint(lane["empty_at"]))
		if err != nil {
			t.Fatal(err)
		}
		for lane["queued"] != 0.0 {
			time.Sleep(time.Second)
			lane = w.lane("haiku")
		}
		if off := time.Since(empty).Abs(); off > 15*time.Second {
			t.Errorf("empty %v off the estimate", off)
		}
		for _, id := range ids {
			w.until(id, "succeeded", time.Minute)
		}
		c := w.cacheOf("haiku", "cached")
		if c["state"] != "warm" || c["hit_rate"].(float64) < 0.99 || c["saved_usd"].(float64) < 149*2500*0.09e-6 {
			t.Errorf("got %v, want a warm prefix, one write in 150 and the money saved by the rest", c)
		}
	})
}

// lane reads a lane by the API.
func (w *world) lane(name string) map[string]any {
	w.t.Helper()
	_, doc := w.admin(http.MethodGet, "/v1/lanes")
	for _, l := range doc["lanes"].([]any) {
		if l := l.(map[string]any); l["name"] == name {
			return l
		}
	}
	w.t.Fatalf("no lane %s in %v", name, doc)
	return nil
}

// cacheOf reads what the prompt cache did for a hook.
func (w *world) cacheOf(lane, hook string) map[string]any {
	w.t.Helper()
	doc := w.lane(lane)
	all, _ := doc["cache"].([]any)
	for _, c := range all {
		if c := c.(map[string]any); c["hook"] == hook {
			return c
		}
	}
	w.t.Fatalf("no hook %s in the cache of %v", hook, doc)
	return nil
}
