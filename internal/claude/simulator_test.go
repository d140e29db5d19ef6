package claude_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/claude"
)

func simulated(t *testing.T, o claudetest.Options) (*claude.Client, *claudetest.Running) {
	t.Helper()
	api := claudetest.Start(t, o)
	front := api.Client()
	front.Transport = keyed{front.Transport}
	c, err := claude.New(claude.Options{HTTP: front, BaseURL: api.URL, IdleTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, api
}

// keyed adds the key, as egress does.
type keyed struct{ next http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer any")
	return k.next.RoundTrip(r)
}

var question = claude.Request{Model: "claude-haiku-5-5", System: "You are brief.", Prompt: "Say hello.", MaxTokens: 400}

// TestSimulatedFailures sorts every failure that the simulator knows.
func TestSimulatedFailures(t *testing.T) {
	t.Parallel()
	for kind, want := range map[claudetest.Kind]struct {
		verdict claude.Verdict
		code    string
	}{
		claudetest.Hang:             {claude.Retry, claude.CodeNoResponse},
		claudetest.CutBeforeReply:   {claude.Retry, claude.CodeConnection},
		claudetest.Stall:            {claude.Retry, claude.CodeStreamIdle},
		claudetest.Cut:              {claude.Retry, claude.CodeStreamTruncated},
		claudetest.DropBody:         {claude.Retry, claude.CodeConnection},
		claudetest.CleanEOF:         {claude.Retry, claude.CodeStreamTruncated},
		claudetest.ErrorEvent:       {claude.Retry, claude.CodeOverloaded},
		claudetest.EmptyObject:      {claude.Retry, claude.CodeStreamTruncated},
		claudetest.HTML:             {claude.Retry, claude.CodeStreamTruncated},
		claudetest.BadRequest:       {claude.GiveUp, claude.CodeInvalidRequest},
		claudetest.OwnLimit:         {claude.WaitLane, claude.CodeOwnSpendLimit},
		claudetest.WorkspaceLimit:   {claude.WaitLane, claude.CodeOwnSpendLimit},
		claudetest.OnHold:           {claude.WaitLane, claude.CodeOnHold},
		claudetest.Unauthorized:     {claude.WaitLane, claude.CodeUnauthorized},
		claudetest.Billing:          {claude.WaitLane, claude.CodeBilling},
		claudetest.Forbidden:        {claude.WaitLane, claude.CodeForbidden},
		claudetest.NotFound:         {claude.FallBack, claude.CodeModelNotFound},
		claudetest.Conflict:         {claude.Retry, claude.CodeConflict},
		claudetest.TooLarge:         {claude.GiveUp, claude.CodeRequestTooLarge},
		claudetest.RateLimited:      {claude.WaitLane, claude.CodeRateLimited},
		claudetest.RampLimited:      {claude.WaitLane, claude.CodeRampLimited},
		claudetest.SpendCap:         {claude.WaitLane, claude.CodeSpendCap},
		claudetest.ContractCap:      {claude.WaitLane, claude.CodeSpendCap},
		claudetest.ServerError:      {claude.Retry, claude.CodeServerError},
		claudetest.Unavailable:      {claude.Retry, claude.CodeServerError},
		claudetest.Timeout:          {claude.Retry, claude.CodeTimeout},
		claudetest.Overloaded:       {claude.Retry, claude.CodeOverloaded},
		claudetest.Refusal:          {claude.FallBack, claude.CodeRefusal},
		claudetest.RefusalMidStream: {claude.FallBack, claude.CodeRefusal},
		claudetest.ThinkingOnly:     {claude.GiveUp, claude.CodeNoText},
		claudetest.Empty:            {claude.Retry, claude.CodeEmptyAnswer},
		claudetest.PauseTurn:        {claude.GiveUp, claude.CodeUnexpectedStop},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			c, api := simulated(t, claudetest.Options{Script: []claudetest.Step{{Times: -1, Fail: &claudetest.Failure{Kind: kind, After: 1}}}})
			got, err := c.Call(t.Context(), question, nil)
			e, ok := errors.AsType[*claude.Error](err)
			if !ok {
				t.Fatalf("got %+v, %v; want an *Error", got, err)
			}
			if e.Verdict != want.verdict || e.Code != want.code {
				t.Errorf("got %d %s (%s), want %d %s", e.Verdict, e.Code, e.Message, want.verdict, want.code)
			}
			doubtful := kind == claudetest.Hang || kind == claudetest.CutBeforeReply || e.Status == 200 && e.Code != claude.CodeOverloaded && e.StopReason == ""
			if free := kind == claudetest.Refusal; e.Doubtful != doubtful || e.Unbilled != free {
				t.Errorf("doubtful: %v, unbilled: %v; want %v, %v", e.Doubtful, e.Unbilled, doubtful, free)
			}
			if n := len(api.MessageCalls()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestSimulatedAnswers takes what is unknown or cut, but usable.
func TestSimulatedAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail      *claudetest.Failure
		model     string
		truncated bool
	}{
		"healthy":             {nil, "claude-haiku-5-5", false},
		"thinking cannot end": {nil, "claude-opus-5-5", false},
		"between tools":       {nil, "claude-sonnet-5-5", false},
		"unknown event":       {&claudetest.Failure{Kind: claudetest.UnknownEvent}, "claude-haiku-5-5", false},
		"unknown stop reason": {&claudetest.Failure{Kind: claudetest.UnknownStopReason}, "claude-haiku-5-5", false},
		"huge":                {&claudetest.Failure{Kind: claudetest.Huge, Bytes: 6 << 20}, "claude-haiku-5-5", false},
		"cut off":             {&claudetest.Failure{Kind: claudetest.MaxTokens}, "claude-haiku-5-5", true},
		"window full":         {&claudetest.Failure{Kind: claudetest.ContextWindow}, "claude-haiku-5-5", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var script []claudetest.Step
			if tt.fail != nil {
				script = append(script, claudetest.Step{Fail: tt.fail})
			}
			c, _ := simulated(t, claudetest.Options{Script: script})
			r := question
			r.Model = tt.model
			began := 0
			r.Begun = func(b claude.Begin) {
				if began++; b.Headers.Get("Anthropic-Ratelimit-Requests-Limit") == "" {
					t.Error("the beginning has no limits")
				}
			}
			got, err := c.Call(t.Context(), r, nil)
			if err != nil || got.Text == "" || got.Truncated != tt.truncated || got.Usage.InputTokens == 0 || got.RequestID == "" || began != 1 {
				t.Errorf("got %+v, %v; began %d times", got, err, began)
			}
		})
	}
}

func TestSimulatedLookups(t *testing.T) {
	t.Parallel()
	c, _ := simulated(t, claudetest.Options{})
	if n, err := c.CountTokens(t.Context(), question); err != nil || n < 5 {
		t.Errorf("count: %d, %v", n, err)
	}
	all, err := c.Models(t.Context())
	if err != nil || len(all) < 10 {
		t.Errorf("models: %d, %v", len(all), err)
	}
	one, err := c.Model(t.Context(), "claude-sonnet-4-5")
	if err != nil || one.Lifecycle == "" || one.MaxOutput == 0 {
		t.Errorf("model: %+v, %v", one, err)
	}
}
