package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/web"
)

const testKey = "a-key-of-sixteen-characters"

var epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// hostile is what a sender, a model or a receiver may write into any text.
const hostile = "<script>alert(1)</script>\"' onload=x \u202eevil\u2066 \u200b\x1b[31m\U000E0041 {{.}} javascript:alert(1)"

// books is a ledger to look at.
type books struct {
	jobs []event.Job
	fail error
}

func (b *books) Job(_ context.Context, id string) (event.Job, error) {
	for _, j := range b.jobs {
		if j.ID == id {
			return j, b.fail
		}
	}
	return event.Job{}, event.ErrNotFound
}

func (b *books) Jobs(_ context.Context, f event.JobFilter) (event.JobPage, error) {
	page := event.JobPage{NextCursor: "next&<"}
	for _, j := range b.jobs {
		if f.State == "" || f.State == j.State {
			page.Jobs = append(page.Jobs, j)
		}
	}
	return page, b.fail
}
func (b *books) Draft(context.Context, string) (event.Draft, error) { return event.Draft{}, nil }
func (b *books) Verdicts(context.Context, int) ([]event.Verdict, error) {
	return []event.Verdict{
		{At: epoch, Hook: hostile, Outcome: "refused", Code: hostile, Type: hostile, DeliveryID: hostile, JobID: hostile},
		{At: epoch, Hook: "pr-summary", Outcome: "accepted", Type: "pull_request", DeliveryID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Bytes: 21345, JobID: "job_01kb0"},
	}, nil
}
func (b *books) Lane(context.Context, string) (event.Lane, error) {
	return event.Lane{}, event.ErrNotFound
}

func (b *books) Lanes(context.Context) ([]event.Lane, error) {
	return []event.Lane{
		{Name: "haiku", Queued: 1284, Running: 12},
		{Name: "opus", Paused: true, Reason: "rate_limited", Detail: "429 with retry-after 42", Until: epoch.Add(42 * time.Second), Queued: 3},
		{Name: "batch", Queued: 500},
		{Name: "sonnet", Paused: true, Reason: "spend_cap", Detail: hostile},
	}, nil
}

func (b *books) Batches(context.Context) ([]event.MessageBatch, error) {
	return []event.MessageBatch{
		{ID: "bat_01kb0", Model: "claude-haiku-5-5", State: event.BatchSent, ProviderID: "msgbatch_01", Requests: 4321, CreatedAt: epoch.Add(-20 * time.Minute), ExpectedAt: epoch.Add(40 * time.Minute)},
		{ID: "bat_02", Model: hostile, State: event.BatchIntended, PostedAt: epoch, Requests: 7, LastError: hostile},
	}, nil
}
func (b *books) Thrift(context.Context, string, string) ([]event.ThriftRow, error) {
	return []event.ThriftRow{
		{Day: "2026-11-25", Hook: "pr-summary", Answered: 18234, Superseded: 12, Duplicates: 3, Reused: 41, Saved: 88_000_000},
	}, nil
}

func (b *books) TenantCosts(context.Context, string, string, int) ([]event.TenantCost, error) {
	all := []event.TenantCost{{Account: event.Account{Hook: hostile, Tenant: hostile}, Calls: 2, Unpriced: 2, Estimated: 7_000_000}}
	for i := range 30 {
		all = append(all, event.TenantCost{Account: event.Account{Hook: "pr-summary", Tenant: fmt.Sprint("acme", i)}, Calls: 5, Cost: 12_340_000_000})
	}
	return all, nil
}

func (b *books) Costs(context.Context, string, string) ([]event.CostRow, error) {
	return []event.CostRow{
		{Day: "2026-11-25", Hook: "pr-summary", Model: "claude-haiku-5-5", Calls: 18234, Usage: event.Usage{InputTokens: 30_000_000, CacheRead: 54_000_000, OutputTokens: 5_000_000}, Cost: 61_230_000_000, Batched: 120, BatchSaved: 400_000_000, CacheSaved: 4_500_000_000, Estimated: 30_000_000},
		{Day: "2026-11-25", Hook: hostile, Model: hostile, Calls: 2, Unpriced: 2, UnknownEnds: 1},
	}, nil
}
func (b *books) Stats(context.Context) (event.Stats, error) {
	return event.Stats{
		Jobs:         map[event.State]int{event.Queued: 1287, event.Running: 12, event.Succeeded: 18230, event.Dead: 4},
		Deliveries:   map[event.DeliveryState]int{event.DeliveryDone: 18228, event.DeliveryPending: 2},
		OldestQueued: epoch.Add(-95 * time.Second),
	}, nil
}
func (b *books) Cancel(context.Context, string, time.Time) error               { return nil }
func (b *books) Redeliver(context.Context, string, time.Time) (int, error)     { return 0, nil }
func (b *books) Rerun(context.Context, string, event.JobSpec, time.Time) error { return nil }
func (b *books) PauseLane(context.Context, event.LanePause, time.Time) error   { return nil }
func (b *books) ResumeLane(context.Context, string, time.Time) error           { return nil }
func (b *books) Watch(string) (<-chan struct{}, func())                        { return nil, func() {} }

