package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/verify"
)

const secret = "It's a Secret to Everybody"

// A bench is a receiver over a real ledger, behind a real server.
type bench struct {
	db  *sqlite.DB
	url string
}

func newBench(tb testing.TB, change func(*ingest.Hook), opts func(*ingest.Options)) *bench {
	tb.Helper()
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(tb.TempDir(), "ledger.db"), MinFree: -1})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return serve(tb, db, change, opts)
}

// serve starts a receiver over a ledger that others may use too.
func serve(tb testing.TB, db *sqlite.DB, change func(*ingest.Hook), opts func(*ingest.Options)) *bench {
	tb.Helper()
	o := ingest.Options{Ledger: db, Hooks: map[string]*ingest.Hook{"pr": hook(tb, change)}}
	if opts != nil {
		opts(&o)
	}
	rc, err := ingest.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/hooks/{hook}", rc)
	srv := httptest.NewServer(mux)
	tb.Cleanup(srv.Close)
	return &bench{db: db, url: srv.URL}
}

func hook(tb testing.TB, change func(*ingest.Hook)) *ingest.Hook {
	tb.Helper()
	v, err := verify.New(verify.Config{Type: "github", Secrets: []string{secret}})
	if err != nil {
		tb.Fatal(err)
	}
	h := &ingest.Hook{
		Name: "pr", Source: "github", Verifier: v, BodyLimit: 1 << 20, Remember: 30 * 24 * time.Hour,
		Match:  matcher(tb, `event.type == "pull_request" && payload.action in ["opened", "synchronize"]`),
		Choose: func(*rule.Input) event.JobSpec { return event.JobSpec{Lane: "haiku", Model: "m", Priority: 5} },
	}
	if change != nil {
		change(h)
	}
	return h
}

func matcher(tb testing.TB, src string) func(*rule.Input) (bool, error) {
	tb.Helper()
	r, err := rule.Compile(src, rule.Bool)
	if err != nil {
		tb.Fatal(err)
	}
	return r.Bool
}

// post sends a signed webhook; each header is "Name: value", and one without a
// value takes the header away.
func (b *bench) post(tb testing.TB, body string, headers ...string) (int, map[string]any, http.Header) {
	tb.Helper()
	return b.send(tb, http.MethodPost, "/hooks/pr", strings.NewReader(body), body, headers...)
}

func (b *bench) send(tb testing.TB, method, path string, r io.Reader, signed string, headers ...string) (int, map[string]any, http.Header) {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.url+path, r)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "pull_request")
	req.Header.Set("X-GitHub-Delivery", "d-"+sum(signed)[:16])
	req.Header.Set("X-Hub-Signature-256", "sha256="+sum(signed))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			req.Header.Set(name, value)
		}
	}
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
	return resp.StatusCode, doc, resp.Header
}

func sum(body string) string { return signed(secret, body) }

func code(doc map[string]any) string {
	e, _ := doc["error"].(map[string]any)
	c, _ := e["code"].(string)
	return c
}

const opened = `{"action":"opened","number":7,"repository":{"full_name":"octo/repo"},"pull_request":{"title":"x"}}`

func TestAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	status, doc, header := b.post(t, opened, "Authorization: Bearer leak", "X-Custom: kept")
	if status != http.StatusAccepted || doc["status"] != "accepted" {
		t.Fatalf("got %d %v, want 202 accepted", status, doc)
	}
	id, _ := doc["job"].(string)
	if got, want := header.Get("Location"), "/v1/jobs/"+id; got != want || doc["status_url"] != want {
		t.Errorf("got Location %q, status_url %v, want %q", got, doc["status_url"], want)
	}
	job, err := b.db.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(job.Event.Body); got != opened {
		t.Errorf("got body %q, want %q", got, opened)
	}
	if job.Event.Header["x-custom"] != "kept" {
		t.Errorf("got headers %v, want x-custom", job.Event.Header)
	}
	for name, value := range job.Event.Header {
		if strings.Contains(value, "leak") {
			t.Errorf("header %s was stored", name)
		}
	}
	if job.State != event.Queued || job.Event.Type != "pull_request" {
		t.Errorf("got state %s type %s", job.State, job.Event.Type)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	good := "sha256=" + sum(opened)
	long := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	tests := []struct {
		name, method, path, body string
		headers                  []string
		chunked                  bool
		status                   int
		code                     string
	}{
		{name: "unknown hook", path: "/hooks/none", status: 404, code: "unknown_hook"},
		{name: "wrong method", method: http.MethodPut, status: 405, code: "method_not_allowed"},
		{name: "missing", headers: []string{"X-Hub-Signature-256"}, status: 401, code: "signature_missing"},
		{name: "wrong", headers: []string{"X-Hub-Signature-256: sha256=" + sum("other")}, status: 401, code: "signature_mismatch"},
		{name: "truncated", headers: []string{"X-Hub-Signature-256: " + good[:20]}, status: 401, code: "signature_malformed"},
		{name: "two digits", headers: []string{"X-Hub-Signature-256: sha256=00"}, status: 401, code: "signature_malformed"},
		{name: "trailing garbage", headers: []string{"X-Hub-Signature-256: " + good + "zz;"}, status: 401, code: "signature_malformed"},
		{name: "not ASCII", headers: []string{"X-Hub-Signature-256: sha256=é" + good[9:]}, status: 401, code: "signature_malformed"},
		{name: "downgraded", headers: []string{"X-Hub-Signature-256", "X-Hub-Signature: sha1=" + good[7:47]}, status: 401, code: "signature_downgraded"},
		{name: "changed body", body: opened + " ", headers: []string{"X-Hub-Signature-256: " + good}, status: 401, code: "signature_mismatch"},
		{name: "declared too large", body: long, status: 413, code: "body_too_large"},
		{name: "chunked too large", body: long, chunked: true, status: 413, code: "body_too_large"},
		{name: "multipart", headers: []string{"Content-Type: multipart/form-data; boundary=x"}, status: 415, code: "content_type_unsupported"},
		{name: "broken type", headers: []string{"Content-Type: ;;"}, status: 415, code: "content_type_unsupported"},
		{name: "compressed", headers: []string{"Content-Encoding: gzip"}, status: 415, code: "encoding_unsupported"},
		{name: "signed broken JSON", body: `{"action":`, status: 400, code: "invalid_json"},
		{name: "signed deep nesting", body: strings.Repeat("[", 5000) + strings.Repeat("]", 5000), status: 400, code: "too_deep"},
		{name: "signed empty", body: "", headers: []string{"X-Hub-Signature-256: sha256=" + sum("")}, status: 400, code: "invalid_json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := tt.body
			if body == "" && tt.name != "signed empty" {
				body = opened
			}
			method, path := tt.method, tt.path
			if method == "" {
				method = http.MethodPost
			}
			if path == "" {
				path = "/hooks/pr"
			}
			var r io.Reader = strings.NewReader(body)
			if tt.chunked {
				r = io.MultiReader(r) // hides the length
			}
			status, doc, _ := b.send(t, method, path, r, body, tt.headers...)
			if status != tt.status || code(doc) != tt.code {
				t.Errorf("got %d %v, want %d %s", status, doc, tt.status, tt.code)
			}
		})
	}
}

func TestRepeatedSignature(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/hooks/pr", strings.NewReader(opened))
	req.Header["X-Hub-Signature-256"] = []string{"sha256=" + sum("x"), "sha256=" + sum(opened)}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %d for two signature headers, want 401", resp.StatusCode)
	}
}

