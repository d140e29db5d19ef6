package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/verify"
)

// lineHook is a hook whose sender puts several events into one body.
func lineHook(tb testing.TB, change func(*ingest.Hook)) func(*ingest.Hook) {
	tb.Helper()
	v, err := verify.New(lineSource)
	if err != nil {
		tb.Fatal(err)
	}
	return func(h *ingest.Hook) {
		h.Source, h.Verifier = "line", v
		h.Match = matcher(tb, `event.type == "message" && payload.mode == "active"`)
		if change != nil {
			change(h)
		}
	}
}

var lineSource = verify.Config{Type: "line", Secrets: []string{secret}}

// line sends a body as LINE would.
func (b *bench) line(tb testing.TB, body string) (int, map[string]any) {
	tb.Helper()
	signed, err := verify.Sign(lineSource, verify.SignInput{Body: []byte(body), Now: time.Now()})
	if err != nil {
		tb.Fatal(err)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, b.url+"/hooks/pr", bytes.NewReader(signed.Body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header = signed.Header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		tb.Fatalf("answer %d is not JSON: %q", resp.StatusCode, raw)
	}
	return resp.StatusCode, doc
}

// said is one event of LINE.
func said(id, kind string) string {
	return fmt.Sprintf(`{"webhookEventId":%q,"type":%q,"mode":"active","timestamp":1760000000123,"source":{"userId":"u-%s"}}`, id, kind, id)
}

func events(list ...string) string {
	return `{"destination":"x","events":[` + strings.Join(list, ",") + `]}`
}

// TestBatch: every event of a body has its own verdict, keys and job.
func TestBatch(t *testing.T) {
	t.Parallel()
	b := newBench(t, lineHook(t, nil), nil)
	want := func(what string, body string, status int, counts ...any) {
		t.Helper()
		got, doc := b.line(t, body)
		jobs, _ := doc["jobs"].([]any)
		if got != status || fmt.Sprint(doc["status"], doc["accepted"], doc["duplicates"], doc["ignored"], len(jobs)) != fmt.Sprint(counts...) {
			t.Errorf("%s: got %d %v, want %d %v", what, got, doc, status, counts)
		}
	}
	first := events(said("a", "message"), said("b", "unfollow"), said("c", "message"))
	want("three", first, 202, "accepted", 2, 0, 1, 2)
	want("the same three", first, 200, "duplicate", 0, 2, 1, 0)
	want("an old one among new ones", events(said("d", "message"), said("a", "message"), said("d", "message")), 202, "accepted", 1, 2, 0, 1)
	want("none that matches", events(said("e", "join"), said("f", "join")), 200, "ignored", 0, 0, 2, 0)

	if status, doc := b.line(t, events(said("g", "message"))); status != 202 || doc["job"] == nil || doc["event"] == nil {
		t.Errorf("a batch of one: got %d %v, want the answer to one event", status, doc)
	}
	if status, doc := b.line(t, events(said("h", "join"))); status != 200 || doc["reason"] != "not_matched" {
		t.Errorf("a batch of one that does not match: got %d %v", status, doc)
	}
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil || len(page.Jobs) != 4 {
		t.Fatalf("got %d jobs, %v; want 4", len(page.Jobs), err)
	}
	j, err := b.db.Job(t.Context(), page.Jobs[3].ID)
	if err != nil {
		t.Fatal(err)
	}
	e := j.Event
	if string(e.Data()) != said("a", "message") || e.DeliveryID != "a" || e.Type != "message" || e.Subject != "u-a" || e.Time.UnixMilli() != 1760000000123 {
		t.Errorf("got event %+v, want that of its own part", e)
	}
	verdicts, err := b.db.Verdicts(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, v := range verdicts {
		got[v.Outcome+" "+v.DeliveryID]++
	}
	if len(verdicts) != 13 || got["accepted a"] != 1 || got["duplicate a"] != 2 || got["ignored b"] != 2 || got["duplicate d"] != 1 {
		t.Errorf("got %d verdicts %v, want one for each event", len(verdicts), got)
	}
}

// TestBatchIsOne: what cannot all be stored is not stored at all, and the sender
// is told to come back.
func TestBatchIsOne(t *testing.T) {
	t.Parallel()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "small.db"), MinFree: -1, MaxJobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := newBench(t, lineHook(t, nil), func(o *ingest.Options) { o.Ledger = db })
	if status, doc := b.line(t, events(said("x", "message"), said("y", "message"), said("z", "message"))); status != 503 || code(doc) != "store_full" {
		t.Errorf("three where two have room: got %d %v, want 503", status, doc)
	}
	if status, doc := b.line(t, events(said("x", "message"), said("y", "message"))); status != 202 || doc["accepted"] != 2.0 {
		t.Errorf("got %d %v, want both accepted: nothing of the first body may be left", status, doc)
	}
}

// TestBatchBounds: a body without end is refused whole, broken JSON too, and an
// empty one makes nothing.
func TestBatchBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t, lineHook(t, func(h *ingest.Hook) { h.Match = nil }), nil)
	if status, doc := b.line(t, `{"events":[`+strings.Repeat("1,", 10_000)+`1]}`); status != 400 || code(doc) != "body_malformed" {
		t.Errorf("10,001 events: got %d %v, want 400", status, doc)
	}
	if status, doc := b.line(t, `{"events":[{"webhookEventId":"a"},{"webhookEventId":"b"}],}`); status != 400 || code(doc) != "invalid_json" {
		t.Errorf("broken JSON: got %d %v, want 400", status, doc)
	}
	var many []string
	for i := range 2000 {
		many = append(many, said(fmt.Sprint("m", i), "message"))
	}
	if status, doc := b.line(t, events(many...)); status != 202 || doc["accepted"] != 2000.0 || len(doc["jobs"].([]any)) != 100 {
		t.Errorf("2,000 events: got %d %v", status, doc["accepted"])
	}
	stats, err := b.db.Stats(t.Context())
	if err != nil || stats.Jobs[event.Queued] != 2000 {
		t.Errorf("got %d jobs, %v; want 2000 and none of a refused body", stats.Jobs[event.Queued], err)
	}
}
