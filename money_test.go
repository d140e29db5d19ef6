package forebay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// owned is a pull request of a team.
func owned(team string, n int) string {
	return strings.Replace(again(fmt.Sprint(team, " ", n)), `{`, `{"team":"`+team+`",`, 1)
}

// TestFairBy: the tenants of a hook take turns, so that one event of a quiet one
// passes the backlog of a noisy one. An event without a tenant says why. Without
// tenants it is first come, first served.
func TestFairBy(t *testing.T) {
	const backlog = 60
	for _, fair := range []bool{true, false} {
		hooks := strings.Replace(prHook, "    model:", "    weight: 2\n    fair_by: payload.team\n    model:", 1)
		if !fair {
			hooks = prHook
		}
		one := strings.Replace(worldClaude, "}", ", max_in_flight: 1}", 1) // one call after the other, whatever the ramp
		t.Run(fmt.Sprint(fair), func(t *testing.T) {
			bubble(t, one+hooks, claudetest.Options{Latency: 2 * time.Second}, func(w *world) {
				var noisy []string
				for i := range backlog {
					noisy = append(noisy, w.accepted("pr", "pull_request", owned("noisy", i)))
					time.Sleep(time.Millisecond) // so that one comes after the other
				}
				quiet := w.accepted("pr", "pull_request", owned("quiet", 0))
				doc := w.until(quiet, "succeeded", time.Hour)
				waiting := 0
				for _, id := range noisy {
					if w.job(id)["state"] == "queued" {
						waiting++
					}
				}
				if !fair {
					if waiting > 1 || doc["tenant"] != nil {
						t.Errorf("tenant %v passed %d jobs that came before it, want none to pass", doc["tenant"], waiting)
					}
					return
				}
				if waiting < backlog-5 || doc["tenant"] != "quiet" || doc["note"] != nil {
					t.Errorf("%d of %d jobs of the noisy tenant wait behind tenant %v (%v), want nearly all of them", waiting, backlog, doc["tenant"], doc["note"])
				}
				nobody := w.until(w.accepted("pr", "pull_request", again("nobody")), "succeeded", time.Hour)
				if note, _ := nobody["note"].(string); nobody["tenant"] != nil || !strings.Contains(note, "fair_by failed") {
					t.Errorf("got tenant %v, note %q; want none, and why", nobody["tenant"], note)
				}
			})
		})
	}
}

// dear is a hook whose calls cost a known amount at most: Sonnet, 1,000 tokens
// of answer, a cent.
const dear = `hooks:
  dear:
    source: {type: github, secrets: [the-secret]}
    model: sonnet
    max_tokens: 1000
    cache: "off"
    prompt: "{{ .payload.pull_request.title }}"
    budget: {daily_usd: 0.05, at_cap: CAP}
`

// atCap is that hook with what is done at its cap.
func atCap(do string) string { return strings.Replace(dear, "CAP", do, 1) }

// TestBudgetHolds: at the cap jobs wait until the next UTC day, and say so. Calls
// that go out together do not pass the cap together.
func TestBudgetHolds(t *testing.T) {
	bubble(t, atCap("hold"), claudetest.Options{Latency: 5 * time.Second}, func(w *world) {
		var ids []string
		for i := range 40 {
			ids = append(ids, w.accepted("dear", "pull_request", again(fmt.Sprint("job ", i))))
		}
		time.Sleep(2 * time.Second)
		if n := len(w.claude.MessageCalls()); n == 0 || n > 4 {
			t.Errorf("%d calls of at most a cent each are out under a cap of 5 cents, want 1 to 4", n)
		}
		time.Sleep(time.Hour)
		held := 0
		for _, id := range ids {
			doc := w.job(id)
			if doc["state"] == "queued" {
				held++
				if doc["reason"] != "budget" || doc["until"] != "2026-11-26T00:00:00Z" || doc["attempts"] != 0.0 {
					t.Fatalf("got %v until %v after %v attempts, want budget until midnight and none", doc["reason"], doc["until"], doc["attempts"])
				}
			}
		}
		spent := w.paid()
		if held == 0 || held == len(ids) || spent > 0.05 {
			t.Errorf("%d of %d jobs wait, $%.4f spent; want some, and at most 5 cents", held, len(ids), spent)
		}
		time.Sleep(time.Until(time.Date(2026, 11, 26, 0, 5, 0, 0, time.UTC)))
		more := 0
		for _, id := range ids {
			if w.job(id)["state"] == "succeeded" {
				more++
			}
		}
		if more <= len(ids)-held {
			t.Errorf("%d jobs have succeeded after midnight, want more than the %d of the day before", more, len(ids)-held)
		}
	})
}

// paid is what the API says all calls cost together.
func (w *world) paid() float64 {
	w.t.Helper()
	_, doc := w.admin("GET", "/v1/costs?from=2026-11-25&to=2026-11-26")
	cost, _ := doc["total"].(map[string]any)["cost_usd"].(float64)
	return cost
}

