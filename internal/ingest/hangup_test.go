package ingest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/verify"
)

// TestHangUp: an event that has arrived whole is stored although its sender is
// gone, alone and as one of several: GitHub, for one, does not send it again.
func TestHangUp(t *testing.T) {
	t.Parallel()
	source := verify.Config{Type: "dropbox", Secrets: []string{secret}}
	v, err := verify.New(source)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil, nil)
	rc, err := ingest.New(ingest.Options{Ledger: b.db, Hooks: map[string]*ingest.Hook{
		"pr":  hook(t, nil),
		"box": hook(t, func(h *ingest.Hook) { h.Name, h.Source, h.Verifier, h.Match = "box", "dropbox", v, nil }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	const changes = `{"list_folder":{"accounts":["dbid:a","dbid:b"]}}`
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for name, body := range map[string]string{"pr": opened, "box": changes} {
		req := httptest.NewRequestWithContext(gone, http.MethodPost, "/hooks/"+name, strings.NewReader(body))
		req.SetPathValue("hook", name)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-GitHub-Event", "pull_request")
		req.Header.Set("X-Hub-Signature-256", "sha256="+sum(body))
		req.Header.Set("X-Dropbox-Signature", sum(body))
		w := httptest.NewRecorder()
		rc.ServeHTTP(w, req)
		if w.Code != http.StatusAccepted {
			t.Errorf("%s: got %d %s, want 202", name, w.Code, w.Body)
		}
	}
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil || len(page.Jobs) != 3 {
		t.Errorf("got %d jobs, %v; want 3", len(page.Jobs), err)
	}
}

// TestHalfClosed: a sender that closes its half of the connection after the
// request reads its answer on the other.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /hooks/pr HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"X-GitHub-Event: pull_request\r\nX-Hub-Signature-256: sha256=%s\r\n\r\n%s", len(opened), sum(opened), opened)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if want := "HTTP/1.1 202 "; err != nil || !strings.HasPrefix(string(got), want) {
		t.Errorf("got %q, %v; want %s", got, err, want)
	}
}
