package claudetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"
	"github.com/anthropics/anthropic-sdk-go/v2/shared"

	"github.com/forebayhq/forebay/claudetest"
)

// The official SDK is the judge of the simulator's shapes.

func sdk(api *claudetest.Running, more ...option.RequestOption) anthropic.Client {
	return anthropic.NewClient(append([]option.RequestOption{
		option.WithoutEnvironmentDefaults(), option.WithoutOpenTelemetry(), option.WithMaxRetries(0),
		option.WithBaseURL(api.URL), option.WithAPIKey("any"), option.WithHTTPClient(api.Client()),
	}, more...)...)
}

func ask(text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.ModelClaudeHaiku5_5, MaxTokens: 1024,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func text(m *anthropic.Message) string {
	var b strings.Builder
	for _, block := range m.Content {
		if block.Type == "text" {
			b.WriteString(block.Text)
		}
	}
	return b.String()
}

// follow reads a stream to its end, as a careful client does.
func follow(ctx context.Context, client anthropic.Client, params anthropic.MessageNewParams) (m anthropic.Message, whole bool, err error) {
	stream := client.Messages.NewStreaming(ctx, params)
	defer stream.Close()
	for stream.Next() {
		event := stream.Current()
		if err := m.Accumulate(event); err != nil {
			return m, whole, err
		}
		whole = whole || event.Type == "message_stop"
	}
	return m, whole, stream.Err()
}

func TestSDKMessage(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	client := sdk(api)
	plain, err := client.Messages.New(t.Context(), ask("Hello\nworld"))
	if err != nil {
		t.Fatal(err)
	}
	streamed, whole, err := follow(t.Context(), client, ask("Hello\nworld"))
	if err != nil || !whole {
		t.Fatalf("stream: whole %v, err %v", whole, err)
	}
	for name, m := range map[string]*anthropic.Message{"plain": plain, "streamed": &streamed} {
		if got, want := m.Content[0].Type, "thinking"; got != want {
			t.Errorf("%s: first block is %q, want %q", name, got, want)
		}
		if got := text(m); !strings.Contains(got, "Simulated answer") || !strings.Contains(got, "2 line(s)") {
			t.Errorf("%s: text %q does not say what it is", name, got)
		}
		if m.StopReason != anthropic.StopReasonEndTurn || !strings.HasPrefix(m.ID, "msg_01") || m.Model != "claude-haiku-5-5" {
			t.Errorf("%s: stop %q, id %q, model %q", name, m.StopReason, m.ID, m.Model)
		}
		if m.Usage.InputTokens == 0 || m.Usage.OutputTokens <= m.Usage.OutputTokensDetails.ThinkingTokens {
			t.Errorf("%s: usage %+v", name, m.Usage)
		}
	}
	if plain.Usage.InputTokens != streamed.Usage.InputTokens {
		t.Errorf("input tokens: %d and %d for requests that differ in stream alone", plain.Usage.InputTokens, streamed.Usage.InputTokens)
	}
	calls := api.MessageCalls()
	if len(calls) != 2 || calls[0].Outcome != "ok" || !calls[1].Stream || calls[1].OutputTokens != streamed.Usage.OutputTokens {
		t.Errorf("journal: %+v", calls)
	}
}

func TestSDKBothAuthorisations(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Keys: map[string]string{"k1": "one"}})
	for _, c := range []struct{ header, value, version string }{
		{"X-Api-Key", "k1", "2023-06-01"}, {"Authorization", "Bearer k1", "2026-10-21"},
	} {
		client := sdk(api, option.WithHeaderDel("Authorization"), option.WithHeader(c.header, c.value), option.WithHeader("anthropic-version", c.version))
		if _, err := client.Messages.New(t.Context(), ask("x")); err != nil {
			t.Errorf("%s: %v", c.header, err)
		}
	}
	client := sdk(api, option.WithAPIKey("k2"))
	_, err := client.Messages.New(t.Context(), ask("x"))
	wantError(t, err, http.StatusUnauthorized, shared.ErrorTypeAuthenticationError)
}

