package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func clockAt(t time.Time) func() time.Time { return func() time.Time { return t } }

func costRows() []event.CostRow {
	return []event.CostRow{
		{Day: "2026-11-24", Hook: "pr-summary", Model: "claude-haiku-5-5", Calls: 10, Usage: event.Usage{InputTokens: 1000, OutputTokens: 200}, Cost: 5_000_000},
		{Day: "2026-11-25", Hook: "pr-summary", Model: "claude-haiku-5-5", Calls: 4, UnknownEnds: 1, Unpriced: 1, Usage: event.Usage{InputTokens: 400}, Cost: 2_000_000},
		{Day: "2026-11-25", Hook: "labels", Model: "house-model", Calls: 2, Unpriced: 2},
	}
}

func TestCosts(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.costs = costRows()
	s := serve(t, m, func(o *api.Options) { o.Now = clockAt(epoch) })
	golden(t, "costs.json", indent(t, s.admin.ask(t, "GET", "/v1/costs").body))
	s.admin.ask(t, "GET", "/v1/costs?from=2026-11-25&to=2026-11-25")
	s.admin.ask(t, "GET", "/v1/costs?to=2026-03-01")
	want := []string{"costs 2026-11-19 2026-11-25", "costs 2026-11-25 2026-11-25", "costs 2026-02-23 2026-03-01"}
	if !slices.Equal(m.done, want) {
		t.Errorf("got %q, want %q", m.done, want)
	}
	m.costs = nil
	if got := s.admin.ask(t, "GET", "/v1/costs"); !strings.Contains(string(got.body), `"by_hook":[],"by_model":[]`) {
		t.Errorf("nothing was spent: got %s", got.body)
	}
}

