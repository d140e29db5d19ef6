package forebay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestJourney follows one signed webhook to the comment.
func TestJourney(t *testing.T) {
	bubble(t, prHook, claudetest.Options{Latency: time.Second}, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		doc := w.until(id, "succeeded", time.Minute)
		if got := len(w.claude.MessageCalls()); got != 1 {
			t.Errorf("got %d calls, want 1", got)
		}
		result := doc["result"].(map[string]any)
		if result["text"] == "" || result["cost_usd"] == nil || result["request_id"] == "" {
			t.Errorf("got result %v, want text, cost and request id", result)
		}
		time.Sleep(5 * time.Second)
		comments := w.github.Comments("octo/repo", 7)
		if len(comments) != 1 {
			t.Fatalf("got %d comments, want 1", len(comments))
		}
		deliveries := w.job(id)["deliveries"].([]any)
		if d := deliveries[0].(map[string]any); d["state"] != "done" || d["url"] != comments[0].URL {
			t.Errorf("got delivery %v, want done at %s", d, comments[0].URL)
		}
	})
}

// TestSticky: the second answer about a pull request replaces the first.
func TestSticky(t *testing.T) {
	bubble(t, prHook, claudetest.Options{}, func(w *world) {
		w.until(w.accepted("pr", "pull_request", pull), "succeeded", time.Minute)
		time.Sleep(5 * time.Second)
		w.until(w.accepted("pr", "pull_request", again("Fix it better")), "succeeded", time.Minute)
		time.Sleep(5 * time.Second)
		comments := w.github.Comments("octo/repo", 7)
		if len(comments) != 1 || comments[0].Edits != 1 {
			t.Errorf("got %d comments %v, want one, edited once", len(comments), comments)
		}
	})
}

// TestLaneWaits: after a 429 no call of the lane leaves before retry-after, the
// jobs say so, no attempt is spent, and a restart forgets nothing of it.
func TestLaneWaits(t *testing.T) {
	o := claudetest.Options{Script: []claudetest.Step{step(t, "rate_limited retry_after=60")}}
	bubble(t, prHook, o, func(w *world) {
		first := w.accepted("pr", "pull_request", pull)
		time.Sleep(2 * time.Second)
		second := w.accepted("pr", "pull_request", again("Second"))
		time.Sleep(time.Second)
		for _, id := range []string{first, second} {
			doc := w.job(id)
			if doc["state"] != "queued" || doc["reason"] != "rate_limited" || doc["until"] == nil || doc["attempts"] != 0.0 {
				t.Errorf("got %v %v until %v attempts %v, want queued, rate_limited, a time and 0", doc["state"], doc["reason"], doc["until"], doc["attempts"])
			}
		}
		if err := w.server.Stop(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		w.boot()
		w.until(first, "succeeded", 2*time.Minute)
		w.until(second, "succeeded", 2*time.Minute)
		calls := w.claude.MessageCalls()
		if len(calls) != 3 {
			t.Fatalf("got %d calls, want 3", len(calls))
		}
		if gap := calls[1].At.Sub(calls[0].At); gap < 60*time.Second {
			t.Errorf("a call left %v after the 429, want at least 60s", gap)
		}
	})
}

// TestSpendCap: the lane says why it is paused, no attempt is spent, and an
// operator can let it go.
func TestSpendCap(t *testing.T) {
	o := claudetest.Options{Script: []claudetest.Step{step(t, "spend_cap")}}
	bubble(t, prHook, o, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		time.Sleep(3 * time.Second)
		doc := w.job(id)
		if doc["state"] != "queued" || doc["reason"] != "lane_paused" || doc["attempts"] != 0.0 {
			t.Fatalf("got %v, want queued, lane_paused, 0 attempts", doc)
		}
		if status, got := w.admin(http.MethodPost, "/v1/lanes/haiku/resume"); status != http.StatusOK {
			t.Fatalf("got %d %v, want 200", status, got)
		}
		w.until(id, "succeeded", time.Minute)
	})
}