func wantError(t *testing.T, err error, status int, kind shared.ErrorType) *anthropic.Error {
	t.Helper()
	failed, ok := errors.AsType[*anthropic.Error](err)
	if !ok {
		t.Fatalf("got %v, want an API error with status %d", err, status)
	}
	if failed.StatusCode != status || failed.Type() != kind {
		t.Errorf("got %d %q, want %d %q", failed.StatusCode, failed.Type(), status, kind)
	}
	return failed
}

func TestSDKErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failure    claudetest.Failure
		status     int
		kind       shared.ErrorType
		code       string
		retryAfter string
	}{
		{claudetest.Failure{Kind: claudetest.BadRequest}, 400, shared.ErrorTypeInvalidRequestError, "", ""},
		{claudetest.Failure{Kind: claudetest.OwnLimit}, 400, shared.ErrorTypeInvalidRequestError, "", ""},
		{claudetest.Failure{Kind: claudetest.OnHold}, 400, shared.ErrorTypeInvalidRequestError, "organization_on_hold", ""},
		{claudetest.Failure{Kind: claudetest.Unauthorized}, 401, shared.ErrorTypeAuthenticationError, "", ""},
		{claudetest.Failure{Kind: claudetest.Billing}, 402, shared.ErrorTypeBillingError, "", ""},
		{claudetest.Failure{Kind: claudetest.Forbidden}, 403, shared.ErrorTypePermissionError, "", ""},
		{claudetest.Failure{Kind: claudetest.NotFound}, 404, shared.ErrorTypeNotFoundError, "", ""},
		{claudetest.Failure{Kind: claudetest.Conflict}, 409, shared.ErrorTypeConflictError, "", ""},
		{claudetest.Failure{Kind: claudetest.TooLarge}, 413, "", "", ""},
		{claudetest.Failure{Kind: claudetest.RateLimited, RetryAfter: "7"}, 429, shared.ErrorTypeRateLimitError, "", "7"},
		{claudetest.Failure{Kind: claudetest.RateLimited}, 429, shared.ErrorTypeRateLimitError, "", ""},
		{claudetest.Failure{Kind: claudetest.RateLimited, RetryAfter: "soon"}, 429, shared.ErrorTypeRateLimitError, "", "soon"},
		{claudetest.Failure{Kind: claudetest.RateLimited, RetryAfter: "-1"}, 429, shared.ErrorTypeRateLimitError, "", "-1"},
		{claudetest.Failure{Kind: claudetest.RampLimited, RetryAfter: "9"}, 429, shared.ErrorTypeRateLimitError, "ramp_limit_exceeded", "9"},
		{claudetest.Failure{Kind: claudetest.SpendCap}, 429, shared.ErrorTypeRateLimitError, "enforced_spend_limit_reached", ""},
		{claudetest.Failure{Kind: claudetest.ServerError}, 500, shared.ErrorTypeAPIError, "", ""},
		{claudetest.Failure{Kind: claudetest.Unavailable}, 503, shared.ErrorTypeAPIError, "", ""},
		{claudetest.Failure{Kind: claudetest.Timeout}, 504, shared.ErrorTypeTimeoutError, "", ""},
		{claudetest.Failure{Kind: claudetest.Overloaded}, 529, shared.ErrorTypeOverloadedError, "", ""},
		{claudetest.Failure{Kind: claudetest.Status, Status: 418, Type: "teapot_error", Code: "short"}, 418, "teapot_error", "short", ""},
	} {
		for _, streaming := range []bool{false, true} {
			api := claudetest.Start(t, claudetest.Options{Script: []claudetest.Step{{Fail: &c.failure}}})
			client := sdk(api)
			_, err := client.Messages.New(t.Context(), ask("x"))
			if streaming {
				api.Enqueue(claudetest.Step{Fail: &c.failure})
				_, _, err = follow(t.Context(), client, ask("x"))
			}
			failed := wantError(t, err, c.status, c.kind)
			if got := string(failed.ErrorCode()); got != c.code {
				t.Errorf("%s: code %q, want %q", c.failure.Kind, got, c.code)
			}
			if got := failed.Response.Header.Get("Retry-After"); got != c.retryAfter {
				t.Errorf("%s: retry-after %q, want %q", c.failure.Kind, got, c.retryAfter)
			}
			if html := c.failure.Kind == claudetest.TooLarge; html != (failed.RequestID == "") {
				t.Errorf("%s: request id %q", c.failure.Kind, failed.RequestID)
			}
			if got := api.MessageCalls()[0]; got.Outcome != string(c.failure.Kind) || got.Status != c.status || got.Billed {
				t.Errorf("%s: journal says %+v", c.failure.Kind, got)
			}
			if _, err := client.Messages.New(t.Context(), ask("x")); err != nil {
				t.Errorf("%s: the script is used up, and still: %v", c.failure.Kind, err)
			}
		}
	}
}