func someJobs() []event.Job {
	usage := event.Usage{InputTokens: 1200, CacheRead: 3000, OutputTokens: 280}
	base := event.Job{ID: "job_01kb0", EventID: "evt_01kb0", Hook: "pr-summary", State: event.Succeeded, Lane: "haiku", Model: "claude-haiku-5-5",
		Chosen: "hook", Attempts: 2, Subject: "octo/repo#17", Type: "pull_request", CreatedAt: epoch.Add(-3 * time.Minute), FinishedAt: epoch.Add(-2 * time.Minute), Cost: new(event.NanoUSD(2_900_000)),
		Event:  &event.Event{ID: "evt_01kb0", Source: "github", Type: "pull_request", DeliveryID: "72d3162e-cc78", Duplicates: 1, Body: []byte("SECRETBODY"), Header: map[string]string{"x": "SECRETHEADER"}},
		Result: &event.Result{Text: "The change adds a retry to the uploader.\n\n- It keeps the old timeout.\n- Tests cover the new path.", Model: "claude-haiku-5-5", StopReason: "end_turn", Usage: usage, Cost: new(event.NanoUSD(2_900_000)), RequestID: "req_011", Notes: []string{"3 files left out"}},
		Calls: []event.Call{
			{ID: "call_1", Attempt: 1, Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, Outcome: event.CallFailed, Code: "overloaded", Message: "529"},
			{ID: "call_2", Attempt: 2, Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, Outcome: event.CallOK, StopReason: "end_turn", Usage: usage, Cost: new(event.NanoUSD(2_900_000)), RequestID: "req_011"},
		},
		Deliveries: []event.Delivery{
			{ID: "dlv_1", Target: "github_comment", State: event.DeliveryDone, Attempts: 1, URL: "https://github.com/octo/repo/pull/17#issuecomment-1"},
			{ID: "dlv_2", Target: "callback", State: event.DeliveryPending, Attempts: 3, LastError: "503 Service Unavailable", NextAt: epoch.Add(time.Minute)},
		},
	}
	waiting := event.Job{ID: "job_02", EventID: "evt_02", Hook: "pr-summary", State: event.Queued, Reason: event.RateLimited, Until: epoch.Add(42 * time.Second), Model: "claude-haiku-5-5", Type: "pull_request", Subject: "octo/repo#18", CreatedAt: epoch}
	dead := base
	dead.ID, dead.State, dead.Result, dead.LastError = "job_03", event.Dead, nil, &event.Failure{Code: "refusal", Message: "the model refused to answer"}
	reused := base
	reused.ID, reused.ReusedFrom, reused.Calls, reused.LastError = "job_04", "job_01kb0", nil, nil
	evil := base
	evil.ID, evil.Hook, evil.Subject, evil.Type, evil.Model, evil.Chosen = "job_evil", hostile, hostile, hostile, hostile, hostile
	evil.Event = &event.Event{ID: hostile, Source: hostile, Type: hostile, DeliveryID: hostile, Subject: hostile}
	evil.Result = &event.Result{Text: hostile, Model: hostile, StopReason: hostile, RequestID: hostile, Notes: []string{hostile}}
	evil.LastError = &event.Failure{Code: hostile, Message: hostile, Hint: hostile}
	evil.Calls = []event.Call{{Model: hostile, Code: hostile, Message: hostile, RequestID: hostile}}
	evil.Deliveries = []event.Delivery{
		{Target: hostile, LastError: hostile, URL: "javascript:alert(1)"},
		{Target: "callback", URL: "https://x.example/\"><script>alert(1)</script>"},
	}
	return []event.Job{base, waiting, dead, reused, evil}
}

