package forebay_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/verify"
)

// A pushed is one signed request to a hook.
type pushed struct {
	hook   string // default "pr"
	source verify.Config
	kind   string
	id     string
	body   string
}

// pushAs sends a signed event under a delivery id of the test's choice.
func (w *world) pushAs(p pushed) (int, map[string]any) {
	w.t.Helper()
	if p.source.Type == "" {
		p.source = verify.Config{Type: "github", Secrets: []string{"the-secret"}}
	}
	if p.hook == "" {
		p.hook = "pr"
	}
	signed, err := verify.Sign(p.source, verify.SignInput{Body: []byte(p.body), Now: time.Now(), Type: p.kind, ID: p.id})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://forebay.test/hooks/"+p.hook, bytes.NewReader(signed.Body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = signed.Header
	return w.do(req)
}

// jobs counts all jobs.
func (w *world) jobs() int {
	w.t.Helper()
	status, doc := w.admin(http.MethodGet, "/v1/jobs?limit=100")
	if status != http.StatusOK {
		w.t.Fatalf("got %d %v, want 200", status, doc)
	}
	list, _ := doc["jobs"].([]any)
	return len(list)
}

// away stops the server for so long: nothing ticks meanwhile.
func (w *world) away(d time.Duration) {
	w.t.Helper()
	if err := w.server.Stop(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(d)
	w.boot()
}

// TestForgedDeliveryID: GitHub does not sign its delivery id, so who has seen
// one delivery may send it under the id of an event that is still to come. That
// must not make the event a copy, and the replay itself is one.
func TestForgedDeliveryID(t *testing.T) {
	bubble(t, prHook, claudetest.Options{}, func(w *world) {
		old, next := again("seen by a stranger"), again("the next event")
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "id-of-the-next", body: old}); status != http.StatusAccepted {
			t.Fatalf("first: got %d %v, want 202", status, doc)
		}
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "id-of-the-next", body: next}); status != http.StatusAccepted {
			t.Errorf("the real event under that id: got %d %v, want 202", status, doc)
		}
		for _, id := range []string{"made-up", "id-of-another"} {
			if status, doc := w.pushAs(pushed{kind: "pull_request", id: id, body: old}); status != http.StatusOK || doc["status"] != "duplicate" {
				t.Errorf("replay as %s: got %d %v, want a duplicate", id, status, doc)
			}
		}
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "made-up", body: again("a third")}); status != http.StatusAccepted {
			t.Errorf("an event under an id that a replay used: got %d %v, want 202", status, doc)
		}
		if got := w.jobs(); got != 3 {
			t.Errorf("got %d jobs, want 3", got)
		}
	})
}

// TestSignedDeliveryID: where the id is signed it alone tells copies, though
// each attempt has another timestamp and so another signature.
func TestSignedDeliveryID(t *testing.T) {
	const hooks = `hooks:
  pr:
    source: {type: stripe, secrets: [whsec_the_secret]}
    model: haiku
    prompt: dispute {{ .payload.id }}
`
	stripe := verify.Config{Type: "stripe", Secrets: []string{"whsec_the_secret"}}
	bubble(t, hooks, claudetest.Options{}, func(w *world) {
		body := `{"id":"evt_1","type":"charge.dispute.created","data":{"object":{"id":"dp_1"}}}`
		if status, doc := w.pushAs(pushed{source: stripe, body: body}); status >= 300 || doc["status"] == "duplicate" {
			t.Fatalf("got %d %v, want it accepted", status, doc)
		}
		time.Sleep(time.Minute)
		if status, doc := w.pushAs(pushed{source: stripe, body: body}); status != http.StatusOK || doc["status"] != "duplicate" {
			t.Errorf("the sender's retry: got %d %v, want a duplicate", status, doc)
		}
		if status, doc := w.pushAs(pushed{source: stripe, body: strings.Replace(body, "evt_1", "evt_2", 1)}); status != http.StatusAccepted {
			t.Errorf("another event: got %d %v, want 202", status, doc)
		}
	})
}

// TestMeaningKey: a copy under another delivery id, and with other bytes, is one
// job if the configuration says that it means the same.
func TestMeaningKey(t *testing.T) {
	hooks := strings.Replace(prHook, "    model:", "    dedupe: {key: 'payload.action + \" \" + payload.pull_request.head.sha'}\n    model:", 1)
	bubble(t, hooks, claudetest.Options{Script: []claudetest.Step{step(t, "refusal")}}, func(w *world) {
		status, doc := w.pushAs(pushed{kind: "pull_request", id: "one", body: pull})
		if status != http.StatusAccepted {
			t.Fatalf("got %d %v, want 202", status, doc)
		}
		first := doc["job"].(string)
		copied := again("Fix it, said again")
		w.until(first, "dead", time.Minute)
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "two", body: copied}); status != http.StatusAccepted || doc["job"] != first {
			t.Errorf("a copy of a dead job: got %d %v, want it queued again", status, doc)
		}
		w.until(first, "succeeded", time.Minute)
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "three", body: copied}); status != http.StatusOK || doc["job"] != first {
			t.Errorf("a copy: got %d %v, want a duplicate of %s", status, doc, first)
		}
		other := strings.Replace(pull, "abc", "def", 1)
		if status, doc := w.pushAs(pushed{kind: "pull_request", id: "four", body: other}); status != http.StatusAccepted {
			t.Errorf("another commit: got %d %v, want 202", status, doc)
		}
		unkeyed := strings.Replace(pull, `"head":{"sha":"abc"},`, "", 1)
		for i, title := range []string{"no commit", "no commit either"} {
			if status, doc := w.pushAs(pushed{kind: "pull_request", id: title, body: strings.Replace(unkeyed, "Fix it", title, 1)}); status != http.StatusAccepted {
				t.Errorf("event %d without a key: got %d %v, want 202", i, status, doc)
			}
		}
		if got := w.jobs(); got != 4 {
			t.Errorf("got %d jobs, want 4", got)
		}
	})
}

// TestDedupeWindow: a copy is recognised for 30 days, or for as long as the
// hook says in so many words.
func TestDedupeWindow(t *testing.T) {
	for _, tt := range []struct {
		name, dedupe string
		known, gone  time.Duration
	}{
		{"default", "", 30*24*time.Hour - time.Minute, 30*24*time.Hour + time.Minute},
		{"two hours", "    dedupe: {window: 2h}\n", 2*time.Hour - time.Minute, 2*time.Hour + time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hooks := strings.Replace(prHook, "    model:", tt.dedupe+"    model:", 1)
			bubble(t, hooks, claudetest.Options{}, func(w *world) {
				first := time.Now()
				w.accepted("pr", "pull_request", pull)
				w.away(time.Until(first.Add(tt.known)))
				if status, doc := w.push("pr", "pull_request", pull); status != http.StatusOK || doc["status"] != "duplicate" {
					t.Errorf("after %s: got %d %v, want a duplicate", tt.known, status, doc)
				}
				w.away(time.Until(first.Add(tt.gone)))
				time.Sleep(2 * time.Minute) // upkeep forgets
				if status, doc := w.push("pr", "pull_request", pull); status != http.StatusAccepted {
					t.Errorf("after %s: got %d %v, want 202", tt.gone, status, doc)
				}
			})
		})
	}
}
