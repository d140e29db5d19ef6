package api_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// A book is a real ledger, and the steps by which a worker writes into it.
type book struct {
	*sqlite.DB
	t     *testing.T
	lease event.Lease
	call  event.Call
}

func openBook(t *testing.T) *book {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "ledger.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &book{DB: db, t: t}
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) accept(n int) string {
	b.t.Helper()
	now := time.Now()
	got, err := b.Accept(b.t.Context(), event.Accept{
		Event: event.Event{
			ID: event.NewID(event.PrefixEvent, now), Hook: "pr-summary", Source: "github", Type: "pull_request",
			DeliveryID: fmt.Sprint("delivery-", n), Subject: fmt.Sprint("octo/repo#", n), ReceivedAt: now, Body: []byte(`{"n":1}`),
		},
		Keys: []event.Key{{Value: fmt.Sprint("id:", n), Redelivers: true}},
		Job:  event.JobSpec{ID: event.NewID(event.PrefixJob, now), Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5},
		Now:  now, ForgetAt: now.Add(time.Hour),
	})
	b.must(err)
	return got.JobID
}

// take leases the next job and begins its call.
func (b *book) take() event.Job {
	b.t.Helper()
	now := time.Now()
	taken, err := b.Take(b.t.Context(), event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Hour), Max: 1, PerHook: 5,
		Admit: func(d event.Desk) event.Plan {
			if len(d.Candidates) == 0 {
				return event.Plan{}
			}
			return event.Plan{Take: []string{d.Candidates[0].JobID}}
		}})
	b.must(err)
	if len(taken.Jobs) != 1 {
		b.t.Fatalf("%d jobs were taken", len(taken.Jobs))
	}
	job := taken.Jobs[0]
	b.lease = job.Lease
	b.call = event.Call{ID: event.NewID(event.PrefixCall, now), JobID: job.Job.ID, Attempt: job.Job.Attempts, Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: now}
	b.must(b.BeginCall(b.t.Context(), b.lease, b.call))
	return job.Job
}

func (b *book) write(offset int, text string) {
	b.t.Helper()
	b.must(b.SaveDraft(b.t.Context(), b.lease, event.DraftChunk{Attempt: b.call.Attempt, Offset: offset, Text: text}))
}

func (b *book) settle(change func(*event.Settlement)) {
	b.t.Helper()
	now := time.Now()
	b.call.EndedAt, b.call.Outcome = now, event.CallOK
	b.call.Usage, b.call.Cost = event.Usage{InputTokens: 100, OutputTokens: 20}, new(event.NanoUSD(2_000_000))
	s := event.Settlement{Lease: b.lease, Now: now, Call: &b.call}
	change(&s)
	b.must(b.Settle(b.t.Context(), s))
}

// One job on a real ledger in fake time, seen through the API alone: it waits,
// streams, is cut by a shutdown that does not count, streams again under the
// same attempt, succeeds, is delivered again and run again.
func TestAgainstSQLite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := openBook(t)
		s := serve(t, b, func(o *api.Options) { o.Respec, o.Lanes = respec, []string{"haiku"} })
		id := b.accept(1)
		path := "/v1/jobs/" + id

		poll := make(chan answer, 1)
		go func() { poll <- s.public.ask(t, "GET", path+"?wait=30s") }()
		r := s.public.follow(t, t.Context(), path+"/stream", nil)
		r.want("state")
		synctest.Wait()
		job := b.take()
		if got := <-poll; got.status != 200 || !strings.Contains(string(got.body), `"state":"running"`) {
			t.Errorf("long poll: got %d %s", got.status, got.body)
		}
		b.write(0, "The change ")
		r.until("delta")
		b.settle(func(s *event.Settlement) {
			s.Again = &event.Again{Reason: event.RetryBackoff, Until: time.Now().Add(time.Second), Free: true}
			s.Call.Outcome, s.Call.Code = event.CallFailed, "shutdown"
		})
		for e := r.until("state"); !strings.Contains(e.data, `"reason":"retry_backoff"`); e = r.until("state") {
		}
		if r.text != "The change " {
			t.Errorf("between the calls the text is %q", r.text)
		}
		cut := *r // a client that was cut off here
		time.Sleep(2 * time.Second)
		if again := b.take(); again.Attempts != job.Attempts {
			t.Fatalf("attempt %d after %d: a free attempt counted", again.Attempts, job.Attempts)
		}
		b.write(0, "This adds €")
		r.until("delta")
		if r.text != "This adds €" {
			t.Errorf("the texts of two calls were mixed: %q", r.text)
		}
		late := s.public.follow(t, t.Context(), path+"/stream", &cut)
		late.until("delta")
		if late.text != "This adds €" {
			t.Errorf("the texts of two calls were mixed over a reconnection: %q", late.text)
		}

		b.settle(func(s *event.Settlement) {
			s.Done = &event.Done{Result: event.Result{Text: "This adds € signs.", Model: "claude-haiku-5-5", StopReason: "end_turn", Usage: s.Call.Usage, Cost: s.Call.Cost},
				Deliveries: []event.Delivery{{ID: "dlv_1", Target: "callback", Spec: json.RawMessage(`{}`)}}}
		})
		for _, r := range []*reader{r, late} {
			if e := r.until("done"); r.text != "This adds € signs." || e.id != "2:20:done" {
				t.Errorf("in the end: %q, id %s", r.text, e.id)
			}
		}
		checkSettledJob(t, s, id)
		checkVerbs(t, s, id)
	})
}

