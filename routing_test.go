package forebay_test

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
)

// routed is the hook of the pull requests with other settings of its model.
func routed(lines string) string {
	return strings.Replace(prHook, "    model: haiku\n", lines, 1)
}

// failing is a step that fails the calls of one model, so many times.
func failing(t *testing.T, model, words string, times int) claudetest.Step {
	t.Helper()
	s := step(t, words)
	s.Times = times
	s.Match = func(r claudetest.Request) bool { return r.Model == model }
	return s
}

// wantChoice checks by whom a job was answered, and what it says about why.
func (w *world) wantChoice(id, model, chosen string) {
	w.t.Helper()
	doc := w.until(id, "succeeded", time.Minute)
	if got, _ := doc["model"].(string); !strings.HasPrefix(got, model) || doc["chosen"] != chosen {
		w.t.Errorf("%s: got %v, %v; want %s, %s", id, doc["model"], doc["chosen"], model, chosen)
	}
}

// TestFallbackWhilePaused: when a lane is paused for long, its jobs go to the
// next model without an attempt in it, and back to their own when it is open.
func TestFallbackWhilePaused(t *testing.T) {
	for _, words := range []string{"spend_cap", "unauthorized", "rate_limited retry_after=90"} {
		t.Run(words, func(t *testing.T) {
			o := claudetest.Options{Script: []claudetest.Step{failing(t, "claude-haiku-5-5", words, 1)}}
			bubble(t, routed("    model: haiku\n    fallback: [sonnet]\n"), o, func(w *world) {
				code, _, _ := strings.Cut(words, " ")
				first := w.accepted("pr", "pull_request", pull)
				w.wantChoice(first, "claude-sonnet-5-5", "hook > fallback: haiku paused, "+code)
				if doc := w.job(first); doc["attempts"] != 1.0 {
					w.t.Errorf("got %v attempts, want the one that was answered: waiting costs none", doc["attempts"])
				}
				second := w.accepted("pr", "pull_request", again("Second"))
				w.wantChoice(second, "claude-sonnet-5-5", "hook > fallback: haiku paused, "+code)
				if status, doc := w.admin(http.MethodPost, "/v1/lanes/haiku/resume"); status != http.StatusOK {
					w.t.Fatalf("got %d %v, want 200", status, doc)
				}
				w.wantChoice(w.accepted("pr", "pull_request", again("Third")), "claude-haiku-5-5", "hook")
			})
		})
	}
}

// TestFallbackReturns: a job that could not start in the stand-in's lane either
// stays in its own, and runs there when that opens first.
func TestFallbackReturns(t *testing.T) {
	o := claudetest.Options{Script: []claudetest.Step{
		failing(t, "claude-haiku-5-5", "rate_limited retry_after=60", 1),
		failing(t, "claude-sonnet-5-5", "rate_limited retry_after=300", 1),
	}}
	bubble(t, routed("    model: haiku\n    fallback: [sonnet]\n"), o, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		time.Sleep(30 * time.Second)
		if doc := w.job(id); doc["lane"] != "haiku" || doc["chosen"] != "hook" || doc["attempts"] != 0.0 || doc["reason"] != "rate_limited" {
			w.t.Errorf("got %v, want it back in haiku, by the hook, with no attempt", doc)
		}
		w.wantChoice(id, "claude-haiku-5-5", "hook")
		if got := w.elapsed(); got > 90*time.Second {
			w.t.Errorf("answered after %v, want soon after the minute of haiku", got)
		}
	})
}

// verdictSchema writes a schema of {"risk": "low"|"high"} and returns its path.
func verdictSchema(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "verdict.json")
	const schema = `{"type":"object","additionalProperties":false,"required":["risk"],"properties":{"risk":{"type":"string","enum":["low","high"]}}}`
	if err := os.WriteFile(path, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEscalation: a route picks the model, an answer that breaks the schema sends
// the job on to the next step, and what both calls cost is on the job.
func TestEscalation(t *testing.T) {
	o := claudetest.Options{Reply: func(r claudetest.Request) claudetest.Reply {
		if r.Model == "claude-opus-5-5" {
			return claudetest.Reply{Text: `{"risk": "low"}`}
		}
		return claudetest.Reply{Text: `{"risk": "hard to say"}`}
	}}
	hooks := routed("    route: [{when: payload.number == 7, model: sonnet}]\n    model: haiku\n    escalate: [sonnet, opus]\n    output: {schema: " + verdictSchema(t) + "}\n")
	bubble(t, hooks, o, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		w.wantChoice(id, "claude-opus-5-5", "route 1 > escalate: output_invalid")
		doc := w.job(id)
		calls := doc["calls"].([]any)
		if len(calls) != 2 || doc["attempts"] != 2.0 {
			w.t.Fatalf("got %d calls and %v attempts, want 2 and 2", len(calls), doc["attempts"])
		}
		sum := 0.0
		for _, c := range calls {
			sum += c.(map[string]any)["cost_usd"].(float64)
		}
		if got := doc["cost_usd"].(float64); math.Abs(got-sum) > 1e-9 || sum <= doc["result"].(map[string]any)["cost_usd"].(float64) {
			w.t.Errorf("got the cost %v, want %v of both calls", got, sum)
		}
	})
}

