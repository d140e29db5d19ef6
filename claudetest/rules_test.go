package claudetest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

func TestRules(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	tool := `,"tools":[{"name":"get","input_schema":{"type":"object"}}],"tool_choice":`
	schema := func(s string) string {
		return `,"output_config":{"format":{"type":"json_schema","schema":` + s + `}}`
	}
	prefill := `{"model":%q,"max_tokens":10,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}`
	cached := func(n int, ttl string) string {
		block := `{"type":"text","text":"x","cache_control":{"type":"ephemeral"` + ttl + `}}`
		return `,"system":[` + strings.TrimSuffix(strings.Repeat(block+",", n), ",") + `]`
	}
	for _, c := range []struct {
		name, version, body string
		status              int
		says                string
	}{
		{"plain", "2026-10-21", body("claude-haiku-5-5", "x", ""), 200, "Simulated"},
		{"no version", "", body("claude-haiku-5-5", "x", ""), 400, "anthropic-version: header is required"},
		{"odd version", "2024-01-01", body("claude-haiku-5-5", "x", ""), 400, "not a valid version"},
		{"no json", "2026-10-21", "{", 400, "not valid JSON"},
		{"two values", "2026-10-21", "{} {}", 400, "not valid JSON"},
		{"unknown field", "2026-10-21", body("claude-haiku-5-5", "x", `,"strem":true`), 400, "strem: Extra inputs are not permitted"},
		{"wrong type", "2026-10-21", `{"model":5}`, 400, "model: Input should be a valid string"},
		{"no model", "2026-10-21", `{"max_tokens":1,"messages":[]}`, 400, "model: Field required"},
		{"unknown model", "2026-10-21", body("claude-nothing", "x", ""), 404, "model: claude-nothing"},
		{"retired model", "2026-10-21", body("claude-opus-4-1", "x", ""), 404, "model: claude-opus-4-1"},
		{"no messages", "2026-10-21", `{"model":"claude-haiku-5-5","max_tokens":1,"messages":[]}`, 400, "at least one message"},
		{"no max_tokens", "2026-10-21", `{"model":"claude-haiku-5-5","messages":[{"role":"user","content":"x"}]}`, 400, "max_tokens: Field required"},
		{"great max_tokens", "2026-10-21", strings.Replace(body("claude-haiku-4-5", "x", ""), "4096", "64001", 1), 400, "64001 > 64000"},
		{"empty text", "2026-10-21", body("claude-haiku-5-5", "", ""), 400, "must be non-empty"},
		{"temperature, new version", "2026-10-21", body("claude-haiku-4-5", "x", `,"temperature":1`), 400, "temperature"},
		{"temperature, old version and model", "2023-06-01", body("claude-haiku-4-5", "x", `,"temperature":0.2`), 200, ""},
		{"temperature, old version, new model", "2023-06-01", body("claude-haiku-5-5", "x", `,"temperature":0.2`), 400, "temperature"},
		{"default temperature", "2023-06-01", body("claude-haiku-5-5", "x", `,"temperature":1`), 200, ""},
		{"top_k", "2023-06-01", body("claude-opus-4-8", "x", `,"top_k":5`), 400, "top_k"},
		{"prefill, new model", "2026-10-21", fmt.Sprintf(prefill, "claude-sonnet-5-5"), 400, "prefill"},
		{"prefill, old model", "2026-10-21", fmt.Sprintf(prefill, "claude-haiku-4-5"), 200, ""},
		{"disabled, haiku", "2026-10-21", body("claude-haiku-5-5", "x", `,"thinking":{"type":"disabled"}`), 200, ""},
		{"disabled, haiku at max", "2026-10-21", body("claude-haiku-5-5", "x", `,"thinking":{"type":"disabled"},"output_config":{"effort":"max"}`), 400, "effort"},
		{"disabled, sonnet", "2026-10-21", body("claude-sonnet-5-5", "x", `,"thinking":{"type":"disabled"}`), 400, `\"thinking.type.disabled\" is not supported`},
		{"disabled, opus", "2026-10-21", body("claude-opus-5-5", "x", `,"thinking":{"type":"disabled"}`), 400, "not supported"},
		{"between tools, sonnet", "2026-10-21", body("claude-sonnet-5-5", "x", `,"thinking":{"type":"between_tools"}`), 200, ""},
		{"between tools, haiku", "2026-10-21", body("claude-haiku-5-5", "x", `,"thinking":{"type":"between_tools"}`), 400, "not supported"},
		{"budget, new model", "2026-10-21", body("claude-haiku-5-5", "x", `,"thinking":{"type":"enabled","budget_tokens":2000}`), 400, "not supported"},
		{"budget, old model", "2026-10-21", body("claude-haiku-4-5", "x", `,"thinking":{"type":"enabled","budget_tokens":2000}`), 200, `"type":"thinking"`},
		{"budget over max_tokens", "2026-10-21", body("claude-haiku-4-5", "x", `,"thinking":{"type":"enabled","budget_tokens":5000}`), 400, "greater than"},
		{"effort, old model", "2026-10-21", body("claude-haiku-4-5", "x", `,"output_config":{"effort":"low"}`), 400, "effort"},
		{"forced tool, haiku", "2026-10-21", body("claude-haiku-5-5", "x", tool+`{"type":"any"}`), 200, "tool_use"},
		{"forced tool, sonnet", "2026-10-21", body("claude-sonnet-5-5", "x", tool+`{"type":"tool","name":"get"}`), 400, "are not supported for this model"},
		{"tool that is not there", "2026-10-21", body("claude-haiku-5-5", "x", tool+`{"type":"tool","name":"put"}`), 400, "not found"},
		{"schema", "2026-10-21", body("claude-haiku-5-5", "x", schema(`{"type":"object","additionalProperties":false}`)), 200, `"text":"{}"`},
		{"open schema", "2026-10-21", body("claude-haiku-5-5", "x", schema(`{"type":"object"}`)), 400, "additionalProperties"},
		{"bounded schema", "2026-10-21", body("claude-haiku-5-5", "x", schema(`{"type":"integer","minimum":1}`)), 400, "minimum"},
		{"recursive schema", "2026-10-21", body("claude-haiku-5-5", "x", schema(`{"$ref":"#"}`)), 400, "too complex"},
		{"five breakpoints", "2026-10-21", body("claude-haiku-5-5", "x", cached(5, "")), 400, "maximum of 4"},
		{"odd ttl", "2026-10-21", body("claude-haiku-5-5", "x", cached(1, `,"ttl":"2h"`)), 400, "ttl"},
		{"primer that streams", "2026-10-21", strings.Replace(body("claude-haiku-5-5", "x", `,"stream":true`), "4096", "0", 1), 400, "stream"},
		{"too long", "2026-10-21", body("claude-haiku-4-5", strings.Repeat("x", 801_000), ""), 400, "prompt is too long"},
		{"stop sequence", "2026-10-21", body("claude-haiku-5-5", "x", `,"stop_sequences":["answer"]`), 200, `"stop_sequence":"answer"`},
		{"max_tokens reached", "2026-10-21", strings.Replace(body("claude-haiku-5-5", "x", ""), "4096", "20", 1), 200, `"stop_reason":"max_tokens"`},
	} {
		client := raw(api)
		client.version = c.version
		got := client.post(t.Context(), c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: got %d %s, want %d and %q", c.name, got.status, got.body, c.status, c.says)
		}
		if !json.Valid([]byte(got.body)) || got.header.Get("Request-Id") == "" {
			t.Errorf("%s: body %s, header %v", c.name, got.body, got.header)
		}
		if c.status != 200 && !strings.Contains(got.body, `"request_id":"`+got.header.Get("Request-Id")+`"`) {
			t.Errorf("%s: the request id is not that of the header: %s", c.name, got.body)
		}
	}
}