// The event goes out byte for byte, to operators only, and only while it is
// remembered.
func TestEvent(t *testing.T) {
	t.Parallel()
	odd := wholeJob()
	odd.Event.Hook, odd.Event.Method, odd.Event.ContentType = "pr-summary", "POST", "application/x-www-form-urlencoded"
	odd.Event.Body, odd.Event.Payload = []byte("payload=%7B%7D\x00\xff"), []byte("{}")
	forgotten := wholeJob()
	forgotten.ID, forgotten.Event.Body = "job_02", nil
	s := serve(t, newMemory(odd, forgotten), nil)
	var v api.RawEventView
	if err := json.Unmarshal(s.admin.ask(t, "GET", "/v1/jobs/job_01/event").body, &v); err != nil {
		t.Fatal(err)
	}
	if got, want := v.Event(), *odd.Event; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for path, code := range map[string]string{
		"/v1/jobs/job_02/event":       "not_found",
		"/v1/jobs/none/event":         "not_found",
		"/v1/jobs/job_01/event?raw=1": "query_unknown",
	} {
		if got := s.admin.ask(t, "GET", path).code(t); got != code {
			t.Errorf("%s: got %s, want %s", path, got, code)
		}
	}
	if got := s.public.ask(t, "GET", "/v1/jobs/job_01/event"); got.status != 404 {
		t.Errorf("on the public listener: got %d %s", got.status, got.body)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.verdicts = []event.Verdict{
		{ID: 2, At: epoch, Hook: "pr-summary", Outcome: "refused", Code: "signature_mismatch", Bytes: 21000},
		{ID: 1, At: epoch, Hook: "pr-summary", Outcome: "accepted", Source: "github", Type: "push", DeliveryID: "72d", EventID: "evt_01", JobID: "job_01", Bytes: 10},
	}
	s := serve(t, m, nil)
	golden(t, "events.json", indent(t, s.admin.ask(t, "GET", "/v1/events").body))
	if got := s.admin.ask(t, "GET", "/v1/events?limit=1"); strings.Count(string(got.body), `"hook"`) != 1 {
		t.Errorf("limit 1: got %s", got.body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full on /var/lib/x")
	var now time.Time
	probes := 0
	var fault error
	s := serve(t, newMemory(), func(o *api.Options) {
		o.Now = func() time.Time { return now }
		o.Checks = map[string]func(context.Context) error{
			"store": func(context.Context) error { probes++; return fault },
			"aaa":   func(context.Context) error { return nil },
		}
	})
	look := func(p *pipeServer) answer { return p.ask(t, "GET", "/readyz", "Authorization", "") }

	now = epoch
	if got := look(s.public); got.status != 200 || string(got.body) != `{"status":"ready","checks":[{"name":"aaa","ok":true},{"name":"store","ok":true},{"name":"not_draining","ok":true}]}`+"\n" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	fault = broken
	if got := look(s.public); got.status != 200 || probes != 1 {
		t.Errorf("within the second: got %d after %d probes", got.status, probes)
	}
	now = now.Add(time.Second)
	if got := look(s.public); got.status != 503 || strings.Contains(string(got.body), "disk") {
		t.Errorf("public, broken: got %d %s", got.status, got.body)
	}
	if got := look(s.admin); got.status != 503 || !strings.Contains(string(got.body), "disk full") {
		t.Errorf("admin, broken: got %d %s", got.status, got.body)
	}
	fault, now = nil, now.Add(time.Second)
	if got := look(s.public); got.status != 200 {
		t.Errorf("mended: got %d", got.status)
	}
	s.api.Drain()
	if got := look(s.public); got.status != 503 || !strings.Contains(string(got.body), `"not_draining","ok":false`) {
		t.Errorf("draining: got %d %s", got.status, got.body)
	}
	if got := s.public.ask(t, "GET", "/healthz"); got.status != 200 {
		t.Errorf("liveness while draining: got %d", got.status)
	}
}

// The description names exactly the URLs that are served.
func TestOpenAPINamesEveryURL(t *testing.T) {
	t.Parallel()
	described, err := api.Operations()
	if err != nil {
		t.Fatal(err)
	}
	served := slices.Collect(maps.Keys(adminRoutes(&api.API{})))
	served = append(served, "POST /hooks/{hook}") // the receiver's
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described %q\n   served %q", described, served)
	}
}

// What is served is what the description says: every answer is valid under its
// schema, and has no field that the schema does not name.
func TestOpenAPIDescribesTheAnswers(t *testing.T) {
	t.Parallel()
	m := newMemory(append(manyJobs(2), wholeJob(), queuedJob())...)
	m.lanes = []event.Lane{{Name: "sonnet", Paused: true, Reason: "spend_cap", Detail: "the cap", UpdatedAt: epoch}}
	m.costs = costRows()
	m.verdicts = []event.Verdict{{At: epoch, Hook: "h", Outcome: "refused", Code: "c", Source: "s", Type: "t", DeliveryID: "d", EventID: "e", JobID: "j"}}
	s := serve(t, m, func(o *api.Options) {
		o.Respec = respec
		o.Checks = map[string]func(context.Context) error{"store": func(context.Context) error { return errors.New("no") }}
	})
	schemas := compileSchemas(t, s.admin.ask(t, "GET", "/openapi.json").body)
	for _, tt := range []struct{ method, path, schema string }{
		{"GET", "/v1/jobs", "JobList"},
		{"GET", "/v1/jobs/job_01", "Job"},
		{"GET", "/v1/jobs/job_02", "Job"},
		{"GET", "/v1/jobs/none", "Error"},
		{"GET", "/v1/jobs?state=x", "Error"},
		{"POST", "/v1/jobs/job_01/redeliver", "Verb"},
		{"POST", "/v1/jobs/job_01/rerun", "Verb"},
		{"POST", "/v1/jobs/job_02/cancel", "Verb"},
		{"GET", "/v1/events", "VerdictList"},
		{"GET", "/v1/lanes", "LaneList"},
		{"POST", "/v1/lanes/sonnet/pause", "Lane"},
		{"GET", "/v1/costs", "CostReport"},
		{"GET", "/healthz", "Health"},
		{"GET", "/readyz", "Health"},
	} {
		got := s.admin.ask(t, tt.method, tt.path)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas[tt.schema].Validate(doc); err != nil {
			t.Errorf("%s %s: %v\n%s", tt.method, tt.path, err, got.body)
		}
	}
	if err := schemas["Job"].Validate(map[string]any{"id": "x"}); err == nil {
		t.Error("the schemas hold for anything")
	}
}

// compileSchemas compiles the schemas of an OpenAPI document, closed against
// fields that they do not name.
func compileSchemas(t *testing.T, doc []byte) map[string]*jsonschema.Schema {
	t.Helper()
	var parsed map[string]any
	if err := json.Unmarshal(doc, &parsed); err != nil {
		t.Fatal(err)
	}
	all := parsed["components"].(map[string]any)["schemas"].(map[string]any)
	for _, s := range all {
		s.(map[string]any)["additionalProperties"] = false
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:openapi", parsed); err != nil {
		t.Fatal(err)
	}
	compiled := map[string]*jsonschema.Schema{}
	for name := range all {
		var err error
		if compiled[name], err = compiler.Compile("mem:openapi#/components/schemas/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return compiled
}
