package ingest_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// A keeping ledger keeps the last event: a copy, as the body is lent.
type keeping struct {
	sink
	last event.Event
}

func (l *keeping) Accept(ctx context.Context, a event.Accept) (event.Receipt, error) {
	l.last = a.Event
	l.last.Body, l.last.Payload = bytes.Clone(a.Event.Body), bytes.Clone(a.Event.Payload)
	return l.sink.Accept(ctx, a)
}

// TestCredentialsAreNotStored: senders that show their secret in the body or in
// the URL have the rest of both stored.
func TestCredentialsAreNotStored(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-the-sender"
	for sender, body := range map[string]string{
		"figma":            `{"event_type":"FILE_UPDATE","file_key":"f"}`,
		"microsoft-graph":  `{"value":[{"changeType":"updated"}]}`,
		"azure-event-grid": `[{"id":"1","eventType":"t"}]`,
	} {
		source := verify.Config{Type: sender, Secrets: []string{secret}}
		v, err := verify.New(source)
		if err != nil {
			t.Fatal(err)
		}
		kept := &keeping{sink: sink{t: t}}
		rc, err := ingest.New(ingest.Options{Ledger: kept, Hooks: map[string]*ingest.Hook{"in": {
			Name: "in", Source: sender, Verifier: v, BodyLimit: 1 << 20, Choose: func(*rule.Input) event.JobSpec { return event.JobSpec{} },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := verify.Sign(source, verify.SignInput{Body: []byte(body), URL: "/hooks/in?a=1", Now: time.Now(), Header: http.Header{"Content-Type": {"application/json"}}})
		if err != nil {
			t.Fatal(err)
		}
		if whole := r.URL + string(r.Body); !strings.Contains(whole, secret) {
			t.Fatalf("%s: a secret somewhere else: %s", sender, whole)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, r.URL, strings.NewReader(string(r.Body)))
		req.Header = r.Header
		req.SetPathValue("hook", "in")
		rec := httptest.NewRecorder()
		rc.ServeHTTP(rec, req)
		if rec.Code/100 != 2 || len(kept.last.Body) == 0 {
			t.Fatalf("%s: got %d %s, and stored %q", sender, rec.Code, rec.Body, kept.last.Body)
		}
		e := kept.last
		if strings.Contains(string(e.Body)+string(e.Payload)+e.Query, secret) || e.Query != "a=1" {
			t.Errorf("%s: stored %s, %s, query %q", sender, e.Body, e.Payload, e.Query)
		}
	}
}
