package claude_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/claude"
)

// batchOf is a batch of n questions, job_0 to job_(n-1).
func batchOf(t *testing.T, n int) *claude.BatchBody {
	t.Helper()
	var b claude.BatchBody
	params, err := claude.Params(question)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b.Add(fmt.Sprintf("job_%d", i), params)
	}
	return &b
}

// TestBatch makes a batch, lists it, waits for its end and reads every kind of
// result.
func TestBatch(t *testing.T) {
	t.Parallel()
	fails := map[string]*claudetest.Failure{
		"job_1": {Kind: claudetest.Refusal}, "job_2": {Kind: claudetest.Expired}, "job_3": {Kind: claudetest.BadRequest},
		"job_4": {Kind: claudetest.Overloaded}, "job_5": {Kind: claudetest.Billing}, "job_6": {Kind: claudetest.ThinkingOnly},
	}
	c, _ := simulated(t, claudetest.Options{BatchFail: func(id string, _ claudetest.Request) *claudetest.Failure { return fails[id] }})
	before := time.Now().Add(-time.Second)
	made, err := c.CreateBatch(t.Context(), batchOf(t, 7))
	if err != nil || made.ID == "" || made.Requests != 7 || made.ExpiresAt.Sub(made.CreatedAt) != 24*time.Hour {
		t.Fatalf("got %+v, %v; want a batch of 7 for a day", made, err)
	}
	listed, err := c.BatchesSince(t.Context(), before)
	if err != nil || len(listed) != 1 || listed[0].ID != made.ID {
		t.Errorf("listed %+v, %v; want the one", listed, err)
	}
	if none, err := c.BatchesSince(t.Context(), time.Now().Add(time.Hour)); err != nil || len(none) != 0 {
		t.Errorf("listed %+v, %v; want none from the future", none, err)
	}
	if now, err := c.Batch(t.Context(), made.ID); err != nil || !now.Ended || now.Requests != 7 {
		t.Errorf("got %+v, %v; want it to have ended", now, err)
	}
	got := map[string]string{}
	err = c.BatchResults(t.Context(), made.ID, func(r claude.BatchResult) error {
		a, err := r.Answer(question, time.Now())
		e, failed := errors.AsType[*claude.Error](err)
		switch {
		case failed:
			got[r.ID()] = fmt.Sprint(e.Code, " ", e.Verdict)
		case a.Text == "" || a.RequestID == "" || a.Usage.ServiceTier != "batch" || a.Usage.OutputTokens == 0 || a.Usage.BilledAsEstimate:
			t.Errorf("%s: got %+v", r.ID(), a)
		default:
			got[r.ID()] = "answered"
		}
		return nil
	})
	want := map[string]string{
		"job_0": "answered",
		"job_1": fmt.Sprint(claude.CodeRefusal, " ", claude.FallBack),
		"job_2": fmt.Sprint(claude.CodeBatchExpired, " ", claude.Retry),
		"job_3": fmt.Sprint(claude.CodeInvalidRequest, " ", claude.GiveUp),
		"job_4": fmt.Sprint(claude.CodeOverloaded, " ", claude.Retry),
		"job_5": fmt.Sprint(claude.CodeBilling, " ", claude.Retry), // of a past day: no lane waits for it
		"job_6": fmt.Sprint(claude.CodeNoText, " ", claude.GiveUp),
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
}

// TestBatchNotMade: only an answer that refuses says that there is no batch.
func TestBatchNotMade(t *testing.T) {
	t.Parallel()
	for kind, want := range map[claudetest.Kind]bool{
		claudetest.RateLimited: true, claudetest.BadRequest: true, claudetest.Unauthorized: true, claudetest.TooLarge: true,
		claudetest.ServerError: false, claudetest.Overloaded: false, claudetest.CutBeforeReply: false, claudetest.Hang: false,
		claudetest.Conflict: false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			c, _ := simulated(t, claudetest.Options{Script: []claudetest.Step{{Endpoint: "batches.create", Fail: &claudetest.Failure{Kind: kind}}}})
			_, err := c.CreateBatch(t.Context(), batchOf(t, 1))
			e, ok := errors.AsType[*claude.Error](err)
			if !ok || e.NotMade() != want {
				t.Errorf("got %v, not made %v; want %v", err, ok && e.NotMade(), want)
			}
		})
	}
}

func TestBatchIsGone(t *testing.T) {
	t.Parallel()
	c, _ := simulated(t, claudetest.Options{})
	_, err := c.Batch(t.Context(), "msgbatch_none")
	if e, ok := errors.AsType[*claude.Error](err); !ok || e.Code != claude.CodeBatchLost {
		t.Errorf("got %v, want %s", err, claude.CodeBatchLost)
	}
	err = c.BatchResults(t.Context(), "msgbatch_none", func(claude.BatchResult) error { return nil })
	if e, ok := errors.AsType[*claude.Error](err); !ok || e.Code != claude.CodeBatchLost {
		t.Errorf("results: got %v, want %s", err, claude.CodeBatchLost)
	}
}

// TestBatchResultsBreakOff: a stream that is cut is an error, however much of
// it was read, and a visitor's own error comes back as it is.
func TestBatchResultsBreakOff(t *testing.T) {
	t.Parallel()
	c, _ := simulated(t, claudetest.Options{Script: []claudetest.Step{{Endpoint: "batches.results", Fail: &claudetest.Failure{Kind: claudetest.Cut}}}})
	made, err := c.CreateBatch(t.Context(), batchOf(t, 20))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	count := func(claude.BatchResult) error { n++; return nil }
	err = c.BatchResults(t.Context(), made.ID, count)
	if e, ok := errors.AsType[*claude.Error](err); !ok || e.Verdict != claude.Retry || n == 0 || n >= 20 {
		t.Errorf("got %d results and %v, want some and an error", n, err)
	}
	own := errors.New("full")
	if err := c.BatchResults(t.Context(), made.ID, func(claude.BatchResult) error { return own }); !errors.Is(err, own) {
		t.Errorf("got %v, want the visitor's", err)
	}
	n = 0
	if err := c.BatchResults(t.Context(), made.ID, count); err != nil || n != 20 {
		t.Errorf("again: got %d, %v; want all 20", n, err)
	}
}

// TestParams: what a batch carries is what a call would send, without stream.
func TestParams(t *testing.T) {
	t.Parallel()
	text, err := claude.Params(question)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["stream"] != nil || fields["model"] != question.Model || fields["max_tokens"] != 400.0 || fields["system"] == nil {
		t.Errorf("got %s", text)
	}
	if again, _ := claude.Params(question); !slices.Equal(again, text) {
		t.Error("equal requests give unequal bytes")
	}
	if _, err := claude.Params(claude.Request{Model: "m", Schema: []byte("{")}); err == nil {
		t.Error("a broken schema was taken")
	}
}