func TestBodyOver32MB(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	got := raw(api).post(t.Context(), strings.Repeat(" ", 32<<20+1))
	if got.err == nil && (got.status != 413 || !strings.Contains(got.body, "<html>") || got.header.Get("Request-Id") != "") {
		t.Errorf("got %d %v %s", got.status, got.header, got.body)
	}
	if call := api.Calls()[0]; call.Status != 413 {
		t.Errorf("journal: %+v", call)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	system := func(text, ttl string) string {
		quoted, _ := json.Marshal(text)
		return `,"system":[{"type":"text","text":` + string(quoted) + `,"cache_control":{"type":"ephemeral"` + ttl + `}}]`
	}
	long := strings.Repeat("rule. ", 300) // 600 tokens of the 5.5 models, 450 of older ones
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Latency: 10 * time.Second})
		client := raw(api)
		usage := func(more string) string {
			u := client.post(t.Context(), body("claude-haiku-5-5", "x", more)).usage(t)
			return fmt.Sprintf("write %d read %d", u["write"], u["read"])
		}
		for _, c := range []struct {
			name, more, want string
			wait             time.Duration
		}{
			{"the first writes", system(long, ""), "write 600 read 0", 0},
			{"the second reads", system(long, ""), "write 0 read 600", 0},
			{"another byte writes", system(long+".", ""), "write 601 read 0", 0},
			{"another effort writes", system(long, "") + `,"output_config":{"effort":"low"}`, "write 600 read 0", 0},
			{"still there after 4 minutes", system(long, ""), "write 0 read 600", 4 * time.Minute},
			{"refreshed by the last use", system(long, ""), "write 0 read 600", 4 * time.Minute},
			{"gone after 5 minutes from the start of it", system(long, ""), "write 600 read 0", 4*time.Minute + 51*time.Second},
			{"an hour", system(long+"!", `,"ttl":"1h"`), "write 601 read 0", 0},
			{"within the hour", system(long+"!", `,"ttl":"1h"`), "write 0 read 601", 50 * time.Minute},
			{"below the minimum", system("short", ""), "write 0 read 0", 0},
			{"below the minimum again", system("short", ""), "write 0 read 0", 0},
		} {
			time.Sleep(c.wait)
			if got := usage(c.more); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		}
		if u := client.post(t.Context(), body("claude-haiku-5-5", "x", system(long, "")), "Anthropic-Workspace-Id", "wrkspc_other").usage(t); u["read"] != 0 {
			t.Errorf("another workspace read the cache: %v", u)
		}
		old := client.post(t.Context(), body("claude-haiku-4-5", "x", system(long, ""))).usage(t)
		if old["write"] != 0 {
			t.Errorf("claude-haiku-4-5 caches nothing below 4,096 tokens, and wrote %d", old["write"])
		}
	})
}