func TestSDKMidStream(t *testing.T) {
	t.Parallel()
	long := claudetest.Lengths{Median: 400}
	for _, c := range []struct {
		kind  claudetest.Kind
		check func(t *testing.T, m anthropic.Message, whole bool, err error)
	}{
		{claudetest.ErrorEvent, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			wantError(t, err, http.StatusOK, shared.ErrorTypeOverloadedError)
		}},
		{claudetest.CleanEOF, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err != nil || whole || text(&m) == "" {
				t.Errorf("whole %v, err %v, text %q; want a stream that ends without an error or a message_stop", whole, err, text(&m))
			}
		}},
		{claudetest.Cut, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if _, api := errors.AsType[*anthropic.Error](err); err == nil || api || text(&m) == "" {
				t.Errorf("got %v, want a transport error", err)
			}
		}},
		{claudetest.DropBody, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err == nil || m.ID != "" {
				t.Errorf("got %v and message %q, want a transport error and no message", err, m.ID)
			}
		}},
		{claudetest.UnknownEvent, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err != nil || !whole || m.StopReason != "end_turn" {
				t.Errorf("whole %v, err %v", whole, err)
			}
		}},
		{claudetest.UnknownStopReason, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err != nil || m.StopReason != "simulated_new_reason" {
				t.Errorf("stop %q, err %v", m.StopReason, err)
			}
		}},
		{claudetest.HTML, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err != nil || whole || m.ID != "" {
				t.Errorf("whole %v, err %v", whole, err)
			}
		}},
		{claudetest.EmptyObject, func(t *testing.T, m anthropic.Message, whole bool, err error) {
			if err != nil || whole || m.ID != "" {
				t.Errorf("whole %v, err %v", whole, err)
			}
		}},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			api := claudetest.Start(t, claudetest.Options{Output: long, Script: []claudetest.Step{{Fail: &claudetest.Failure{Kind: c.kind, After: 3}}}})
			m, whole, err := follow(t.Context(), sdk(api), ask("x"))
			c.check(t, m, whole, err)
			if got := api.MessageCalls()[0].Outcome; got != string(c.kind) {
				t.Errorf("outcome %q", got)
			}
		})
	}
}

func TestSDKStopReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   claudetest.Kind
		stop   anthropic.StopReason
		text   bool
		output func(n int64) bool
	}{
		{claudetest.Refusal, "refusal", false, func(n int64) bool { return n == 0 }},
		{claudetest.RefusalMidStream, "refusal", true, func(n int64) bool { return n > 0 }},
		{claudetest.ThinkingOnly, "max_tokens", false, func(n int64) bool { return n == 1024 }},
		{claudetest.MaxTokens, "max_tokens", true, func(n int64) bool { return n == 1024 }},
		{claudetest.ContextWindow, "model_context_window_exceeded", true, func(n int64) bool { return n > 0 }},
		{claudetest.Empty, "end_turn", false, func(n int64) bool { return n == 2 }},
		{claudetest.PauseTurn, "pause_turn", true, func(n int64) bool { return n > 0 }},
	} {
		for _, streaming := range []bool{false, true} {
			api := claudetest.Start(t, claudetest.Options{
				Fail: func(int, claudetest.Request) *claudetest.Failure { return &claudetest.Failure{Kind: c.kind} },
			})
			var m anthropic.Message
			var err error
			if streaming {
				m, _, err = follow(t.Context(), sdk(api), ask("x"))
			} else if whole, failed := sdk2(api).Messages.New(t.Context(), ask("x")); failed == nil {
				m = *whole
			} else {
				err = failed
			}
			if err != nil {
				t.Fatalf("%s: %v", c.kind, err)
			}
			if m.StopReason != c.stop || (text(&m) != "") != c.text || !c.output(m.Usage.OutputTokens) {
				t.Errorf("%s, streaming %v: stop %q, text %q, output %d", c.kind, streaming, m.StopReason, text(&m), m.Usage.OutputTokens)
			}
			if refused := c.stop == "refusal"; refused != (m.StopDetails.Category != "") {
				t.Errorf("%s: details %q", c.kind, m.StopDetails.RawJSON())
			}
			if got, want := api.MessageCalls()[0].Billed, c.kind != claudetest.Refusal; got != want {
				t.Errorf("%s: billed %v, want %v", c.kind, got, want)
			}
		}
	}
}

