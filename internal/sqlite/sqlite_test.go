package sqlite_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/work"
)

var (
	_ ingest.Ledger  = (*sqlite.DB)(nil)
	_ work.Queue     = (*sqlite.DB)(nil)
	_ work.Ledger    = (*sqlite.DB)(nil)
	_ work.Signals   = (*sqlite.DB)(nil)
	_ deliver.Outbox = (*sqlite.DB)(nil)
	_ api.Reader     = (*sqlite.DB)(nil)
	_ api.Admin      = (*sqlite.DB)(nil)
	_ api.Signals    = (*sqlite.DB)(nil)
)

var at = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func everyone(d event.Desk) event.Plan {
	var p event.Plan
	for _, c := range d.Candidates {
		p.Take = append(p.Take, c.JobID)
	}
	return p
}

func TestJourney(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "ledger.db"))
	ctx := t.Context()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	got, err := db.Accept(ctx, event.Accept{
		Event: event.Event{ID: "evt_1", Hook: "h", Source: "github", Type: "push", Body: []byte(`{"a":1}`), Header: map[string]string{"x": "y"}, ReceivedAt: now},
		Keys:  []event.Key{{Value: "id:1", Redelivers: true}, {Value: "sum:1"}},
		Job:   event.JobSpec{ID: "job_1", Lane: "haiku", Model: "m", Chosen: "hook"},
		Now:   now, ForgetAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Outcome != event.Accepted {
		t.Fatalf("got %v", got)
	}
	taken, err := db.Take(ctx, event.Take{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 5, PerHook: 5, Admit: everyone})
	if err != nil || len(taken.Jobs) != 1 {
		t.Fatal(taken, err)
	}
	l := taken.Jobs[0].Lease
	if err := db.BeginCall(ctx, l, event.Call{ID: "call_1", Model: "m", StartedAt: now}); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveDraft(ctx, l, event.DraftChunk{Attempt: 1, Text: "hi"}); err != nil {
		t.Fatal(err)
	}
	if d, err := db.Draft(ctx, "job_1"); err != nil || d.Text != "hi" {
		t.Fatal(d, err)
	}
	err = db.Settle(ctx, event.Settlement{Lease: l, Now: now, Call: &event.Call{ID: "call_1", Model: "m", Outcome: event.CallOK, Cost: new(event.NanoUSD(5))},
		Done: &event.Done{Result: event.Result{Text: "hi", Notes: []string{"n"}}, Deliveries: []event.Delivery{{ID: "dlv_1", Target: "callback"}}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.TakeDeliveries(ctx, event.TakeDeliveries{Worker: "w", Now: now, LeaseUntil: now.Add(time.Minute), Max: 5})
	if err != nil || len(d.Deliveries) != 1 {
		t.Fatal(d, err)
	}
	if err := db.SettleDelivery(ctx, event.DeliverySettlement{Lease: d.Deliveries[0].Lease, Now: now, State: event.DeliveryDone, URL: "u"}); err != nil {
		t.Fatal(err)
	}
	job, err := db.Job(ctx, "job_1")
	if err != nil || job.State != event.Succeeded || len(job.Deliveries) != 1 || job.Deliveries[0].State != event.DeliveryDone || string(job.Event.Body) != `{"a":1}` {
		t.Fatalf("%+v %v", job, err)
	}
	page, err := db.Jobs(ctx, event.JobFilter{Query: "push"})
	if err != nil || len(page.Jobs) != 1 {
		t.Fatal(page, err)
	}
	if n, err := db.Redeliver(ctx, "job_1", now); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := db.Rerun(ctx, "job_1", event.JobSpec{ID: "job_2", Lane: "haiku"}, now); err != nil {
		t.Fatal(err)
	}
	if err := db.Cancel(ctx, "job_2", now); err != nil {
		t.Fatal(err)
	}
	s, err := db.Stats(ctx)
	t.Log(s, err)
}

// accept is the acceptance of one event.
func accept(i int64, now time.Time, body []byte, header map[string]string) event.Accept {
	digest := make([]byte, 32)
	rand.Read(digest)
	return event.Accept{
		Event: event.Event{
			ID: event.NewID(event.PrefixEvent, now), Hook: "pr-summary", Source: "github", Type: "pull_request", DeliveryID: fmt.Sprintf("72d3162e-cc78-11e3-81ab-4c9367dc%04d", i),
			Subject: "codertocat/hello-world#17", Time: now, ReceivedAt: now, Method: "POST", ContentType: "application/json", Header: header, Body: body, Digest: digest,
		},
		Keys: []event.Key{{Value: fmt.Sprintf("id:%d", i), Redelivers: true}, {Value: "sum:" + hex.EncodeToString(digest)}},
		Job:  event.JobSpec{ID: event.NewID(event.PrefixJob, now), Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5},
		Now:  now, ForgetAt: now.Add(30 * 24 * time.Hour),
	}
}