func checkSettledJob(t *testing.T, s *server, id string) {
	t.Helper()
	var job api.JobView
	got := s.public.ask(t, "GET", "/v1/jobs/"+id)
	if err := json.Unmarshal(got.body, &job); err != nil {
		t.Fatal(err)
	}
	if job.State != event.Succeeded || job.Result == nil || len(job.Calls) != 2 || len(job.Deliveries) != 1 || job.Event.DeliveryID != "delivery-1" {
		t.Errorf("got %s", got.body)
	}
	if job.CostUSD == nil || *job.CostUSD != 0.004 || *job.Result.CostUSD != 0.002 {
		t.Errorf("two calls of 0.002 cost %v: %s", job.CostUSD, got.body)
	}
	var list api.JobList
	if err := json.Unmarshal(s.admin.ask(t, "GET", "/v1/jobs?q=octo%2Frepo%231&state=succeeded").body, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Jobs) != 1 || list.Jobs[0].ID != id || list.Jobs[0].CostUSD == nil || *list.Jobs[0].CostUSD != 0.004 {
		t.Errorf("list: %+v", list)
	}
	var costs api.CostReport
	if err := json.Unmarshal(s.admin.ask(t, "GET", "/v1/costs").body, &costs); err != nil {
		t.Fatal(err)
	}
	if costs.Total.Calls != 2 || *costs.Total.CostUSD != 0.004 || len(costs.ByHook) != 1 {
		t.Errorf("costs: %+v", costs)
	}
}

func checkVerbs(t *testing.T, s *server, id string) {
	t.Helper()
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/v1/jobs/" + id + "/redeliver", 202, `"deliveries":1`},
		{"/v1/jobs/" + id + "/cancel", 409, `"wrong_state"`},
		{"/v1/jobs/" + id + "/rerun", 202, `"billed":true`},
		{"/v1/lanes/haiku/pause", 200, `"paused":true,"reason":"operator"`},
		{"/v1/lanes/haiku/resume", 200, `"paused":false`},
	} {
		if got := s.admin.ask(t, "POST", tt.path); got.status != tt.status || !strings.Contains(string(got.body), tt.want) {
			t.Errorf("%s: got %d %s", tt.path, got.status, got.body)
		}
	}
	var list api.JobList
	if err := json.Unmarshal(s.admin.ask(t, "GET", "/v1/jobs?state=queued").body, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Jobs) != 1 || list.Jobs[0].RerunOf != id {
		t.Fatalf("the rerun: %+v", list)
	}
	if got := s.admin.ask(t, "POST", "/v1/jobs/"+list.Jobs[0].ID+"/cancel"); got.status != 200 {
		t.Errorf("cancel the rerun: got %d %s", got.status, got.body)
	}
}

// Pages of a real ledger: every job once, and a cursor that is not one is said
// to be so.
func TestPagesOfSQLite(t *testing.T) {
	t.Parallel()
	b := openBook(t)
	seen := map[string]int{}
	for n := range 25 {
		seen[b.accept(n)] = 0
	}
	s := serve(t, b, nil)
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		var list api.JobList
		got := s.admin.ask(t, "GET", "/v1/jobs?limit=10&cursor="+cursor)
		if err := json.Unmarshal(got.body, &list); err != nil || pages > 3 {
			t.Fatalf("page %d: %v %s", pages, err, got.body)
		}
		for _, j := range list.Jobs {
			seen[j.ID]++
		}
		cursor = list.NextCursor
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was listed %d times", id, n)
		}
	}
	for _, cursor := range []string{"garbage", "j", "j-1", "jzzzzzzzzzzzzzzzzzzzz", "%00", "'%3Bdrop"} {
		if got := s.admin.ask(t, "GET", "/v1/jobs?cursor="+cursor); got.status != 400 || got.code(t) != "cursor_invalid" {
			t.Errorf("cursor %q: got %d %s", cursor, got.status, got.body)
		}
	}
	if got := s.admin.ask(t, "GET", "/v1/jobs?q=%25_%5C"); got.status != 200 || strings.Contains(string(got.body), "job_") {
		t.Errorf("a search of LIKE's own signs: got %d %s", got.status, got.body)
	}
}