// site serves the pages at real addresses.
func site(t *testing.T, b *books, keys ...string) *httptest.Server {
	t.Helper()
	now := func() time.Time { return epoch }
	a, err := api.New(api.Options{Reader: b, Admin: b, Signals: b, Keys: keys, Now: now, Batches: b.Batches})
	if err != nil {
		t.Fatal(err)
	}
	w, err := web.New(web.Options{Reader: b, API: a, Keys: keys, Now: now, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", w.Guard(w.Status))
	mux.Handle("GET /jobs/{id}", w.Guard(w.Job))
	mux.Handle("GET /login", w.Open(w.LoginForm))
	mux.Handle("POST /login", w.Open(w.Login))
	mux.Handle("POST /logout", w.Open(w.Logout))
	mux.Handle("GET /static/{file}", w.Open(w.Static))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

func get(t *testing.T, client *http.Client, u string) (int, http.Header, string) {
	t.Helper()
	resp, err := client.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestPagesShowWhatMatters(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{jobs: someJobs()})
	for path, wants := range map[string][]string{
		"/": {"rate_limited", "in 42s", "429 with retry-after 42", "octo/repo#18", "$0.00290", "refusal", "18\u202f230", "$61.23", "not known", "The oldest queued job came 1m35s ago", "bat_01kb0", "msgbatch_01", "4321", "in 40m", "in_doubt",
			"at most $0.03", "Budgets count it", "answers used again", "41 jobs", "$0.09", "120 calls", "$0.40", "54\u202f000\u202f000 tokens read", "$4.50", "about $0.04", "about $0.01", "acme18", "$12.34", "at most $0.00700"},
		"/?state=dead":    {"job_03", "Show all"},
		"/jobs/job_01kb0": {"The change adds a retry to the uploader.", "overloaded: 529", "https://github.com/octo/repo/pull/17#issuecomment-1", "503 Service Unavailable", "3 files left out", "forebay jobs redeliver job_01kb0"},
		"/jobs/job_02":    {"It waits: <b>rate_limited</b>", "There is none yet"},
		"/jobs/job_04":    {"Answer of", `<a href="/jobs/job_01kb0">`, "no call was made"},
		"/jobs/job_03":    {"the model refused to answer"},
	} {
		status, header, body := get(t, srv.Client(), srv.URL+path)
		if status != 200 || header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: got %d %s", path, status, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not show %q", path, want)
			}
		}
		for _, hidden := range []string{"SECRETBODY", "SECRETHEADER", "%!"} {
			if strings.Contains(body, hidden) {
				t.Errorf("%s shows %s", path, hidden)
			}
		}
	}
}

// Hostile text is text on every page.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{jobs: someJobs()})
	for _, path := range []string{"/", "/jobs/job_evil", "/?hook=" + url.QueryEscape(hostile) + "&q=" + url.QueryEscape(hostile), "/jobs/" + url.PathEscape(hostile)} {
		_, header, body := get(t, srv.Client(), srv.URL+path)
		scripts := strings.Count(body, "<script")
		if scripts != 1 || strings.Contains(body, "alert(1)</script") || strings.Contains(body, `href="javascript:`) {
			t.Errorf("%s: %d scripts", path, scripts)
		}
		if csp := header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if strings.Contains(body, "style=") || strings.Contains(body, "<style") {
			t.Errorf("%s has inline style, which the policy forbids", path)
		}
	}
	_, _, body := get(t, srv.Client(), srv.URL+"/jobs/job_evil")
	if strings.ContainsAny(body, "\u202e\u2066\u200b\x1b\U000E0041") || !strings.Contains(body, "⟨U&#43;202E⟩evil⟨U&#43;2066⟩") {
		t.Error("hidden characters are not made visible")
	}
}

func TestUnknownPages(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{jobs: someJobs()})
	for _, path := range []string{"/jobs/none", "/jobs/" + strings.Repeat("x", 3000), "/static/nothing", "/static/..%2fweb.go", "/static/..%2ftemplates%2fframe.html"} {
		if status, _, _ := get(t, srv.Client(), srv.URL+path); status != 404 {
			t.Errorf("%.40s: got %d", path, status)
		}
	}
	broken := site(t, &books{fail: errors.New("disk /secret/path")})
	if status, _, body := get(t, broken.Client(), broken.URL+"/"); status != 500 || strings.Contains(body, "/secret/path") {
		t.Errorf("broken store: got %d %s", status, body)
	}
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{}, testKey)
	for file, kind := range map[string]string{"style.css": "text/css", "refresh.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		status, header, _ := get(t, srv.Client(), srv.URL+"/static/"+file)
		if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s: got %d %s", file, status, header.Get("Content-Type"))
		}
	}
}

