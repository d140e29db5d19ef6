package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

var update = flag.Bool("update", false, "write the golden files")

const testKey = "a-key-of-sixteen-characters"

var epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept)\n got: %s\nwant: %s", path, got, want)
	}
}

// indent makes JSON readable for golden files.
func indent(t *testing.T, doc []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, doc, "", "  "); err != nil {
		t.Fatalf("not JSON: %v: %s", err, doc)
	}
	return append(bytes.TrimSpace(b.Bytes()), '\n')
}

// memory is a ledger whose every row the test sets, for states that a real one
// takes long to reach. TestAgainstSQLite goes the whole way on a real one.
type memory struct {
	thrift   []event.ThriftRow
	tenants  []event.TenantCost
	mu       sync.Mutex
	jobs     map[string]event.Job
	drafts   map[string]event.Draft
	lanes    []event.Lane
	costs    []event.CostRow
	verdicts []event.Verdict
	watchers map[string][]chan struct{}
	reads    int // of whole jobs
	fail     error
	done     []string // verbs, as they were carried out
}

func newMemory(jobs ...event.Job) *memory {
	m := &memory{jobs: map[string]event.Job{}, drafts: map[string]event.Draft{}, watchers: map[string][]chan struct{}{}}
	for _, j := range jobs {
		m.jobs[j.ID] = j
	}
	return m
}

// set stores a job and wakes who watches it.
func (m *memory) set(j event.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs[j.ID] = j
	m.wake(j.ID)
}

// draft stores what has streamed in and wakes who watches it.
func (m *memory) draft(id string, attempt int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drafts[id] = event.Draft{Attempt: attempt, Text: text}
	m.wake(id)
}

func (m *memory) wake(id string) {
	for _, c := range m.watchers[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (m *memory) Watch(topic string) (<-chan struct{}, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan struct{}, 1)
	m.watchers[topic] = append(m.watchers[topic], c)
	return c, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watchers[topic] = slices.DeleteFunc(m.watchers[topic], func(x chan struct{}) bool { return x == c })
	}
}

func (m *memory) watching(topic string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.watchers[topic])
}

func (m *memory) Job(_ context.Context, id string) (event.Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	j, ok := m.jobs[id]
	if !ok {
		return j, cmp.Or(m.fail, event.ErrNotFound)
	}
	return j, m.fail
}

func (m *memory) Jobs(_ context.Context, f event.JobFilter) (event.JobPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.Cursor != "" && f.Cursor != "page2" {
		return event.JobPage{}, event.ErrCursor
	}
	var page event.JobPage
	for _, j := range m.jobs {
		if (f.State == "" || f.State == j.State) && (f.Hook == "" || f.Hook == j.Hook) {
			j.Event, j.Result, j.Calls, j.Deliveries = nil, nil, nil, nil
			page.Jobs = append(page.Jobs, j)
		}
	}
	slices.SortFunc(page.Jobs, func(a, b event.Job) int { return cmp.Compare(b.ID, a.ID) })
	if len(page.Jobs) > f.Limit {
		page.Jobs, page.NextCursor = page.Jobs[:f.Limit], "page2"
	}
	return page, m.fail
}

func (m *memory) Draft(_ context.Context, id string) (event.Draft, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.drafts[id]
	if !ok {
		return d, event.ErrNotFound
	}
	return d, nil
}

func (m *memory) Verdicts(_ context.Context, limit int) ([]event.Verdict, error) {
	return m.verdicts[:min(limit, len(m.verdicts))], m.fail
}
func (m *memory) Lane(_ context.Context, name string) (event.Lane, error) {
	for _, l := range m.lanes {
		if l.Name == name {
			return l, m.fail
		}
	}
	return event.Lane{}, event.ErrNotFound
}

func (m *memory) Thrift(context.Context, string, string) ([]event.ThriftRow, error) {
	return m.thrift, nil
}

func (m *memory) TenantCosts(context.Context, string, string, int) ([]event.TenantCost, error) {
	return m.tenants, nil
}

func (m *memory) Lanes(context.Context) ([]event.Lane, error) { return slices.Clone(m.lanes), m.fail }
func (m *memory) Costs(_ context.Context, from, to string) ([]event.CostRow, error) {
	m.did("costs %s %s", from, to)
	return m.costs, m.fail
}
func (m *memory) Stats(context.Context) (event.Stats, error) { return event.Stats{}, m.fail }

func (m *memory) did(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = append(m.done, fmt.Sprintf(format, args...))
}

func (m *memory) verb(format, id string, possible func(event.State) bool) error {
	m.mu.Lock()
	j, ok := m.jobs[id]
	m.mu.Unlock()
	switch {
	case !ok:
		return event.ErrNotFound
	case !possible(j.State):
		return event.ErrState
	}
	m.did(format, id)
	return nil
}