// TestMaxShare: of more jobs than may go to a tier the rest is answered by the
// hook's own model, says so, and waits for nothing; a restart does not forget
// who went.
func TestMaxShare(t *testing.T) {
	hooks := "    route: [{when: 'true || payload.number == 0', model: opus}]\n    model: haiku\n"
	bubble(t, "claude: {api_key: test-key, base_url: \"http://claude.test\", max_share: {opus: 2%}}\n"+routed(hooks), claudetest.Options{Latency: time.Second}, func(w *world) {
		var ids []string
		for i := range 12 {
			if i == 6 {
				if err := w.server.Stop(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.boot()
			}
			ids = append(ids, w.accepted("pr", "pull_request", again(fmt.Sprint(i))))
		}
		count := map[any]int{}
		for _, id := range ids {
			doc := w.until(id, "succeeded", time.Minute)
			count[doc["chosen"]]++
			if opus := doc["model"] == "claude-opus-5-5"; opus != (doc["chosen"] == "route 1") {
				w.t.Errorf("got %v, chosen by %v", doc["model"], doc["chosen"])
			}
		}
		if count["route 1"] != 4 || count["route 1 > max_share: opus has its 2%"] != 8 {
			w.t.Errorf("got %v, want four of two hundred by the route and eight over the share", count)
		}
	})
}

// TestPreviewRoute: a preview says by which rule the model was chosen, and who
// may answer instead.
func TestPreviewRoute(t *testing.T) {
	t.Parallel()
	hooks := "claude: {api_key: test-key, base_url: \"http://claude.test\", max_share: {opus: 5%}}\n" +
		routed("    route: [{when: payload.number == 7, model: opus}]\n    model: haiku\n    fallback: [sonnet]\n")
	cfg, err := config.Parse("forebay.yaml", []byte(settings(hooks)), t.TempDir(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		pull: "claude-opus-5-5|route 1|payload.number == 7|[claude-sonnet-5-5]|claude-haiku-5-5",
		strings.Replace(pull, `"number":7`, `"number":8`, 1): "claude-haiku-5-5|hook||[claude-sonnet-5-5]|",
	} {
		p, err := forebay.NewPreview(t.Context(), cfg, forebay.PreviewRequest{Hook: "pr", Event: event.Event{
			Hook: "pr", Type: "pull_request", ContentType: "application/json", Body: []byte(body),
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s|%s|%s|%v|%s", p.Model, p.Chosen, p.Rule, p.Fallback, p.OverShare); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestModelGone: of many jobs for a model that the API does not know, a few that
// were under way together ask for it, the rest goes to the next model without
// that, and the lane says so.
func TestModelGone(t *testing.T) {
	o := claudetest.Options{Script: []claudetest.Step{failing(t, "claude-haiku-5-5", "not_found", -1)}}
	bubble(t, routed("    model: haiku\n    fallback: [sonnet]\n"), o, func(w *world) {
		w.wantChoice(w.accepted("pr", "pull_request", pull), "claude-sonnet-5-5", "hook > fallback: model_not_found")
		for i := range 5 {
			w.wantChoice(w.accepted("pr", "pull_request", again(fmt.Sprint(i))), "claude-sonnet-5-5", "hook > fallback: claude-haiku-5-5 not found")
		}
		asked := 0
		for _, c := range w.claude.MessageCalls() {
			if c.Status == http.StatusNotFound {
				asked++
			}
		}
		if asked != 1 {
			w.t.Errorf("%d calls to a model that is gone, want one", asked)
		}
		_, doc := w.admin(http.MethodGet, "/v1/lanes")
		lane := doc["lanes"].([]any)[0].(map[string]any)
		if gone, _ := lane["gone"].([]any); lane["name"] != "haiku" || len(gone) != 1 {
			w.t.Errorf("got %v, want a model of it gone", lane)
		}
	})
}

// TestLaneRenamed: jobs that wait in a lane which the configuration calls by
// another name go on in that, so that one rate is never used by two lanes.
func TestLaneRenamed(t *testing.T) {
	bubble(t, routed("    model: haiku\n"), claudetest.Options{}, func(w *world) {
		w.accepted("pr", "pull_request", pull)
		time.Sleep(time.Minute)
		if status, doc := w.admin(http.MethodPost, "/v1/lanes/haiku/pause"); status != http.StatusOK {
			w.t.Fatalf("got %d %v, want 200", status, doc)
		}
		waiting := w.accepted("pr", "pull_request", again("waits"))
		if err := w.server.Stop(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		text := strings.Replace(settings(routed("    model: fast\n")), `base_url: "http://claude.test"}`, `base_url: "http://claude.test", models: {fast: claude-haiku-5-5, haiku: claude-haiku-5-5}}`, 1)
		cfg, err := config.Parse(filepath.Join(w.dir, "forebay.yaml"), []byte(text), w.dir, os.LookupEnv)
		if err != nil {
			w.t.Fatal(err)
		}
		w.opts.Config = cfg
		w.boot()
		doc := w.until(waiting, "succeeded", time.Minute)
		if doc["lane"] != "fast" {
			w.t.Errorf("got the lane %v, want that of its model now", doc["lane"])
		}
	})
}
