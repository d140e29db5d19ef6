package claudetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/claudetest"
)

// Whatever the body, the answer is a message or a 4xx, in valid JSON, and
// nothing panics.
func FuzzMessages(f *testing.F) {
	f.Add(body("claude-haiku-5-5", "x", ""))
	f.Add(body("claude-haiku-5-5", "+a\n-b", `,"stream":true,"stop_sequences":["a",""]`))
	f.Add(body("claude-haiku-4-5", "x", `,"thinking":{"type":"enabled","budget_tokens":1024},"temperature":1`))
	f.Add(body("claude-haiku-5-5", "x", `,"tools":[{"name":"a","input_schema":{"properties":{"b":{"items":{}}}}}],"tool_choice":{"type":"any"}`))
	f.Add(body("claude-haiku-5-5", "x", `,"output_config":{"format":{"type":"json_schema","schema":{"anyOf":[{"$ref":"#/a~1b"}],"a/b":{"enum":[null]}}}}`))
	f.Add(body("claude-opus-5-5", "x", `,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"y","cache_control":{"type":"ephemeral","ttl":"1h"}}]`))
	f.Add(`{"model":"claude-haiku-5-5","max_tokens":0,"messages":[{"role":"user","content":[{"type":"image"},{"type":"tool_result","content":[]}]}]}`)
	f.Add(`{"messages":[{"content":[null]}]}`)
	f.Add(body("claude-haiku-5-5", "[[simulate: status status=418 bytes=-1]]", ""))
	f.Add(body("claude-haiku-5-5", "[[simulate: max_tokens after=9 times=0]]", `,"stream":true`))
	f.Fuzz(func(t *testing.T, in string) {
		if strings.Contains(in, "hang") || strings.Contains(in, "stall") || strings.Contains(in, "cut") || strings.Contains(in, "drop") ||
			strings.Contains(in, "trickle") || strings.Contains(in, "delay") || strings.Contains(in, "huge") || strings.Contains(in, `\u`) {
			t.Skip("a failure that it asks for itself takes time or cuts the connection")
		}
		s := &claudetest.Server{Options: claudetest.Options{Magic: true}}
		got := serve(s, in)
		if got.Code != 200 && (got.Code < 400 || got.Code > 599) {
			t.Errorf("status %d", got.Code)
		}
		if got.Header().Get("Content-Type") == "application/json" && !json.Valid(got.Body.Bytes()) {
			t.Errorf("body %q is not JSON", got.Body)
		}
		for line := range strings.Lines(got.Body.String()) {
			if data, ok := strings.CutPrefix(line, "data: "); ok && !json.Valid([]byte(data)) {
				t.Errorf("data %q is not JSON", data)
			}
		}
	})
}

func FuzzParseFailure(f *testing.F) {
	f.Add("overloaded retry_after=3 times=2")
	f.Add("huge bytes=99999999999999999999")
	f.Add("=")
	f.Fuzz(func(t *testing.T, words string) {
		if failure, err := claudetest.ParseFailure(words); err == nil && failure.Kind == "" {
			t.Error("a failure without a kind")
		}
	})
}
