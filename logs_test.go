package forebay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

const loggedHook = `hooks:
  pr:
    source: {type: github, secrets: [the-secret]}
    gather: {files: {github_pull_files: {max_tokens: 5000}}}
    model: haiku
    system: You are the system prompt.
    prompt: "The prompt has {{ .payload.pull_request.title }} {{ .files }}"
    deliver:
      - github_comment: {sticky: true}
      - callback: {url: "http://sink.test/x?token=token-of-the-url", secret: "callback-secret-callback-secret"}
`

// TestLogs follows one event through the log, by one id from its receipt to both
// of its deliveries, over a call and a delivery that failed; and nothing secret,
// no payload, no prompt and no answer is in it, on the most talkative level.
func TestLogs(t *testing.T) {
	bubble(t, loggedHook, claudetest.Options{Script: []claudetest.Step{step(t, "server_error")}}, func(w *world) {
		calls := 0
		w.serve("sink.test:80", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			if calls++; calls == 1 {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		}))
		var log logBuffer
		w.opts.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if err := w.server.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.boot()
		id := w.accepted("pr", "pull_request", again("The Title"))
		w.until(id, "succeeded", time.Hour)
		time.Sleep(10 * time.Minute)

		var told []string
		for line := range strings.Lines(log.String()) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatalf("%v in the line %q", err, line)
			}
			if entry["job_id"] != id {
				if strings.Contains(line, id) {
					t.Errorf("a line names the job, but not as job_id: %s", line)
				}
				continue
			}
			told = append(told, entry["msg"].(string))
			if event, _ := entry["event_id"].(string); event == "" || entry["hook"] != "pr" {
				t.Errorf("a line on the job lacks event_id or hook: %s", line)
			}
		}
		for _, want := range []string{"webhook accepted", "job succeeded", "delivery failed", "delivered"} {
			if !slices.Contains(told, want) {
				t.Errorf("got %q for the job, want %q among it", told, want)
			}
		}
		for _, secret := range []string{"test-key", "the-secret", "test-token", "an-admin-key", "callback-secret", "token-of-the-url",
			"The Title", "The prompt", "system prompt", "Simulated answer"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, log.String())
			}
		}
	})
}
