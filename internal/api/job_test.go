package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func TestETag(t *testing.T) {
	t.Parallel()
	m := newMemory(wholeJob())
	s := serve(t, m, nil)
	first := s.public.ask(t, "GET", "/v1/jobs/job_01")
	tag := first.header.Get("ETag")
	if first.status != http.StatusOK || !strings.HasPrefix(tag, `"`) || first.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d, ETag %s, Cache-Control %q", first.status, tag, first.header.Get("Cache-Control"))
	}
	for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		got := s.public.ask(t, "GET", "/v1/jobs/job_01", "If-None-Match", match)
		if got.status != http.StatusNotModified || len(got.body) != 0 || got.header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: got %d %q", match, got.status, got.body)
		}
	}
	if got := s.public.ask(t, "GET", "/v1/jobs/job_01", "If-None-Match", `"other"`); got.status != http.StatusOK {
		t.Errorf("another tag: got %d, want 200", got.status)
	}
	changed := wholeJob()
	changed.Deliveries[1].Attempts++
	m.set(changed)
	if got := s.public.ask(t, "GET", "/v1/jobs/job_01", "If-None-Match", tag); got.status != http.StatusOK || got.header.Get("ETag") == tag {
		t.Errorf("a changed delivery: got %d with tag %s, want 200 and another tag", got.status, got.header.Get("ETag"))
	}
}

func TestJobRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(wholeJob()), nil)
	for _, tt := range []struct {
		path   string
		status int
		code   string
	}{
		{"/v1/jobs/job_none", 404, "not_found"},
		{"/v1/jobs/" + strings.Repeat("x", 5000), 404, "not_found"},
		{"/v1/jobs/%00%ff'%3B--", 404, "not_found"},
		{"/v1/jobs/job_01?wait=soon", 400, "wait_invalid"},
		{"/v1/jobs/job_01?wait=-1s", 400, "wait_invalid"},
		{"/v1/jobs/job_01?wait=1s&wait=2s", 400, "query_repeated"},
		{"/v1/jobs/job_01?wiat=1s", 400, "query_unknown"},
		{"/v1/jobs/job_01?%zz", 400, "query_malformed"},
		{"/v1/nothing", 404, "not_found"},
	} {
		got := s.public.ask(t, "GET", tt.path)
		if got.status != tt.status || got.code(t) != tt.code {
			t.Errorf("%.60s: got %d %s, want %d %s", tt.path, got.status, got.code(t), tt.status, tt.code)
		}
	}
}

func TestFaultsOfOursStayInside(t *testing.T) {
	t.Parallel()
	m := newMemory(wholeJob())
	m.fail = errors.New("disk /var/secret/path is broken")
	got := serve(t, m, nil).public.ask(t, "GET", "/v1/jobs/job_01")
	if got.status != 500 || got.code(t) != "internal" || strings.Contains(string(got.body), "secret") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	m.fail = event.ErrClosed
	got = serve(t, m, nil).public.ask(t, "GET", "/v1/jobs/job_01")
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("closed store: got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
}

func TestLongPoll(t *testing.T) {
	t.Parallel()
	running := queuedJob()
	running.State, running.Reason = event.Running, ""
	later := queuedJob()
	later.Until = later.Until.Add(time.Minute)
	for _, tt := range []struct {
		name   string
		first  event.Job
		match  bool // send the ETag of the first
		wait   string
		change *event.Job // after 7s; nil: none
		silent bool       // the change is not signalled
		want   int
		took   time.Duration
	}{
		{name: "a new state ends the wait", first: queuedJob(), wait: "30s", change: &running, want: 200, took: 7 * time.Second},
		{name: "a new state ends it without a signal, at the next look", first: queuedJob(), wait: "30s", change: &running, silent: true, want: 200, took: 10 * time.Second},
		{name: "another until does not", first: queuedJob(), wait: "30s", change: &later, want: 200, took: 30 * time.Second},
		{name: "with the ETag it does", first: queuedJob(), match: true, wait: "30s", change: &later, want: 200, took: 7 * time.Second},
		{name: "nothing new", first: queuedJob(), wait: "30s", want: 200, took: 30 * time.Second},
		{name: "nothing new since the ETag", first: queuedJob(), match: true, wait: "30s", want: 304, took: 30 * time.Second},
		{name: "at most a minute", first: queuedJob(), match: true, wait: "48h", want: 304, took: time.Minute},
		{name: "a finished job does not wait", first: wholeJob(), wait: "30s", want: 200},
		{name: "unless its deliveries may change", first: wholeJob(), match: true, wait: "30s", want: 304, took: 30 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(tt.first)
				s := serve(t, m, nil)
				var headers []string
				if tt.match {
					headers = []string{"If-None-Match", s.public.ask(t, "GET", "/v1/jobs/"+tt.first.ID).header.Get("ETag")}
				}
				if tt.change != nil {
					time.AfterFunc(7*time.Second, func() {
						if tt.silent {
							m.mu.Lock()
							m.jobs[tt.change.ID] = *tt.change
							m.mu.Unlock()
							return
						}
						m.set(*tt.change)
					})
				}
				start := time.Now()
				got := s.public.ask(t, "GET", "/v1/jobs/"+tt.first.ID+"?wait="+tt.wait, headers...)
				if took := time.Since(start); got.status != tt.want || took != tt.took {
					t.Errorf("got %d after %v, want %d after %v: %s", got.status, took, tt.want, tt.took, got.body)
				}
				if n := m.watching(tt.first.ID); n != 0 {
					t.Errorf("%d watches are left", n)
				}
			})
		})
	}
}

func TestLongPollsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newMemory(queuedJob()), func(o *api.Options) { o.MaxWaiting = 1 })
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			req, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost/v1/jobs/job_02?wait=60s", nil)
			req.Header.Set("Authorization", "Bearer "+testKey)
			if resp, err := s.public.client.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
		synctest.Wait()
		if got := s.public.ask(t, "GET", "/v1/jobs/job_02?wait=1s"); got.status != 503 || got.code(t) != "too_many_waiting" {
			t.Errorf("a second one: got %d", got.status)
		}
		if got := s.public.ask(t, "GET", "/v1/jobs/job_02"); got.status != 200 {
			t.Errorf("one that does not wait: got %d", got.status)
		}
		cancel()
		<-gone
		synctest.Wait()
		if got := s.public.ask(t, "GET", "/v1/jobs/job_02?wait=1s"); got.status != 200 {
			t.Errorf("after the first went away: got %d", got.status)
		}
	})
}

func TestDrainEndsLongPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newMemory(queuedJob()), nil)
		time.AfterFunc(3*time.Second, s.api.Drain)
		start := time.Now()
		got := s.public.ask(t, "GET", "/v1/jobs/job_02?wait=60s")
		if took := time.Since(start); got.status != 200 || took != 3*time.Second {
			t.Errorf("got %d after %v", got.status, took)
		}
	})
}