// An entry can be read once the response that wrote it has begun: calls sent
// at once all write, one sent behind the first byte reads.
func TestCacheIsVisibleAfterTheFirstByte(t *testing.T) {
	t.Parallel()
	more := `,"stream":true,"system":[{"type":"text","text":"` + strings.Repeat("rule. ", 300) + `","cache_control":{"type":"ephemeral"}}]`
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Latency: 2 * time.Second, TokensPerSecond: 10})
		client := raw(api)
		done := make(chan answer, 3)
		for _, wait := range []time.Duration{0, 1999 * time.Millisecond, 2001 * time.Millisecond} {
			go func() {
				time.Sleep(wait)
				done <- client.post(t.Context(), body("claude-haiku-5-5", "x", more))
			}()
		}
		for range 3 {
			<-done
		}
		var got []string
		for _, c := range api.MessageCalls() {
			got = append(got, fmt.Sprintf("%d/%d", c.CacheWriteTokens, c.CacheReadTokens))
		}
		if want := "[600/0 600/0 0/600]"; fmt.Sprint(got) != want {
			t.Errorf("written/read: got %v, want %s", got, want)
		}
		if input := api.Total(); input.InputTokens != 3*12 || input.CacheWriteTokens != 1200 || input.CacheReadTokens != 600 {
			t.Errorf("stats %+v", input)
		}
	})
}

// Cache reads are not charged to the input limit, cache writes are.
func TestCacheAndInputLimit(t *testing.T) {
	t.Parallel()
	more := `,"system":[{"type":"text","text":"` + strings.Repeat("rule. ", 1000) + `","cache_control":{"type":"ephemeral"}}]`
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{Limits: haiku(claudetest.Limits{InputTokensPerMinute: 2500})})
		client := raw(api)
		for i := range 20 {
			if got := client.post(t.Context(), body("claude-haiku-5-5", "x", more)); got.status != 200 {
				t.Fatalf("call %d: %s", i, got.body)
			}
		}
		if left := api.Levels("", "haiku-5-5").InputTokens; left != 2500-2000-20*12 {
			t.Errorf("%v input tokens are left", left)
		}
		if got := client.post(t.Context(), body("claude-haiku-5-5", strings.Repeat("x", 1200), "")); got.status != 429 {
			t.Errorf("got %d, want the input limit to refuse", got.status)
		}
	})
}
