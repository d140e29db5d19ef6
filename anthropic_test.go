package forebay_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

const anthropicHooks = `hooks:
  agents:
    source: {type: anthropic, secrets: [whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=]}
    match: event.type.startsWith("session.status_")
    model: haiku
    prompt: "Session {{ .payload.data.id }} says {{ .event.type }}."
    deliver:
      - callback: {url: "http://sink.test/x", secret: "0123456789abcdef0123456789"}
`

// TestAnthropicAsASender follows a webhook of Claude Managed Agents to Claude's
// answer. Anthropic makes three attempts with new timestamps, 5 to 120 seconds
// apart, and the id of all of them is signed: they are one job. The event's type
// is that of its data.
func TestAnthropicAsASender(t *testing.T) {
	bubble(t, anthropicHooks, claudetest.Options{}, func(w *world) {
		out := &sink{jobs: map[string]int{}}
		w.serve("sink.test:80", out)
		f, err := fixture.Get("anthropic.session.status_idled")
		if err != nil {
			t.Fatal(err)
		}
		body, err := f.Body()
		if err != nil {
			t.Fatal(err)
		}
		cfg := verify.Config{Type: "anthropic", Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
		attempt := func(cfg verify.Config, body []byte) verify.Request {
			r, err := verify.Sign(cfg, verify.SignInput{Header: f.Header(), Body: body, Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		post := func(r verify.Request) reply { return w.postTo("agents", r.Header, string(r.Body)) }

		first := attempt(cfg, body)
		w.want("first attempt", post(first), 202, "")
		for _, wait := range []time.Duration{90 * time.Second, 120 * time.Second} {
			time.Sleep(wait)
			w.want("a further attempt", post(attempt(cfg, body)), 200, "")
		}
		time.Sleep(5 * time.Minute)
		w.want("the first attempt, captured and sent late", post(first), 401, "timestamp_out_of_tolerance")
		changed := attempt(cfg, body)
		changed.Body = bytes.Replace(changed.Body, []byte("idled"), []byte("gone_"), 1)
		w.want("a changed body", post(changed), 401, "signature_mismatch")
		w.want("another secret", post(attempt(verify.Config{Type: "anthropic", Secrets: []string{"whsec_OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="}}, body)), 401, "signature_mismatch")
		w.want("an event that the rule does not want", post(attempt(cfg, bytes.Replace(body, []byte("session.status_idled"), []byte("vault.created"), 1))), 200, "")

		if got := w.jobs(); got != 1 {
			t.Fatalf("got %d jobs, want 1", got)
		}
		_, list := w.admin(http.MethodGet, "/v1/jobs")
		job := w.until(list["jobs"].([]any)[0].(map[string]any)["id"].(string), "succeeded", time.Minute)
		if e := job["event"].(map[string]any); e["type"] != "session.status_idled" || e["source"] != "anthropic" || e["delivery_id"] != first.Header.Get("Webhook-Id") || e["duplicates"] != 2.0 {
			t.Errorf("got event %v, want its type, source and id, and 2 copies", e)
		}
		time.Sleep(5 * time.Second)
		if n, most := out.counts(); n != 1 || most != 1 || len(w.claude.MessageCalls()) != 1 {
			t.Errorf("got %d deliveries and %d calls, want one of each", n, len(w.claude.MessageCalls()))
		}
		w.explained("timestamp_out_of_tolerance", "signature_mismatch")
	})
}
