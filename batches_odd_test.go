package forebay_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
)

// foreignBatch makes a batch of n requests at the API, as another program of the
// same workspace would.
func (w *world) foreignBatch(n int) {
	w.t.Helper()
	var items []string
	for i := range n {
		items = append(items, fmt.Sprintf(`{"custom_id":"theirs-%d","params":{"model":"claude-haiku-5-5","max_tokens":10,"messages":[{"role":"user","content":"theirs %d"}]}}`, i, i))
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://claude.test/v1/messages/batches", strings.NewReader(`{"requests":[`+strings.Join(items, ",")+`]}`))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "test-key")
	req.Header.Set("Anthropic-Version", "2026-10-21")
	if status, doc := w.do(req); status != http.StatusOK {
		w.t.Fatalf("got %d %v, want a batch", status, doc)
	}
}

// ours counts what was paid for by our prompts, and the most of one.
func (t *till) ours() (total, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for prompt, n := range t.paid {
		if !strings.HasPrefix(prompt, "theirs") {
			total, most = total+n, max(most, n)
		}
	}
	return total, most
}

// TestBatchOfAnother: a batch of another program, of the same size and time as
// one of ours that is in doubt, may be taken for ours, but its results are not,
// and ours are still paid for once.
func TestBatchOfAnother(t *testing.T) {
	for _, tt := range []struct {
		name, failure string
		asked         int
	}{
		{"ours was not made", "cut_before_headers", 4},
		{"ours was made too", "drop_body", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := step(t, tt.failure)
			s.Endpoint = "batches.create"
			batched(t, batchHook, claudetest.Options{Script: []claudetest.Step{s}, BatchDuration: 30 * time.Minute}, func(w *world, paid *till, out *sink) {
				jobs := w.pushes("bulk", 0, 25)
				time.Sleep(61 * time.Second)
				w.foreignBatch(25)
				w.foreignBatch(24)
				for _, id := range jobs {
					doc := w.eventually(id, 6*time.Hour)
					w.halfPrice(doc)
					if doc["attempts"] != 1.0 || len(doc["calls"].([]any)) != 1 {
						t.Fatalf("got %v attempts and calls %v, want one", doc["attempts"], doc["calls"])
					}
				}
				if n := w.batches(); n != tt.asked {
					t.Errorf("%d batches were asked for, want %d with the two of the other program", n, tt.asked)
				}
				if total, most := paid.ours(); total != 25 || most != 1 {
					t.Errorf("%d of our requests were paid for, one of them %d times; want 25, once each", total, most)
				}
			})
		})
	}
}

// TestBatchIsNotDoneInItsDay: what a batch did not get to in 24 hours costs
// nothing and goes into the next one, as long as the hook allows.
func TestBatchIsNotDoneInItsDay(t *testing.T) {
	batched(t, batchHook, claudetest.Options{BatchDuration: 48 * time.Hour}, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 16)
		time.Sleep(25 * time.Hour)
		states := func() string {
			n := map[any]int{}
			for _, id := range jobs {
				doc := w.job(id)
				n[doc["state"]]++
				if doc["state"] == "dead" {
					if code := doc["last_error"].(map[string]any)["code"]; code != "too_old" {
						t.Errorf("dead of %v, want too_old", code)
					}
				}
			}
			return fmt.Sprint(n)
		}
		if got := states(); got != "map[queued:8 succeeded:8]" {
			t.Errorf("after a day: %s, want half of them done", got)
		}
		time.Sleep(25 * time.Hour)
		if got := states(); got != "map[queued:4 succeeded:12]" {
			t.Errorf("after two days: %s", got)
		}
		time.Sleep(25 * time.Hour)
		if got := states(); got != "map[dead:2 succeeded:14]" {
			t.Errorf("after three days, which the hook allows: %s", got)
		}
		if total, most := paid.total(); total != 14 || most != 1 {
			t.Errorf("%d requests were paid for, one of them %d times; want 14, once each", total, most)
		}
	})
}

// TestBatchResultsAreGone: nobody fetched the results for 29 days. That they may
// have been paid for is counted, and the jobs end.
func TestBatchResultsAreGone(t *testing.T) {
	batched(t, batchHook, claudetest.Options{BatchDuration: time.Hour}, func(w *world, paid *till, out *sink) {
		job := w.pushes("bulk", 0, 1)[0]
		time.Sleep(10 * time.Minute)
		if err := w.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * 24 * time.Hour)
		w.boot()
		doc := w.until(job, "dead", time.Hour)
		call := doc["calls"].([]any)[0].(map[string]any)
		if cause := doc["last_error"].(map[string]any); cause["code"] != "too_old" || !strings.Contains(cause["message"].(string), "batch_lost") {
			t.Errorf("got %v, want too_old after batch_lost", cause)
		}
		if call["outcome"] != "unknown" || call["code"] != "batch_lost" || call["cost_usd"] != nil {
			t.Errorf("got call %v, want one of unknown end and cost", call)
		}
	})
}

