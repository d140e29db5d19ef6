package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func manyJobs(n int) []event.Job {
	var jobs []event.Job
	for i := range n {
		j := queuedJob()
		j.ID, j.Cost = fmt.Sprintf("job_%04d", i), new(event.NanoUSD(i)*1_000_000)
		if i%2 == 1 {
			j.State = event.Dead
		}
		jobs = append(jobs, j)
	}
	return jobs
}

func TestJobs(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(manyJobs(120)...), nil)
	for _, tt := range []struct {
		query string
		first string
		n     int
		next  string
	}{
		{"", "job_0119", 50, "page2"},
		{"?limit=500", "job_0119", 120, ""},
		{"?limit=1", "job_0119", 1, "page2"},
		{"?state=queued", "job_0118", 50, "page2"},
		{"?state=succeeded", "", 0, ""},
		{"?hook=nope&state=dead", "", 0, ""},
		{"?cursor=page2&limit=500", "job_0119", 120, ""},
	} {
		got := s.admin.ask(t, "GET", "/v1/jobs"+tt.query)
		var list api.JobList
		if err := json.Unmarshal(got.body, &list); err != nil || got.status != 200 {
			t.Fatalf("%s: %d %v", tt.query, got.status, err)
		}
		if list.Jobs == nil || len(list.Jobs) != tt.n || list.NextCursor != tt.next || tt.n > 0 && list.Jobs[0].ID != tt.first {
			t.Errorf("%s: got %d jobs, next %q", tt.query, len(list.Jobs), list.NextCursor)
		}
	}
	one := s.admin.ask(t, "GET", "/v1/jobs?limit=1")
	golden(t, "jobs.json", indent(t, one.body))
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(manyJobs(3)...), nil)
	for _, tt := range []struct{ path, code string }{
		{"/v1/jobs?state=bogus", "state_unknown"},
		{"/v1/jobs?state=" + url.QueryEscape(strings.Repeat("\x00<script>", 500)), "state_unknown"},
		{"/v1/jobs?limit=0", "limit_invalid"},
		{"/v1/jobs?limit=-1", "limit_invalid"},
		{"/v1/jobs?limit=501", "limit_invalid"},
		{"/v1/jobs?limit=99999999999999999999", "limit_invalid"},
		{"/v1/jobs?limit=ten", "limit_invalid"},
		{"/v1/jobs?cursor=garbage", "cursor_invalid"},
		{"/v1/jobs?cursor=" + strings.Repeat("A", 5000), "cursor_invalid"},
		{"/v1/jobs?q=" + strings.Repeat("A", 5000), "query_too_long"},
		{"/v1/jobs?sate=dead", "query_unknown"},
		{"/v1/jobs?state=dead&state=queued", "query_repeated"},
		{"/v1/events?limit=1e3", "limit_invalid"},
		{"/v1/events?hook=x", "query_unknown"},
		{"/v1/lanes?x=1", "query_unknown"},
		{"/v1/costs?from=yesterday", "day_invalid"},
		{"/v1/costs?to=2026-02-30", "day_invalid"},
		{"/v1/costs?from=2026-11-25&to=2026-11-24", "days_invalid"},
		{"/v1/costs?from=0001-01-01", "days_invalid"},
	} {
		got := s.admin.ask(t, "GET", tt.path)
		if got.status != 400 || got.code(t) != tt.code {
			t.Errorf("%.60s: got %d %s, want %s", tt.path, got.status, got.code(t), tt.code)
		}
		if len(got.body) > 600 {
			t.Errorf("%.60s: the answer repeats %d bytes", tt.path, len(got.body))
		}
	}
}