func sdk2(api *claudetest.Running) *anthropic.Client { return new(sdk(api)) }

func TestSDKHugeAnswer(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Script: []claudetest.Step{{Fail: &claudetest.Failure{Kind: claudetest.Huge, Bytes: 1 << 20}}}})
	m, whole, err := follow(t.Context(), sdk(api), ask("x"))
	if err != nil || !whole || len(text(&m)) != 1<<20 {
		t.Errorf("whole %v, err %v, %d bytes", whole, err, len(text(&m)))
	}
}

func TestSDKCountTokensAndModels(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Retired: []string{"claude-opus-4-5"}})
	client := sdk(api)
	count, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
		Model: anthropic.ModelClaudeHaiku5_5, Messages: ask(strings.Repeat("x", 3000)).Messages,
	})
	if err != nil || count.InputTokens < 1000 || count.InputTokens > 1020 {
		t.Errorf("3,000 bytes are %v tokens, err %v", count, err)
	}
	m, err := client.Models.Get(t.Context(), "claude-sonnet-4-5", anthropic.ModelGetParams{})
	if err != nil || m.Lifecycle != anthropic.ModelInfoLifecycleDeprecated || m.RetiresAt.Format(time.DateOnly) != "2026-11-30" || m.ID != "claude-sonnet-4-5-20250929" {
		t.Errorf("got %+v, %v", m, err)
	}
	var ids []string
	pager := client.Models.ListAutoPaging(t.Context(), anthropic.ModelListParams{Limit: param.NewOpt[int64](4)})
	for pager.Next() {
		ids = append(ids, pager.Current().ID)
	}
	if pager.Err() != nil || !slices.Contains(ids, "claude-haiku-5-5") || slices.Contains(ids, "claude-opus-4-5-20251101") {
		t.Errorf("list %v, err %v", ids, pager.Err())
	}
	params := ask("x")
	params.Model = "claude-opus-4-5"
	_, err = client.Messages.New(t.Context(), params)
	wantError(t, err, http.StatusNotFound, shared.ErrorTypeNotFoundError)
}

func TestSDKCacheUsage(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	client := sdk(api)
	params := ask("first")
	params.System = []anthropic.TextBlockParam{{Text: strings.Repeat("rule. ", 400), CacheControl: anthropic.NewCacheControlEphemeralParam()}}
	primer := params
	primer.MaxTokens = 0
	warm, err := client.Messages.New(t.Context(), primer)
	if err != nil {
		t.Fatal(err)
	}
	if len(warm.Content) != 0 || warm.StopReason != "max_tokens" || warm.Usage.CacheCreationInputTokens != 800 ||
		warm.Usage.CacheCreation.Ephemeral5mInputTokens != 800 || warm.Usage.OutputTokens != 0 {
		t.Errorf("primer: %s", warm.RawJSON())
	}
	hit, _, err := follow(t.Context(), client, params)
	if err != nil || hit.Usage.CacheReadInputTokens != 800 || hit.Usage.CacheCreationInputTokens != 0 || hit.Usage.InputTokens > 30 {
		t.Errorf("usage %+v, err %v", hit.Usage, err)
	}
}