// Without keys a page of another site cannot read these by DNS rebinding.
func TestForeignHostIsRefused(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{jobs: someJobs()})
	for _, path := range []string{"/", "/jobs/job_01kb0", "/static/style.css", "/login"} {
		req, _ := http.NewRequest("GET", srv.URL+path, nil)
		req.Host = "evil.example"
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 403 {
			t.Errorf("%s: got %d", path, resp.StatusCode)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	srv := site(t, &books{jobs: someJobs()}, "some-other-key-12", testKey)
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}

	if _, _, body := get(t, browser, srv.URL+"/"); !strings.Contains(body, `type="password"`) {
		t.Fatalf("without a session: %s", body)
	}
	post := func(path string, form url.Values, headers ...string) *http.Response {
		t.Helper()
		req, _ := http.NewRequest("POST", srv.URL+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	for _, key := range []string{"", "wrong", testKey[:10], strings.Repeat("x", 10_000)} {
		if resp := post("/login", url.Values{"key": {key}}); resp.StatusCode != 401 || len(resp.Cookies()) != 0 {
			t.Errorf("key %.20q: got %d", key, resp.StatusCode)
		}
	}
	if resp := post("/login", url.Values{"key": {testKey}}, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 {
		t.Errorf("from another site: got %d", resp.StatusCode)
	}
	if _, _, form := get(t, browser, srv.URL+"/login"); !strings.Contains(form, `type="password"`) || strings.Contains(form, `href="/metrics"`) {
		t.Error("who is not logged in is shown a link that needs a key")
	}
	resp := post("/login", url.Values{"key": {testKey}})
	if resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatalf("got %d, cookies %v", resp.StatusCode, resp.Cookies())
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 12*3600 || cookie.Secure || strings.Contains(cookie.Value, testKey) {
		t.Errorf("cookie %+v", cookie)
	}
	if _, _, body := get(t, browser, srv.URL+"/jobs/job_02"); !strings.Contains(body, "rate_limited") || !strings.Contains(body, "Log out") {
		t.Error("the session does not open the page")
	}
	if resp := post("/logout", nil); resp.StatusCode != 303 {
		t.Errorf("logout: got %d", resp.StatusCode)
	}
	if _, _, body := get(t, browser, srv.URL+"/"); !strings.Contains(body, `type="password"`) {
		t.Error("after the logout the page is still open")
	}
	if resp := post("/login", url.Values{"key": {testKey}}, "X-Forwarded-Proto", "https"); !resp.Cookies()[0].Secure {
		t.Error("behind TLS the cookie is not Secure")
	}
}

func TestForgedSessions(t *testing.T) {
	t.Parallel()
	now := epoch
	b := &books{jobs: someJobs()}
	a, err := api.New(api.Options{Reader: b, Admin: b, Signals: b, Keys: []string{testKey}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := web.New(web.Options{Reader: b, API: a, Keys: []string{testKey}, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	login := httptest.NewRecorder()
	req := httptest.NewRequest("POST", "/login", strings.NewReader("key="+testKey))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.Login(login, req)
	good := login.Result().Cookies()[0].Value
	expiry, mac, _ := strings.Cut(good, ".")
	open := func(value string) bool {
		rec, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		req.AddCookie(&http.Cookie{Name: "forebay_session", Value: value})
		w.Guard(w.Status).ServeHTTP(rec, req)
		return rec.Code == 200
	}
	if !open(good) {
		t.Fatal("the good one does not open the page: this test shows nothing")
	}
	for _, forged := range []string{"", ".", expiry, expiry + ".", "." + mac, "9" + good, "99999999999." + mac, good + "A", good[:len(good)-4], expiry + "." + testKey} {
		if open(forged) {
			t.Errorf("%q opens the page", forged)
		}
	}
	now = now.Add(12*time.Hour - time.Second)
	if !open(good) {
		t.Error("it ends too early")
	}
	now = now.Add(time.Second)
	if open(good) {
		t.Error("it never ends")
	}
}