// TestRetries: what may pass is tried again with a backoff, and ends dead with
// the last error when the attempts are used up.
func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		name, failure string
		times         int
		state         string
		calls         int
	}{
		{"500 twice", "server_error", 2, "succeeded", 3},
		{"500 for ever", "server_error", 100, "dead", 6},
		{"overloaded once", "overloaded", 1, "succeeded", 2},
		{"refusal", "refusal", 1, "dead", 1},
		{"invalid request", "invalid_request", 1, "dead", 1},
		{"cut mid-stream", "cut", 1, "succeeded", 2},
		{"no message_stop", "clean_eof", 1, "succeeded", 2},
		{"stall", "stall", 1, "succeeded", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var script []claudetest.Step
			for range tt.times {
				script = append(script, step(t, tt.failure))
			}
			bubble(t, prHook, claudetest.Options{Script: script}, func(w *world) {
				id := w.accepted("pr", "pull_request", pull)
				doc := w.until(id, tt.state, time.Hour)
				if got := len(w.claude.MessageCalls()); got != tt.calls {
					t.Errorf("got %d calls, want %d", got, tt.calls)
				}
				if tt.state == "dead" && doc["last_error"] == nil {
					t.Errorf("got %v, want the last error", doc)
				}
			})
		})
	}
}

// step is one failure in claudetest's words.
func step(t *testing.T, words string) claudetest.Step {
	t.Helper()
	f, err := claudetest.ParseFailure(words)
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	return claudetest.Step{Fail: f}
}

// TestCoalesce: of three pushes the newest is answered, once, and the older
// jobs say by which they were superseded.
func TestCoalesce(t *testing.T) {
	hooks := strings.Replace(prHook, "    model:", "    coalesce: {key: 'payload.repository.full_name + \"#\" + string(payload.number)', quiet: 30s, max_wait: 5m}\n    model:", 1)
	bubble(t, hooks, claudetest.Options{}, func(w *world) {
		first := w.accepted("pr", "pull_request", again("one"))
		time.Sleep(10 * time.Second)
		second := w.accepted("pr", "pull_request", again("two"))
		if doc := w.job(second); doc["reason"] != "quiet_period" || doc["until"] == nil {
			t.Errorf("got %v, want quiet_period with a time", doc)
		}
		if doc := w.job(first); doc["state"] != "superseded" || doc["superseded_by"] != second {
			t.Errorf("got %v, want superseded by %s", doc, second)
		}
		w.until(second, "succeeded", time.Minute)
		if got := len(w.claude.MessageCalls()); got != 1 {
			t.Errorf("got %d calls, want 1", got)
		}
		if got := w.elapsed(); got < 40*time.Second {
			t.Errorf("answered after %v, want a quiet period of 30s after the second", got)
		}
	})
}

// TestRedeliverAndRerun: sending again is free, running again is not.
func TestRedeliverAndRerun(t *testing.T) {
	bubble(t, prHook, claudetest.Options{}, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		w.until(id, "succeeded", time.Minute)
		time.Sleep(5 * time.Second)
		if status, doc := w.admin(http.MethodPost, "/v1/jobs/"+id+"/redeliver"); status != http.StatusAccepted {
			t.Fatalf("redeliver: got %d %v, want 202", status, doc)
		}
		time.Sleep(5 * time.Second)
		if got := len(w.claude.MessageCalls()); got != 1 {
			t.Errorf("got %d calls after redeliver, want 1", got)
		}
		status, doc := w.admin(http.MethodPost, "/v1/jobs/"+id+"/rerun")
		if status != http.StatusAccepted {
			t.Fatalf("rerun: got %d %v, want 202", status, doc)
		}
		time.Sleep(time.Minute)
		if got := len(w.claude.MessageCalls()); got != 2 {
			t.Errorf("got %d calls after rerun, want 2", got)
		}
	})
}

// TestDeadIsQueuedAgain: a redelivery of an event whose job is dead works it
// again; a copy of one that succeeded does not.
func TestDeadIsQueuedAgain(t *testing.T) {
	bubble(t, prHook, claudetest.Options{Script: []claudetest.Step{step(t, "refusal")}}, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		w.until(id, "dead", time.Minute)
		if status, doc := w.push("pr", "pull_request", pull); status != http.StatusAccepted || doc["job"] != id {
			t.Fatalf("got %d %v, want 202 for the same job", status, doc)
		}
		w.until(id, "succeeded", time.Minute)
		if status, doc := w.push("pr", "pull_request", pull); status != http.StatusOK || doc["status"] != "duplicate" {
			t.Errorf("got %d %v, want a duplicate", status, doc)
		}
	})
}

// TestOldIsQueuedAgain: the age that bounds attempts counts from the redelivery
// that revived a job, not from its first life.
func TestOldIsQueuedAgain(t *testing.T) {
	bubble(t, prHook, claudetest.Options{Script: []claudetest.Step{step(t, "refusal")}}, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		w.until(id, "dead", time.Minute)
		time.Sleep(25 * time.Hour)
		if status, doc := w.push("pr", "pull_request", pull); status != http.StatusAccepted {
			t.Fatalf("got %d %v, want 202", status, doc)
		}
		w.until(id, "succeeded", time.Minute)
	})
}
