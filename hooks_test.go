package forebay_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/verify"
)

const slackHook = `hooks:
  chat:
    source: {type: slack, secrets: [the-secret]}
    model: haiku
    prompt: "{{ .payload.event.type }}"
`

// TestSenderDemands: what the table of senders says of the acknowledgement
// reaches the sender. Slack shows a body to its users, and wants a 200.
func TestSenderDemands(t *testing.T) {
	bubble(t, slackHook, claudetest.Options{}, func(w *world) {
		signed, err := verify.Sign(verify.Config{Type: "slack", Secrets: []string{"the-secret"}}, verify.SignInput{
			Body: []byte(`{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}`), Now: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://forebay.test/hooks/chat", bytes.NewReader(signed.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = signed.Header
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(body) != 0 || resp.Header.Get("Location") == "" {
			t.Errorf("got %d %q, %v, Location %q; want 200, no body, and a job", resp.StatusCode, body, err, resp.Header.Get("Location"))
		}
	})
}