func (m *memory) Cancel(_ context.Context, id string, _ time.Time) error {
	return m.verb("cancel %s", id, func(s event.State) bool { return !s.Terminal() })
}
func (m *memory) Redeliver(_ context.Context, id string, _ time.Time) (int, error) {
	return 2, m.verb("redeliver %s", id, func(s event.State) bool { return s == event.Succeeded })
}
func (m *memory) Rerun(_ context.Context, id string, spec event.JobSpec, _ time.Time) error {
	return m.verb("rerun %s as "+spec.ID+" in "+spec.Lane, id, event.State.Terminal)
}
func (m *memory) PauseLane(_ context.Context, p event.LanePause, _ time.Time) error {
	m.did("pause %s %s %q %s", p.Lane, p.Reason, p.Detail, p.Until.Format(time.RFC3339))
	return nil
}
func (m *memory) ResumeLane(_ context.Context, lane string, _ time.Time) error {
	m.did("resume %s", lane)
	return nil
}

// A server is an API behind net/http on both listeners, over connections in
// memory, so that it runs in a synctest bubble too.
type server struct {
	api           *api.API
	public, admin *pipeServer
}

// A ledger is all that an API stands on.
type ledger interface {
	api.Reader
	api.Admin
	api.Signals
}

// serve starts one with the routes that a server of Forebay has.
func serve(t *testing.T, m ledger, change func(*api.Options)) *server {
	t.Helper()
	o := api.Options{Reader: m, Admin: m, Signals: m, Keys: []string{"some-other-key-12", testKey}, Now: time.Now}
	if change != nil {
		change(&o)
	}
	a, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	public, admin := http.NewServeMux(), http.NewServeMux()
	public.Handle("GET /v1/jobs/{id}", a.Public(a.Job))
	public.Handle("GET /v1/jobs/{id}/stream", a.Public(a.Stream))
	public.Handle("GET /healthz", a.Open(a.Health))
	public.Handle("GET /readyz", a.Open(a.Ready))
	for pattern, h := range adminRoutes(a) {
		admin.Handle(pattern, h)
	}
	return &server{api: a, public: startPipe(t, a.JSONErrors(public)), admin: startPipe(t, a.JSONErrors(admin))}
}

func adminRoutes(a *api.API) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/jobs":                 a.Operator(a.Jobs),
		"GET /v1/jobs/{id}":            a.Operator(a.Job),
		"GET /v1/jobs/{id}/stream":     a.Operator(a.Stream),
		"GET /v1/jobs/{id}/event":      a.Operator(a.Event),
		"POST /v1/jobs/{id}/redeliver": a.Operator(a.Redeliver),
		"POST /v1/jobs/{id}/rerun":     a.Operator(a.Rerun),
		"POST /v1/jobs/{id}/cancel":    a.Operator(a.Cancel),
		"GET /v1/events":               a.Operator(a.Events),
		"GET /v1/lanes":                a.Operator(a.Lanes),
		"POST /v1/lanes/{lane}/pause":  a.Operator(a.PauseLane),
		"POST /v1/lanes/{lane}/resume": a.Operator(a.ResumeLane),
		"GET /v1/costs":                a.Operator(a.Costs),
		"GET /metrics":                 a.Operator(a.Metrics),
		"GET /healthz":                 a.Open(a.Health),
		"GET /readyz":                  a.Open(a.ReadyDetail),
		"GET /openapi.json":            a.Open(a.OpenAPI),
	}
}

// A pipeServer is an http.Server over net.Pipe.
type pipeServer struct {
	client *http.Client
	conns  chan net.Conn
	closed chan struct{}
}

func startPipe(t *testing.T, h http.Handler) *pipeServer {
	p := &pipeServer{conns: make(chan net.Conn), closed: make(chan struct{})}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) }}
	p.client = &http.Client{Transport: transport}
	srv := &http.Server{Handler: h}
	var done sync.WaitGroup
	done.Go(func() { _ = srv.Serve(p) })
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		done.Wait()
	})
	return p
}

func (p *pipeServer) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipeServer) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipeServer) Close() error   { close(p.closed); return nil }
func (p *pipeServer) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8081} }

// An answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of an error, and fails the test for an error of another
// shape.
func (a answer) code(t *testing.T) string {
	t.Helper()
	var doc struct {
		Error *event.Failure `json:"error"`
	}
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil || doc.Error == nil || doc.Error.Message == "" {
		t.Fatalf("%d is not an error of our shape: %v: %s", a.status, err, a.body)
	}
	return doc.Error.Code
}

// ask sends a request with the key; headers are name, value pairs, and an empty
// value takes one away.
func (p *pipeServer) ask(t *testing.T, method, path string, headers ...string) answer {
	t.Helper()
	return p.send(t, method, path, nil, headers...)
}

func (p *pipeServer) send(t *testing.T, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	resp := p.open(t, t.Context(), method, path, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: text}
}

func (p *pipeServer) open(t *testing.T, ctx context.Context, method, path string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost:8081"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; {
		case name == "Host":
			req.Host = value
		case value == "":
			req.Header.Del(name)
		default:
			req.Header.Set(name, value)
		}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp
}
