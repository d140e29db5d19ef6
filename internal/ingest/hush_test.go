package ingest_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/ingest"
)

// TestRefusalsDoNotFillTheLog: whoever sends refused requests gets one line a
// second out of the log, for each hook and reason.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var now atomic.Int64
	b := newBench(t, nil, func(o *ingest.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Now = func() time.Time { return time.Unix(1_800_000_000, now.Load()) }
	})
	refused := func(n int, headers ...string) {
		for range n {
			if status, doc, _ := b.post(t, opened, headers...); status != http.StatusUnauthorized {
				t.Fatalf("got %d %v, want 401", status, doc)
			}
		}
	}
	refused(50, "X-Hub-Signature-256: sha256="+sum("other"))
	refused(5, "X-Hub-Signature-256")
	now.Store(int64(time.Second))
	refused(2, "X-Hub-Signature-256: sha256="+sum("other"))
	var got []string
	for line := range strings.Lines(log.String()) {
		_, after, _ := strings.Cut(line, `msg="webhook refused" `)
		got = append(got, strings.TrimSpace(after))
	}
	want := []string{
		"hook=pr code=signature_mismatch status=401 hushed=0",
		"hook=pr code=signature_missing status=401 hushed=0",
		"hook=pr code=signature_mismatch status=401 hushed=49",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got log\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
