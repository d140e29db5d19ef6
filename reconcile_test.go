package forebay_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/githubtest"
)

const reconcileHook = `hooks:
  pr:
    source: {type: github, secrets: [the-secret], webhooks: [octo/repo]}
    match: event.type == "pull_request"
    reconcile: 5m
    model: haiku
    prompt: Pull request {{ .payload.number }}
`

// webhook adds the repository's webhook that sends to a hook.
func (w *world) webhook(owner, hook, secret string) int64 {
	return w.github.AddWebhook(githubtest.Webhook{Owner: owner, URL: "http://forebay.test/hooks/" + hook, Secret: secret})
}

// oneJobEach fails unless there are n jobs, all of them answered, and as many
// calls to Claude.
func (w *world) oneJobEach(n int) {
	w.t.Helper()
	status, doc := w.admin(http.MethodGet, "/v1/jobs?limit=100&state=succeeded")
	if status != http.StatusOK {
		w.t.Fatalf("got %d %v", status, doc)
	}
	events := map[any]bool{}
	for _, j := range doc["jobs"].([]any) {
		whole := w.job(j.(map[string]any)["id"].(string))
		events[whole["event"].(map[string]any)["delivery_id"]] = true
	}
	if len(events) != n || w.jobs() != n || len(w.claude.MessageCalls()) != n {
		w.t.Errorf("got %d answered events, %d jobs, %d calls; want %d of each", len(events), w.jobs(), len(w.claude.MessageCalls()), n)
	}
}

// TestReconcile: ten events that GitHub could not deliver while the server was
// down are worked once each, afterwards and in their order.
func TestReconcile(t *testing.T) {
	bubble(t, reconcileHook, claudetest.Options{}, func(w *world) {
		hook := w.webhook("octo/repo", "pr", "the-secret")
		w.webhook("octo/repo", "another", "the-secret")
		if a := w.github.Send(context.Background(), hook, "pull_request", again("before")); a.StatusCode != http.StatusAccepted {
			t.Fatalf("got %d, want 202", a.StatusCode)
		}
		if err := w.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if a := w.github.Send(context.Background(), hook, "pull_request", again(fmt.Sprint("event ", i))); a.StatusCode < 500 {
				t.Fatalf("got %d of a server that is down", a.StatusCode)
			}
			time.Sleep(20 * time.Minute)
		}
		w.boot()
		time.Sleep(3 * time.Minute)
		w.oneJobEach(11)
		time.Sleep(2 * time.Hour)
		w.oneJobEach(11)
		redelivered := 0
		var order []string
		for _, a := range w.github.Attempts() {
			if a.Redelivery {
				redelivered++
				order = append(order, a.Payload)
			}
		}
		if redelivered != 10 {
			t.Errorf("got %d redeliveries, want 10: what arrived must not be asked for again", redelivered)
		}
		for i, payload := range order {
			if !strings.Contains(payload, fmt.Sprint("event ", i)) {
				t.Errorf("redelivery %d is %s", i, payload)
			}
		}
	})
}

// TestReconcileNoDoubles: an event that arrived, though GitHub did not see the
// answer, is asked for and makes no second job.
func TestReconcileNoDoubles(t *testing.T) {
	bubble(t, reconcileHook, claudetest.Options{}, func(w *world) {
		network, gaveUp := w.client.Transport, atomic.Bool{}
		hook := w.webhook("octo/repo", "pr", "the-secret")
		w.client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := network.RoundTrip(r)
			if err == nil && r.Header.Get("X-GitHub-Event") != "" && !gaveUp.Swap(true) {
				resp.StatusCode = http.StatusGatewayTimeout // a proxy that gave up, once
			}
			return resp, err
		})
		w.github.Send(context.Background(), hook, "pull_request", pull)
		time.Sleep(time.Minute)
		w.oneJobEach(1)
		if attempts := w.github.Attempts(); len(attempts) != 2 || attempts[1].StatusCode != http.StatusOK {
			t.Errorf("got %+v, want a second attempt that was answered 200", attempts)
		}
	})
}

// TestReconcileGivesUp: what fails for ever is asked for a few times, further
// and further apart; what the same bytes would fail with again is not asked for.
func TestReconcileGivesUp(t *testing.T) {
	bubble(t, reconcileHook, claudetest.Options{}, func(w *world) {
		wrong := w.webhook("octo/repo", "pr", "another-secret")
		w.github.Send(context.Background(), wrong, "pull_request", pull)
		time.Sleep(47 * time.Hour)
		attempts := w.github.Attempts()
		if len(attempts) != 6 {
			t.Fatalf("got %d attempts, want 6", len(attempts))
		}
		for i := 2; i < len(attempts); i++ {
			if a, b := attempts[i-1].DeliveredAt.Sub(attempts[i-2].DeliveredAt), attempts[i].DeliveredAt.Sub(attempts[i-1].DeliveredAt); b < a {
				t.Errorf("attempt %d came after %s, the one before after %s", i+1, b, a)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		bubble(t, reconcileHook, claudetest.Options{}, func(w *world) {
			hook := w.webhook("octo/repo", "pr", "the-secret")
			if a := w.github.Send(context.Background(), hook, "pull_request", `{"number":`); a.StatusCode != http.StatusBadRequest {
				t.Fatalf("got %d, want 400", a.StatusCode)
			}
			time.Sleep(time.Hour)
			if got := len(w.github.Attempts()); got != 1 {
				t.Errorf("got %d attempts at broken JSON, want 1", got)
			}
		})
	})
}

// TestReconcileDenied: without the permission the log says so and what to do,
// GitHub is left alone for a while, and reconciling goes on once it is granted.
func TestReconcileDenied(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, reconcileHook, claudetest.Options{}, func(w *world) {
				hook := w.webhook("octo/repo", "pr", "the-secret")
				w.github.Fail(githubtest.Fault{Path: "/deliveries", Times: 2, Status: status, Message: "Resource not accessible"})
				var log logBuffer
				w.opts.Log = slog.New(slog.NewTextHandler(&log, nil))
				if err := w.server.Stop(context.Background()); err != nil {
					t.Fatal(err)
				}
				w.github.Send(context.Background(), hook, "pull_request", pull)
				w.boot()
				time.Sleep(10 * time.Minute)
				if got := w.asked("/deliveries"); got != 1 {
					t.Errorf("got %d requests within ten minutes, want 1", got)
				}
				for _, want := range []string{"reconciling is paused", "admin:repo_hook", "hook=pr", "again_in=15m0s"} {
					if !strings.Contains(log.String(), want) {
						t.Errorf("want %q in the log %s", want, log.String())
					}
				}
				findings, err := forebay.Doctor(context.Background(), w.opts.Config, true)
				if err != nil || !strings.Contains(fmt.Sprint(findings), "reconcile pr") {
					t.Errorf("got %v, %v; want the doctor to name the webhook", findings, err)
				}
				time.Sleep(time.Hour)
				w.oneJobEach(1)
			})
		})
	}
}

// asked counts the requests that GitHub got whose path contains text.
func (w *world) asked(text string) int {
	n := 0
	for _, r := range w.github.Requests() {
		if strings.Contains(r.Path, text) {
			n++
		}
	}
	return n
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A logBuffer keeps what is logged, from any goroutine.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