// TestBudgetKills ends jobs at the cap, with a code.
func TestBudgetKills(t *testing.T) {
	bubble(t, atCap("dead"), claudetest.Options{}, func(w *world) {
		var last string
		for i := range 60 {
			last = w.accepted("dear", "pull_request", again(fmt.Sprint("job ", i)))
			time.Sleep(time.Second)
		}
		doc := w.until(last, "dead", time.Hour)
		if code := doc["last_error"].(map[string]any)["code"]; code != "budget_exhausted" {
			t.Errorf("got %v, want budget_exhausted", code)
		}
		if spent := w.paid(); spent > 0.05 || spent < 0.03 {
			t.Errorf("$%.4f spent, want nearly 5 cents", spent)
		}
	})
}

// TestBudgetDowngrades sends jobs to the cheaper model from the share on, and
// says why.
func TestBudgetDowngrades(t *testing.T) {
	hooks := strings.Replace(dear, "at_cap: CAP", "at_cap: downgrade, downgrade_at: 0.5, downgrade_to: haiku", 1)
	bubble(t, hooks, claudetest.Options{}, func(w *world) {
		models := map[any]int{}
		for i := range 30 {
			doc := w.until(w.accepted("dear", "pull_request", again(fmt.Sprint("job ", i))), "succeeded", time.Hour)
			models[doc["model"]]++
			if chosen, _ := doc["chosen"].(string); doc["model"] == "claude-haiku-5-5" && !strings.HasSuffix(chosen, "downgrade: budget") {
				t.Errorf("got %v, want the reason of the choice", doc["chosen"])
			}
		}
		if models["claude-sonnet-5-5"] == 0 || models["claude-haiku-5-5"] == 0 || w.paid() > 0.05 {
			t.Errorf("got %v for $%.4f, want both models within 5 cents", models, w.paid())
		}
	})
}

// TestBudgetTooSmall ends a job whose call no day's budget can pay.
func TestBudgetTooSmall(t *testing.T) {
	bubble(t, strings.Replace(atCap("hold"), "0.05", "0.005", 1), claudetest.Options{}, func(w *world) {
		doc := w.until(w.accepted("dear", "pull_request", pull), "dead", time.Minute)
		if code := doc["last_error"].(map[string]any)["code"]; code != "budget_exhausted" || len(w.claude.MessageCalls()) > 0 {
			t.Errorf("got %v after %d calls, want budget_exhausted before any", code, len(w.claude.MessageCalls()))
		}
	})
}

const reusing = `hooks:
  one:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    prompt: "{{ .payload.pull_request.title }}"
    reuse: {for: 1h}
    deliver: [{callback: {url: "http://sink.test/x", secret: "0123456789abcdef0123456789"}}]
  other:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    prompt: "{{ .payload.pull_request.title }}"
    reuse: {for: 1h}
`

// numbered is an event that makes the same prompt as all of its title.
func numbered(title string, n int) string {
	return strings.Replace(again(title), `"number":7`, fmt.Sprintf(`"number":%d`, n), 1)
}

// TestReuse: the same request is paid for once, also where two come at once, not
// across hooks, not past its time, and not for a rerun.
func TestReuse(t *testing.T) {
	bubble(t, reusing, claudetest.Options{Latency: 20 * time.Second}, func(w *world) {
		calls := func(want int) {
			t.Helper()
			if got := len(w.claude.MessageCalls()); got != want {
				t.Errorf("got %d calls, want %d", got, want)
			}
		}
		first := w.accepted("one", "pull_request", numbered("same", 1))
		second := w.accepted("one", "pull_request", numbered("same", 2))
		want := w.until(first, "succeeded", time.Minute)["result"].(map[string]any)["text"]
		doc := w.until(second, "succeeded", 30*time.Second)
		calls(1)
		if result := doc["result"].(map[string]any); result["text"] != want || doc["reused_from"] != first || doc["cost_usd"] != 0.0 || doc["attempts"] != 1.0 {
			t.Errorf("got %v from %v for %v after %v attempts, want the answer of %s for nothing, at the first", result["text"], doc["reused_from"], doc["cost_usd"], doc["attempts"], first)
		}
		if n := len(doc["deliveries"].([]any)); n != 1 {
			t.Errorf("got %d deliveries of the second, want one of its own", n)
		}
		w.until(w.accepted("one", "pull_request", numbered("another", 3)), "succeeded", time.Minute)
		calls(2)
		w.until(w.accepted("other", "pull_request", numbered("same", 4)), "succeeded", time.Minute)
		calls(3)
		_, rerun := w.admin("POST", "/v1/jobs/"+second+"/rerun")
		w.until(rerun["job"].(string), "succeeded", time.Minute)
		calls(4)
		_, report := w.admin("GET", "/v1/costs")
		if saved := report["saved"].(map[string]any); saved["reused_jobs"] != 1.0 || saved["reuse_usd"].(float64) <= 0 {
			t.Errorf("got %v, want what one answer had cost", saved)
		}
		time.Sleep(2 * time.Hour)
		w.until(w.accepted("one", "pull_request", numbered("same", 5)), "succeeded", time.Minute)
		calls(5)
	})
}