func TestSDKStructuredOutputAndTools(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	client := sdk(api)
	params := ask("x")
	params.OutputConfig = anthropic.OutputConfigParam{Format: anthropic.JSONOutputFormatParam{Schema: map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"verdict", "score"},
		"properties": map[string]any{"verdict": map[string]any{"enum": []string{"ok", "bad"}}, "score": map[string]any{"type": "integer"}},
	}}}
	m, err := client.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Verdict string
		Score   *int
	}
	if err := json.Unmarshal([]byte(text(m)), &got); err != nil || !slices.Contains([]string{"ok", "bad"}, got.Verdict) || got.Score == nil {
		t.Errorf("text %q, err %v", text(m), err)
	}
	params = ask("x")
	params.Tools = []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "get", InputSchema: anthropic.ToolInputSchemaParam{
		Properties: map[string]any{"city": map[string]any{"type": "string"}},
	}}}}
	params.ToolChoice = anthropic.ToolChoiceUnionParam{OfTool: &anthropic.ToolChoiceToolParam{Name: "get"}}
	used, _, err := follow(t.Context(), client, params)
	if err != nil || used.StopReason != "tool_use" {
		t.Fatalf("stop %q, err %v", used.StopReason, err)
	}
	last := used.Content[len(used.Content)-1]
	if last.Type != "tool_use" || last.Name != "get" || string(last.Input) != `{"city":"simulated city"}` {
		t.Errorf("block %s", last.RawJSON())
	}
}

func TestSDKBatches(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{
		BatchDuration: 50 * time.Millisecond,
		BatchFail: func(id string, _ claudetest.Request) *claudetest.Failure {
			switch id {
			case "late":
				return &claudetest.Failure{Kind: claudetest.Expired}
			case "busy":
				return &claudetest.Failure{Kind: claudetest.Overloaded}
			}
			return nil
		},
	})
	client := sdk(api)
	var params anthropic.MessageBatchNewParams
	for _, id := range []string{"a", "b", "late", "busy", "wrong"} {
		request := anthropic.MessageBatchNewParamsRequest{CustomID: id, Params: anthropic.MessageBatchNewParamsRequestParams{
			Model: anthropic.ModelClaudeHaiku5_5, MaxTokens: 100, Messages: ask("to " + id).Messages,
		}}
		if id == "wrong" {
			request.Params.MaxTokens = 0
		}
		params.Requests = append(params.Requests, request)
	}
	made, err := client.Messages.Batches.New(t.Context(), params)
	if err != nil || made.ProcessingStatus != "in_progress" || made.RequestCounts.Processing != 5 || !made.EndedAt.IsZero() {
		t.Fatalf("created %+v, err %v", made, err)
	}
	results := client.Messages.Batches.ResultsStreaming(t.Context(), made.ID, anthropic.MessageBatchResultsParams{})
	if results.Next() || results.Err() == nil {
		t.Errorf("results before the end: %v", results.Err())
	}
	for made.ProcessingStatus != "ended" {
		if made, err = client.Messages.Batches.Get(t.Context(), made.ID, anthropic.MessageBatchGetParams{}); err != nil {
			t.Fatal(err)
		}
	}
	if c := made.RequestCounts; c.Succeeded != 2 || c.Errored != 2 || c.Expired != 1 || c.Processing != 0 || made.ResultsURL == "" {
		t.Errorf("ended with %+v", made)
	}
	got := map[string]string{}
	results = client.Messages.Batches.ResultsStreaming(t.Context(), made.ID, anthropic.MessageBatchResultsParams{})
	for results.Next() {
		line := results.Current()
		got[line.CustomID] = line.Result.Type
		if line.Result.Type == "errored" {
			got[line.CustomID] += " " + line.Result.Error.Error.Type
		}
		if line.Result.Type == "succeeded" && (text(&line.Result.Message) == "" || line.Result.Message.Usage.ServiceTier != "batch") {
			t.Errorf("message %s", line.Result.Message.RawJSON())
		}
	}
	want := map[string]string{"a": "succeeded", "b": "succeeded", "late": "expired", "busy": "errored overloaded_error", "wrong": "errored invalid_request_error"}
	if results.Err() != nil || len(got) != len(want) {
		t.Errorf("results %v, err %v", got, results.Err())
	}
	for id := range want {
		if got[id] != want[id] {
			t.Errorf("%s: got %q, want %q", id, got[id], want[id])
		}
	}
	list, err := client.Messages.Batches.List(t.Context(), anthropic.MessageBatchListParams{})
	if err != nil || len(list.Data) != 1 || list.Data[0].ID != made.ID {
		t.Errorf("list %+v, err %v", list, err)
	}
	if _, err := client.Messages.Batches.Delete(t.Context(), made.ID, anthropic.MessageBatchDeleteParams{}); err != nil {
		t.Error(err)
	}
	_, err = client.Messages.Batches.Get(t.Context(), made.ID, anthropic.MessageBatchGetParams{})
	wantError(t, err, http.StatusNotFound, shared.ErrorTypeNotFoundError)
}