// TestBatchOutcomes: a result of a batch is judged like an answer to a call.
func TestBatchOutcomes(t *testing.T) {
	tries := newTill()
	fails := func(id string, r claudetest.Request) *claudetest.Failure {
		first := tries.again(id) == 1
		switch {
		case strings.HasSuffix(r.Prompt(), " 1"): // for ever
			return &claudetest.Failure{Kind: claudetest.Overloaded}
		case strings.HasSuffix(r.Prompt(), " 2"):
			return &claudetest.Failure{Kind: claudetest.BadRequest}
		case strings.HasSuffix(r.Prompt(), " 3") && r.Model == "claude-haiku-5-5":
			return &claudetest.Failure{Kind: claudetest.Refusal}
		case strings.HasSuffix(r.Prompt(), " 4"):
			return &claudetest.Failure{Kind: claudetest.MaxTokens}
		case strings.HasSuffix(r.Prompt(), " 5") && first:
			return &claudetest.Failure{Kind: claudetest.Empty}
		}
		return nil
	}
	hooks := strings.Replace(batchHook, "lane: batch", "lane: batch\n    fallback: [sonnet]\n    retry: {max_attempts: 3, max_age: 10d}", 1)
	batched(t, hooks, claudetest.Options{BatchDuration: 10 * time.Minute, BatchFail: fails}, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 6)
		time.Sleep(5 * time.Hour)
		for i, want := range []struct{ state, code, model, lane string }{
			{"succeeded", "", "claude-haiku-5-5", "batch"},
			{"dead", "overloaded", "claude-sonnet-5-5", "batch"},
			{"dead", "invalid_request", "claude-haiku-5-5", "batch"},
			{"succeeded", "", "claude-sonnet-5-5", "batch"},
			{"succeeded", "", "claude-haiku-5-5", "batch"},
			{"succeeded", "", "claude-haiku-5-5", "batch"},
		} {
			doc := w.job(jobs[i])
			cause, _ := doc["last_error"].(map[string]any)
			if doc["state"] != want.state || doc["model"] != want.model || doc["lane"] != want.lane || !strings.Contains(fmt.Sprint(cause), want.code) {
				t.Errorf("event %d: got %v by %v in lane %v after %v, want %v", i, doc["state"], doc["model"], doc["lane"], cause, want)
			}
		}
		if n := len(w.claude.MessageCalls()); n != 0 {
			t.Errorf("%d live calls, want none", n)
		}
		if notes := fmt.Sprint(w.job(jobs[4])["result"]); !strings.Contains(notes, "cut off") {
			t.Errorf("a truncated answer does not say so: %v", notes)
		}
	})
}

// TestBatchOfHookThatIsGone: what was paid for is stored although the hook is
// configured no more.
func TestBatchOfHookThatIsGone(t *testing.T) {
	batched(t, batchHook, claudetest.Options{BatchDuration: time.Hour}, func(w *world, paid *till, out *sink) {
		job := w.pushes("bulk", 0, 1)[0]
		time.Sleep(10 * time.Minute)
		w.reboot(func(c *config.Config) { delete(c.Hooks, "bulk") })
		w.halfPrice(w.eventually(job, 2*time.Hour))
	})
}

// TestBatchInDoubtHoldsOthers: while it is not known whether a batch was made, no
// other is asked for.
func TestBatchInDoubtHoldsOthers(t *testing.T) {
	lost := step(t, "drop_body")
	lost.Endpoint = "batches.create"
	second := strings.Replace(strings.TrimPrefix(batchHook, "hooks:\n"), "bulk:", "other:", 1)
	second = strings.Replace(second, "model: haiku", "model: sonnet", 1)
	batched(t, batchHook+second, claudetest.Options{Script: []claudetest.Step{lost}, BatchDuration: 10 * time.Minute}, func(w *world, paid *till, out *sink) {
		jobs := append(w.pushes("bulk", 0, 3), w.pushes("other", 100, 3)...)
		for _, id := range jobs {
			w.eventually(id, 2*time.Hour)
		}
		var order []string
		for _, c := range w.claude.Calls() {
			if c.Endpoint == "batches.create" || c.Endpoint == "batches.list" {
				order = append(order, c.Endpoint)
			}
		}
		if got := fmt.Sprint(order); got != "[batches.create batches.list batches.create]" {
			t.Errorf("got %s, want the second batch after the search for the first", got)
		}
		if total, most := paid.total(); total != 6 || most != 1 {
			t.Errorf("%d requests were paid for, one of them %d times; want 6, once each", total, most)
		}
	})
}

// TestBatchBudget: what requests in batches may cost is reserved, so that a day
// stays within its budget; the rest waits for money and says so.
func TestBatchBudget(t *testing.T) {
	const daily = 0.0015
	hooks := fmt.Sprintf("budget: {daily_usd: %v}\n", daily) + batchHook
	batched(t, hooks, claudetest.Options{BatchDuration: 10 * time.Minute}, func(w *world, paid *till, out *sink) {
		jobs := w.pushes("bulk", 0, 60)
		time.Sleep(3 * time.Minute)
		reasons := map[any]int{}
		for _, id := range jobs {
			reasons[w.job(id)["reason"]]++
		}
		if reasons["batch"] == 0 || reasons["budget"] == 0 || reasons["batch"]+reasons["budget"] != 60 {
			t.Errorf("jobs wait for %v, want some for a batch and the rest for money", reasons)
		}
		time.Sleep(14 * time.Hour)
		if cost, _ := w.spent(); cost == 0 || cost.Dollars() > daily {
			t.Errorf("%d nano-dollars were spent in a day, want no more than %v dollars", cost, daily)
		}
		for _, id := range jobs {
			w.eventually(id, 60*time.Hour)
		}
		if total, most := paid.total(); total != 60 || most != 1 {
			t.Errorf("%d requests were paid for, one of them %d times; want 60, once each", total, most)
		}
	})
}
