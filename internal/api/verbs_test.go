package api_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func respec(j event.Job) (event.JobSpec, error) {
	if j.Hook != "pr-summary" {
		return event.JobSpec{}, errors.New("the hook " + j.Hook + " is not configured any more")
	}
	return event.JobSpec{Lane: "sonnet"}, nil
}

func TestVerbs(t *testing.T) {
	t.Parallel()
	orphan := wholeJob()
	orphan.ID, orphan.Hook = "job_03", "gone"
	for _, tt := range []struct {
		path   string
		status int
		code   string
		did    string // a prefix
	}{
		{"/v1/jobs/job_01/redeliver", 202, "", "redeliver job_01"},
		{"/v1/jobs/job_01/rerun", 202, "", "rerun job_01 as job_"},
		{"/v1/jobs/job_02/cancel", 200, "", "cancel job_02"},
		{"/v1/jobs/job_02/redeliver", 409, "wrong_state", ""},
		{"/v1/jobs/job_02/rerun", 409, "wrong_state", ""},
		{"/v1/jobs/job_01/cancel", 409, "wrong_state", ""},
		{"/v1/jobs/job_03/rerun", 409, "rerun_impossible", ""},
		{"/v1/jobs/none/rerun", 404, "not_found", ""},
		{"/v1/jobs/none/cancel", 404, "not_found", ""},
		{"/v1/jobs/none/redeliver", 404, "not_found", ""},
		{"/v1/jobs/..%2f..%2fetc/cancel", 404, "not_found", ""},
		{"/v1/jobs/job_02/cancel?dry_run=1", 400, "query_unknown", ""},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			m := newMemory(wholeJob(), queuedJob(), orphan)
			s := serve(t, m, func(o *api.Options) { o.Respec = respec })
			got := s.admin.ask(t, "POST", tt.path)
			if got.status != tt.status {
				t.Fatalf("got %d %s, want %d", got.status, got.body, tt.status)
			}
			if tt.code != "" && got.code(t) != tt.code {
				t.Errorf("got %s, want %s", got.code(t), tt.code)
			}
			if did := strings.Join(m.done, "\n"); !strings.HasPrefix(did, tt.did) || tt.did == "" && did != "" {
				t.Errorf("it did %q, want %q", did, tt.did)
			}
		})
	}
}

func TestRerunSaysThatItPays(t *testing.T) {
	t.Parallel()
	m := newMemory(wholeJob())
	s := serve(t, m, func(o *api.Options) { o.Respec = respec })
	got := s.admin.ask(t, "POST", "/v1/jobs/job_01/rerun")
	var view api.VerbView
	if err := json.Unmarshal(got.body, &view); err != nil {
		t.Fatal(err)
	}
	if !view.Billed || view.RerunOf != "job_01" || view.Job == "job_01" || got.header.Get("Location") != "/v1/jobs/"+view.Job {
		t.Errorf("got %s, Location %q", got.body, got.header.Get("Location"))
	}
	if !slices.Contains(m.done, "rerun job_01 as "+view.Job+" in sonnet") {
		t.Errorf("it did %q", m.done)
	}
	free := s.admin.ask(t, "POST", "/v1/jobs/job_01/redeliver")
	if !strings.Contains(string(free.body), `"deliveries":2,"billed":false`) {
		t.Errorf("redeliver: got %s", free.body)
	}
}

func TestLanes(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.lanes = []event.Lane{
		{Name: "sonnet", Paused: true, Reason: "spend_cap", Detail: "the account's monthly cap is reached", Queued: 7, UpdatedAt: epoch},
		{Name: "haiku", Paused: true, Reason: "rate_limited", Until: epoch, Queued: 3, Running: 2}, // over since 2026-11-25
	}
	s := serve(t, m, func(o *api.Options) {
		o.Lanes = []string{"opus", "haiku"}
		o.Now = clockAt(epoch.AddDate(0, 0, 1))
	})
	got := s.admin.ask(t, "GET", "/v1/lanes")
	if got.status != 200 {
		t.Fatalf("got %d", got.status)
	}
	golden(t, "lanes.json", indent(t, got.body))
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, body string
		status     int
		did        string
	}{
		{"/v1/lanes/haiku/pause", "", 200, `pause haiku operator "paused by an operator" 0001-01-01T00:00:00Z`},
		{"/v1/lanes/haiku/pause", `{"detail":"deploy","for":"30m"}`, 200, `pause haiku operator "deploy" 2026-11-25T12:30:00Z`},
		{"/v1/lanes/haiku/pause", `{"until":"2026-11-25T15:00:00+02:00"}`, 200, `pause haiku operator "paused by an operator" 2026-11-25T13:00:00Z`},
		{"/v1/lanes/haiku/pause", `{"until":"2026-11-25T11:00:00Z"}`, 400, ""},
		{"/v1/lanes/haiku/pause", `{"for":"-1h"}`, 400, ""},
		{"/v1/lanes/haiku/pause", `{"for":"1h","until":"2026-11-25T13:00:00Z"}`, 400, ""},
		{"/v1/lanes/haiku/pause", `{"four":"1h"}`, 400, ""},
		{"/v1/lanes/haiku/pause", `{"for":"1h"}{"for":"2h"}`, 400, ""},
		{"/v1/lanes/haiku/pause", `[]`, 400, ""},
		{"/v1/lanes/haiku/pause", `{"detail":"` + strings.Repeat("x", 201) + `"}`, 400, ""},
		{"/v1/lanes/haiku/pause", strings.Repeat(" ", 8<<10) + "{}", 400, ""},
		{"/v1/lanes/hiaku/pause", "", 404, ""},
		{"/v1/lanes/hiaku/resume", "", 404, ""},
		{"/v1/lanes/haiku/resume", "", 200, "resume haiku"},
	} {
		m := newMemory()
		s := serve(t, m, func(o *api.Options) { o.Lanes, o.Now = []string{"haiku"}, clockAt(epoch) })
		got := s.admin.send(t, "POST", tt.path, strings.NewReader(tt.body))
		if got.status != tt.status || strings.Join(m.done, "\n") != tt.did {
			t.Errorf("%s %.60s: got %d %s and %q, want %d and %q", tt.path, tt.body, got.status, got.body, m.done, tt.status, tt.did)
		}
		if tt.status >= 400 {
			got.code(t)
		}
	}
}
