package ingest_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// raw posts a webhook and returns the answer as it is.
func (b *bench) raw(tb testing.TB, body, signature string) (*http.Response, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, b.url+"/hooks/pr", strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "pull_request")
	req.Header.Set("X-GitHub-Delivery", "d-"+sum(body)[:16])
	req.Header.Set("X-Hub-Signature-256", "sha256="+signature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp, string(got)
}

// TestDemanded: every 2xx is the one that the sender demands, whether the event
// was taken, known or not wanted; the refusal has its status too.
func TestDemanded(t *testing.T) {
	t.Parallel()
	const ours = "*" // the body says what happened
	for _, tt := range []struct {
		name           string
		ack            verify.Ack
		status, repeat int
		body, kind     string
		refused        int
	}{
		{"nothing", verify.Ack{}, 202, 200, ours, "application/json", 401},
		{"a status", verify.Ack{Status: 200}, 200, 200, ours, "application/json", 401},
		{"an empty body", verify.Ack{Status: 200, Empty: true}, 200, 200, "", "", 401},
		{"no content", verify.Ack{Status: 204, Empty: true}, 204, 204, "", "", 401},
		{"literal text", verify.Ack{Status: 200, ContentType: "text/plain", Body: "[accepted]"}, 200, 200, "[accepted]", "text/plain", 401},
		{"another refusal", verify.Ack{Refused: 498}, 202, 200, ours, "application/json", 498},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(h *ingest.Hook) { h.Ack = tt.ack }, nil)
			check := func(step, body string, status int) {
				resp, got := b.raw(t, body, sum(body))
				if resp.StatusCode != status || resp.Header.Get("Content-Type") != tt.kind {
					t.Errorf("%s: got %d %q, want %d %q", step, resp.StatusCode, resp.Header.Get("Content-Type"), status, tt.kind)
				}
				if tt.body == ours && !strings.Contains(got, `"status":"`+step) || tt.body != ours && got != tt.body {
					t.Errorf("%s: got body %q, want %q", step, got, tt.body)
				}
			}
			check("accepted", opened, tt.status)
			check("duplicate", opened, tt.repeat)
			check("ignored", `{"action":"closed"}`, tt.repeat)
			if resp, got := b.raw(t, opened, sum("other")); resp.StatusCode != tt.refused || !strings.Contains(got, "signature_mismatch") {
				t.Errorf("refused: got %d %q, want %d", resp.StatusCode, got, tt.refused)
			}
			page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
			if err != nil || len(page.Jobs) != 1 {
				t.Errorf("got %d jobs, %v; want 1", len(page.Jobs), err)
			}
		})
	}
}

// confirming verifies everything as a handshake that must be confirmed.
type confirming struct{ verify.Verifier }

func (confirming) Verify(verify.Request) (verify.Delivery, error) {
	return verify.Delivery{Answer: &verify.Answer{Status: 200, Name: "subscription_confirmation", Confirm: "https://sns.example/?x"}}, nil
}

// TestConfirmation: nobody fetches the URL yet, so that people must hear of it.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := newBench(t, func(h *ingest.Hook) { h.Verifier = confirming{h.Verifier} },
		func(o *ingest.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if resp, _ := b.raw(t, "{}", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", resp.StatusCode)
	}
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "https://sns.example/?x") {
		t.Errorf("got log %q, want a warning with the URL", got)
	}
}

// TestSharedInput: the rules of a hook see one Input.
func TestSharedInput(t *testing.T) {
	t.Parallel()
	var seen []*rule.Input
	b := newBench(t, func(h *ingest.Hook) {
		h.Match = func(in *rule.Input) (bool, error) { seen = append(seen, in); return true, nil }
		h.Key = func(in *rule.Input) (string, error) { seen = append(seen, in); return "k", nil }
		h.Choose = func(in *rule.Input) event.JobSpec {
			seen = append(seen, in)
			return event.JobSpec{Lane: "haiku", Model: "m"}
		}
		h.Quiet, h.MaxWait = time.Second, time.Minute
	}, nil)
	if resp, got := b.raw(t, opened, sum(opened)); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", resp.StatusCode, got)
	}
	if len(seen) != 3 || seen[0] != seen[1] || seen[1] != seen[2] {
		t.Errorf("got inputs %p, want the same one three times", seen)
	}
}

// TestUnsignedHandshake: senders that shake hands before there is a secret, or
// without using it, are answered, and anything else unsigned is not.
func TestUnsignedHandshake(t *testing.T) {
	t.Parallel()
	asana, err := verify.New(verify.Config{Type: "asana", Secrets: []string{"pending"}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	b := newBench(t, func(h *ingest.Hook) { h.Verifier = asana },
		func(o *ingest.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	post := func(name, value string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/hooks/pr", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(name, value)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	if resp := post("X-Hook-Secret", "offered-0123456789"); resp.StatusCode/100 != 2 || resp.Header.Get("X-Hook-Secret") != "offered-0123456789" {
		t.Errorf("got %d %q, want 2xx and the secret back", resp.StatusCode, resp.Header.Get("X-Hook-Secret"))
	}
	if resp := post("X-Other", "x"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %d for an unsigned event, want 401", resp.StatusCode)
	}
	if got := log.String(); !strings.Contains(got, "offered a secret") || strings.Contains(got, "offered-0123456789") {
		t.Errorf("got log %q, want a warning without the secret", got)
	}
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil || len(page.Jobs) != 0 {
		t.Errorf("got %d jobs, %v; want none", len(page.Jobs), err)
	}
}
