package forebay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
)

// deep is a hook whose prompts turn out to be far dearer than their events make
// one think: up to about 4 cents.
var deep = strings.NewReplacer(
	"  dear:", "  deep:",
	`"{{ .payload.pull_request.title }}"`, `"`+strings.Repeat("{{ .payload.pull_request.title }} ", 30)+`"`,
	"    cache:", "    gather: {files: {github_pull_files: {max_tokens: 500}}}\n    cache:",
).Replace(atCap("hold"))

var longTitle = strings.Repeat("word ", 200)

// gathered counts how often files were fetched.
func (w *world) gathered() (n int) {
	for _, r := range w.github.Requests() {
		if strings.HasSuffix(r.Path, "/files") {
			n++
		}
	}
	return n
}

// TestBudgetGathersOnce: a job that does not fit beside the calls under way waits
// until it does; it does not gather its parts again and again meanwhile.
func TestBudgetGathersOnce(t *testing.T) {
	bubble(t, strings.Replace(deep, "0.05", "0.075", 1), claudetest.Options{Latency: 2 * time.Minute}, func(w *world) {
		first := w.accepted("deep", "pull_request", again(longTitle+"1"))
		second := w.accepted("deep", "pull_request", again(longTitle+"2"))
		time.Sleep(100 * time.Second)
		doc := w.job(second)
		if w.job(first)["state"] == "queued" { // they came at the same moment
			doc = w.job(first)
		}
		if calls := len(w.claude.MessageCalls()); calls != 1 || doc["state"] != "queued" || doc["reason"] != "budget" || doc["until"] != nil {
			t.Errorf("%d calls, the other job is %v for %v until %v; want one call and a wait for its end", calls, doc["state"], doc["reason"], doc["until"])
		}
		if n := w.gathered(); n > 2 {
			t.Errorf("files were fetched %d times for two jobs", n)
		}
		w.until(first, "succeeded", 5*time.Minute)
		w.until(second, "succeeded", 5*time.Minute)
		if n := w.gathered(); n > 3 {
			t.Errorf("files were fetched %d times for two jobs, one of which waited", n)
		}
	})
}

// TestBudgetOfBatchGathersOnce is the same on the way into a batch, whose money
// comes back slowly.
func TestBudgetOfBatchGathersOnce(t *testing.T) {
	hooks := strings.Replace(deep, "    cache:", "    lane: batch\n    cache:", 1)
	bubble(t, hooks, claudetest.Options{BatchDuration: time.Hour}, func(w *world) {
		var ids []string
		for i := range 6 {
			ids = append(ids, w.accepted("deep", "pull_request", again(fmt.Sprint(longTitle, i))))
		}
		time.Sleep(50 * time.Minute)
		reasons := map[any]int{}
		for _, id := range ids {
			doc := w.job(id)
			reasons[doc["reason"]]++
			if doc["reason"] == "budget" && doc["until"] != nil {
				t.Errorf("a job waits for money until %v, want until the batch is over", doc["until"])
			}
		}
		if reasons["batch"] != 2 || reasons["budget"] != 4 || w.gathered() > 6 {
			t.Errorf("jobs wait for %v after files were fetched %d times, want 2 in a batch, 4 for money and 6 times", reasons, w.gathered())
		}
		time.Sleep(6 * time.Hour)
		if n := w.gathered(); w.job(ids[2])["state"] == "queued" && w.job(ids[3])["state"] == "queued" || n > 12 {
			t.Errorf("nothing more went after files were fetched %d times", n)
		}
	})
}

// TestBudgetRaised: a job that waits for the next day, because its prompt turned
// out to be dear, goes at once when a server starts whose cap is higher.
func TestBudgetRaised(t *testing.T) {
	bubble(t, strings.Replace(deep, "0.05", "0.045", 1), claudetest.Options{}, func(w *world) {
		for i := range 4 {
			w.until(w.accepted("deep", "pull_request", again(fmt.Sprint("short ", i))), "succeeded", time.Minute)
		}
		id := w.accepted("deep", "pull_request", again(longTitle))
		time.Sleep(time.Minute)
		if doc := w.job(id); doc["reason"] != "budget" || doc["until"] != "2026-11-26T00:00:00Z" || w.gathered() != 5 {
			t.Fatalf("got %v until %v after files were fetched %d times, want budget until midnight after 5", doc["reason"], doc["until"], w.gathered())
		}
		w.reboot(func(*config.Config) {})
		time.Sleep(time.Minute)
		if doc := w.job(id); doc["reason"] != "budget" || w.gathered() > 6 {
			t.Errorf("got %v after files were fetched %d times, want budget with the cap of before", doc["reason"], w.gathered())
		}
		w.reboot(func(c *config.Config) {
			h := c.Hooks["deep"]
			h.Budget.DailyUSD = 1
			c.Hooks["deep"] = h
		})
		w.until(id, "succeeded", time.Minute)
	})
}