func TestIgnoredAndHandshake(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	for _, tt := range []struct{ name, body, event, reason string }{
		{"other action", `{"action":"closed"}`, "pull_request", "not_matched"},
		{"missing field", `{}`, "pull_request", "rule_error: no such key"},
	} {
		status, doc, _ := b.post(t, tt.body, "X-GitHub-Event: "+tt.event)
		reason, _ := doc["reason"].(string)
		if status != http.StatusOK || doc["status"] != "ignored" || !strings.HasPrefix(reason, tt.reason) {
			t.Errorf("%s: got %d %v, want 200 ignored %s", tt.name, status, doc, tt.reason)
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/hooks/pr", strings.NewReader(`{"zen":"x"}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "ping")
	req.Header.Set("X-Hub-Signature-256", "sha256="+sum(`{"zen":"x"}`))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || len(page.Jobs) != 0 {
		t.Errorf("got %d and %d jobs after a ping, want 200 and none", resp.StatusCode, len(page.Jobs))
	}
}

// TestKeyFails: an event that matched becomes a job even where its coalesce key
// cannot be told.
func TestKeyFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(h *ingest.Hook) {
		h.Key = func(*rule.Input) (string, error) { return "", errors.New("no such key: repository") }
		h.Quiet, h.MaxWait = time.Hour, time.Hour
	}, nil)
	status, doc, _ := b.post(t, opened)
	if status != http.StatusAccepted {
		t.Fatalf("got %d %v, want 202", status, doc)
	}
	job, err := b.db.Job(t.Context(), doc["job"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if job.Reason != event.WaitingTurn {
		t.Errorf("got reason %s, want the job to be ready at once", job.Reason)
	}
}

// TestDuplicateStorm sends 500 copies at once, half of them under forged
// delivery ids: one job, and 2xx for everybody.
func TestDuplicateStorm(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil, nil)
	var wg sync.WaitGroup
	var accepted, duplicate, other atomic.Int64
	slots := make(chan struct{}, 64)
	for i := range 500 {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var headers []string
			if i%2 == 1 {
				headers = append(headers, fmt.Sprintf("X-GitHub-Delivery: forged-%d", i))
			}
			status, doc, _ := b.post(t, opened, headers...)
			switch {
			case status == http.StatusAccepted:
				accepted.Add(1)
			case status == http.StatusOK && doc["status"] == "duplicate":
				duplicate.Add(1)
			default:
				other.Add(1)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 1 || duplicate.Load() != 499 {
		t.Errorf("got %d accepted, %d duplicates, %d others; want 1, 499, 0", accepted.Load(), duplicate.Load(), other.Load())
	}
	page, err := b.db.Jobs(t.Context(), event.JobFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Jobs) != 1 {
		t.Errorf("got %d jobs, want 1", len(page.Jobs))
	}
}

// TestOddBodies: whatever bytes a text hook is sent are stored as they are.
func TestOddBodies(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(h *ingest.Hook) { h.Match = nil }, nil)
	for name, body := range map[string]string{
		"NUL in JSON text": `{"action":"opened","x":"a\u0000b"}`,
		"lone surrogate":   `{"action":"opened","x":"\ud800"}`,
		"huge number":      `{"action":"opened","n":1e400}`,
		"duplicate keys":   `{"action":"opened","action":"closed"}`,
		"BOM":              "\xef\xbb\xbf" + `{"action":"opened"}`,
		"invalid UTF-8":    "{\"action\":\"\xff\xfe\"}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, doc, _ := b.post(t, body)
			if status == http.StatusBadRequest {
				return // refused, with a code
			}
			if status != http.StatusAccepted {
				t.Fatalf("got %d %v, want 202 or 400", status, doc)
			}
			job, err := b.db.Job(t.Context(), doc["job"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(job.Event.Body); got != body {
				t.Errorf("got %q, want the bytes that were sent, %q", got, body)
			}
		})
	}
}

// A broken ledger must never lead to a 2xx.
type brokenLedger struct{ err error }

func (l brokenLedger) Accept(context.Context, event.Accept) (event.Receipt, error) {
	return event.Receipt{}, l.err
}
func (l brokenLedger) AcceptAll(context.Context, []event.Accept) ([]event.Receipt, error) {
	return nil, l.err
}
func (brokenLedger) Note(event.Verdict) {}

func TestLedgerFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		code string
	}{
		{event.ErrFull, "store_full"},
		{fmt.Errorf("wrapped: %w", event.ErrClosed), "store_closed"},
		{errors.New("disk on fire"), "store_failed"},
	} {
		b := newBench(t, nil, func(o *ingest.Options) { o.Ledger = brokenLedger{tt.err} })
		status, doc, header := b.post(t, opened)
		if status != http.StatusServiceUnavailable || code(doc) != tt.code || header.Get("Retry-After") == "" {
			t.Errorf("%v: got %d %v Retry-After %q, want 503 %s", tt.err, status, doc, header.Get("Retry-After"), tt.code)
		}
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	for _, ready := range []bool{true, false} {
		b := newBench(t, func(h *ingest.Hook) { h.Wait = time.Second }, func(o *ingest.Options) {
			o.Await = func(context.Context, string, time.Duration) ([]byte, bool) {
				return []byte(`{"state":"succeeded"}`), ready
			}
		})
		status, doc, _ := b.post(t, opened)
		if want := map[bool]int{true: 200, false: 202}[ready]; status != want {
			t.Errorf("ready %v: got %d %v, want %d", ready, status, doc, want)
		}
	}
}

// TestWaitHoldsNoMemory: a request that waits for its result leaves the memory
// for bodies to others.
func TestWaitHoldsNoMemory(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	var inner int
	var b *bench
	b = newBench(t, func(h *ingest.Hook) { h.Wait = time.Second }, func(o *ingest.Options) {
		o.Memory = 1 // raised to what one request takes at most
		o.MemoryWait = time.Millisecond
		o.Await = func(context.Context, string, time.Duration) ([]byte, bool) {
			if calls.Add(1) == 1 {
				inner, _, _ = b.send(t, http.MethodPost, "/hooks/pr", io.MultiReader(strings.NewReader(strings.Replace(opened, "7", "8", 1))), strings.Replace(opened, "7", "8", 1))
			}
			return nil, false
		}
	})
	if status, doc, _ := b.post(t, opened); status != http.StatusAccepted {
		t.Errorf("got %d %v, want 202", status, doc)
	}
	if inner != http.StatusAccepted {
		t.Errorf("got %d for a request during the wait, want 202", inner)
	}
}
