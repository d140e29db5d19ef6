package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

func wholeJob() event.Job {
	usage := event.Usage{InputTokens: 1200, CacheRead: 3000, OutputTokens: 280, ServiceTier: "standard"}
	return event.Job{
		ID: "job_01", EventID: "evt_01", Hook: "pr-summary", State: event.Succeeded,
		Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5, Attempts: 2,
		Subject: "octo/repo#17", Type: "pull_request",
		CreatedAt: epoch, UpdatedAt: epoch.Add(9 * time.Second), FinishedAt: epoch.Add(9 * time.Second),
		RerunOf: "job_00",
		Event: &event.Event{
			ID: "evt_01", Source: "github", Type: "pull_request", DeliveryID: "72d3162e", Subject: "octo/repo#17",
			ReceivedAt: epoch, Duplicates: 1, Body: []byte(`{"secret":"body"}`),
			Header: map[string]string{"x-header": "secret header"},
		},
		Result: &event.Result{
			Text: "It adds <b>tests</b> & fixes “x”.", JSON: json.RawMessage(`{"risk":"low"}`), Model: "claude-haiku-5-5",
			StopReason: "end_turn", Usage: usage, Cost: new(event.NanoUSD(2_900_000)), RequestID: "req_02",
			CreatedAt: epoch.Add(9 * time.Second), Notes: []string{"3 files left out"},
		},
		Calls: []event.Call{
			{ID: "call_01", Attempt: 1, Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, Outcome: event.CallUnknown},
			{ID: "call_02", Attempt: 2, Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch.Add(time.Second),
				EndedAt: epoch.Add(9 * time.Second), Outcome: event.CallOK, StopReason: "end_turn", RequestID: "req_02",
				Usage: usage, Cost: new(event.NanoUSD(2_900_000))},
		},
		Deliveries: []event.Delivery{
			{ID: "dlv_01", Target: "github_comment", State: event.DeliveryDone, Attempts: 1, URL: "https://github.com/octo/repo/pull/17#issuecomment-1"},
			{ID: "dlv_02", Target: "callback", State: event.DeliveryPending, Attempts: 3, Round: 1, LastError: "503 Service Unavailable", NextAt: epoch.Add(time.Minute)},
		},
	}
}

func queuedJob() event.Job {
	return event.Job{
		ID: "job_02", EventID: "evt_02", Hook: "pr-summary", State: event.Queued, Reason: event.RateLimited,
		Until: epoch.Add(30 * time.Second), CreatedAt: epoch, Type: "push",
		LastError: &event.Failure{Code: "rate_limited", Message: "429", Hint: "it waits"},
	}
}

func TestJobsLookAsDocumented(t *testing.T) {
	t.Parallel()
	unpriced := wholeJob()
	unpriced.Result.Cost, unpriced.Calls[1].Cost = nil, nil
	unpriced.Result.JSON = json.RawMessage(`{"cut off`)
	for name, job := range map[string]event.Job{
		"job.json": wholeJob(), "job_queued.json": queuedJob(), "job_unpriced.json": unpriced,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := api.EncodeJob(job)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, indent(t, doc))
			for _, hidden := range []string{"secret body", `"secret"`, "secret header", "x-header"} {
				if strings.Contains(string(doc), hidden) {
					t.Errorf("the event's %q is shown", hidden)
				}
			}
		})
	}
}

// The words of the contract are all there, and null rather than left out.
func TestJobHasEveryPromisedField(t *testing.T) {
	t.Parallel()
	for _, job := range []event.Job{wholeJob(), queuedJob(), {}} {
		doc, err := api.EncodeJob(job)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatal(err)
		}
		for _, field := range []string{"id", "hook", "state", "reason", "until", "attempts", "created_at", "event", "result", "calls", "deliveries"} {
			if _, ok := got[field]; !ok {
				t.Errorf("%s has no %q", doc, field)
			}
		}
		for _, list := range []string{"calls", "deliveries"} {
			if string(got[list]) == "null" {
				t.Errorf("%s is null, want []", list)
			}
		}
	}
}