func TestSDKBatchCancelAndLostCreate(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{
		BatchDuration: time.Hour,
		Script:        []claudetest.Step{{Endpoint: "batches.create", Fail: &claudetest.Failure{Kind: claudetest.DropBody}}},
	})
	client := sdk(api)
	params := anthropic.MessageBatchNewParams{Requests: []anthropic.MessageBatchNewParamsRequest{{
		CustomID: "a", Params: anthropic.MessageBatchNewParamsRequestParams{Model: anthropic.ModelClaudeHaiku5_5, MaxTokens: 100, Messages: ask("x").Messages},
	}}}
	if _, err := client.Messages.Batches.New(t.Context(), params); err == nil {
		t.Fatal("the answer was to be lost")
	}
	list, err := client.Messages.Batches.List(t.Context(), anthropic.MessageBatchListParams{})
	if err != nil || len(list.Data) != 1 {
		t.Fatalf("the batch was to be made all the same: %+v, %v", list, err)
	}
	id := list.Data[0].ID
	b, err := client.Messages.Batches.Cancel(t.Context(), id, anthropic.MessageBatchCancelParams{})
	if err != nil || b.ProcessingStatus != "canceling" {
		t.Errorf("got %+v, %v", b, err)
	}
	b, err = client.Messages.Batches.Get(t.Context(), id, anthropic.MessageBatchGetParams{})
	if err != nil || b.ProcessingStatus != "ended" || b.RequestCounts.Canceled != 1 {
		t.Errorf("got %+v, %v", b, err)
	}
}

func TestSDKRateLimits(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Limits: map[string]claudetest.Limits{"haiku-5-5": {RequestsPerMinute: 77}}})
	client := sdk(api)
	page, err := client.Organization.RateLimits.List(t.Context(), anthropic.OrganizationRateLimitListParams{Model: param.NewOpt("claude-haiku-5-5")})
	if err != nil || len(page.Data) != 1 || page.Data[0].Limits[0].Value != 77 || page.Data[0].Group.DisplayName != "Claude Haiku 5.5" {
		t.Errorf("got %+v, %v", page, err)
	}
	pager := client.Organization.RateLimits.ListAutoPaging(t.Context(), anthropic.OrganizationRateLimitListParams{Limit: param.NewOpt[int64](3)})
	seen := map[string]int{}
	for pager.Next() {
		seen[pager.Current().Group.Type]++
	}
	if pager.Err() != nil || seen["model_group"] != len(claudetest.Classes()) || seen["batch"] != 1 || seen["token_count"] != 1 {
		t.Errorf("groups %v, err %v", seen, pager.Err())
	}
}

// A control: the SDK's own retries are visible in the journal.
func TestSDKRetriesAreCounted(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Script: []claudetest.Step{{Times: 2, Fail: &claudetest.Failure{Kind: claudetest.RateLimited, RetryAfter: "0"}}}})
	client := sdk(api, option.WithMaxRetries(2))
	if _, err := client.Messages.New(t.Context(), ask("x")); err != nil {
		t.Fatal(err)
	}
	var retries []int
	for _, c := range api.MessageCalls() {
		retries = append(retries, c.Retry)
	}
	if !slices.Equal(retries, []int{0, 1, 2}) {
		t.Errorf("retry counts %v", retries)
	}
}
