package ingest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/verify"
)

// TestThin: Dropbox sends the same bytes for every change of an account; GitHub,
// as a control, never sends the same bytes for another event.
func TestThin(t *testing.T) {
	t.Parallel()
	source := verify.Config{Type: "dropbox", Secrets: []string{secret}}
	v, err := verify.New(source)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(h *ingest.Hook) { h.Source, h.Verifier, h.Match = "dropbox", v, nil }, nil)
	const body = `{"list_folder":{"accounts":["dbid:a","dbid:b"]}}`
	signed, err := verify.Sign(source, verify.SignInput{Body: []byte(body), Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		status, doc, _ := b.send(t, http.MethodPost, "/hooks/pr", strings.NewReader(body), body, "X-Dropbox-Signature: "+signed.Header.Get("X-Dropbox-Signature"))
		if status != http.StatusAccepted || doc["accepted"] != 2.0 {
			t.Errorf("got %d %v, want two events each time", status, doc)
		}
	}
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil || len(page.Jobs) != 4 || page.Jobs[0].Subject != "dbid:b" {
		t.Errorf("got %d jobs %+v, %v; want 4", len(page.Jobs), page.Jobs, err)
	}
	control := newBench(t, func(h *ingest.Hook) { h.Match = nil }, nil)
	for _, want := range []int{http.StatusAccepted, http.StatusOK} {
		if status, doc, _ := control.post(t, opened, "X-GitHub-Delivery: "+strings.Repeat("x", want)); status != want {
			t.Errorf("the same bytes from GitHub: got %d %v, want %d", status, doc, want)
		}
	}
}
