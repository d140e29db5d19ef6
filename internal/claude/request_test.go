package claude

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// TestHeaders pins what leaves: one credential, the one that egress binds, and
// nothing from the environment.
func TestHeaders(t *testing.T) {
	t.Setenv("ANTHROPIC_API_KEY", "sk-from-environment")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "token-from-environment")
	t.Setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Leak: yes")
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		sse(w, start, begin, say("x"), stop("end_turn", 1), end)
	})
	if _, err := s.client(t, Options{}).Call(t.Context(), ask, nil); err != nil {
		t.Fatal(err)
	}
	r := <-s.requests
	if got := r.Header.Values("Authorization"); !slices.Equal(got, []string{"Bearer bound-to-origin"}) {
		t.Errorf("Authorization %q, want only the one of the HTTP client", got)
	}
	for name, want := range map[string]string{
		"X-Api-Key": "", "X-Leak": "", "Traceparent": "", "Anthropic-Beta": "",
		"Anthropic-Version": "2026-10-21", "X-Stainless-Retry-Count": "0", "Content-Type": "application/json",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/messages" {
		t.Errorf("%s %s", r.Method, r.URL.Path)
	}
}

// TestBody pins the JSON of requests, thinking and effort by model.
func TestBody(t *testing.T) {
	t.Parallel()
	const turn = `"messages":[{"content":[{"text":"P","type":"text"}],"role":"user"}]`
	for _, tt := range []struct {
		name    string
		request Request
		want    string
	}{
		{"plain", Request{Model: "claude-opus-5-5", Prompt: "P", MaxTokens: 9000}, `{"max_tokens":9000,` + turn + `,"model":"claude-opus-5-5","stream":true}`},
		{"haiku, small: off", Request{Model: "claude-haiku-5-5", Prompt: "P", MaxTokens: 4096, Thinking: "auto"}, `{"max_tokens":4096,` + turn + `,"model":"claude-haiku-5-5","thinking":{"type":"disabled"},"stream":true}`},
		{"haiku, large: default", Request{Model: "claude-haiku-5-5", Prompt: "P", MaxTokens: 4097}, `{"max_tokens":4097,` + turn + `,"model":"claude-haiku-5-5","stream":true}`},
		{"haiku, large: off", Request{Model: "claude-haiku-5-5", Prompt: "P", MaxTokens: 9000, Thinking: "off"}, `{"max_tokens":9000,` + turn + `,"model":"claude-haiku-5-5","thinking":{"type":"disabled"},"stream":true}`},
		{"haiku, small: on", Request{Model: "claude-haiku-5-5", Prompt: "P", MaxTokens: 512, Thinking: "on"}, `{"max_tokens":512,` + turn + `,"model":"claude-haiku-5-5","stream":true}`},
		{"sonnet cannot be off", Request{Model: "claude-sonnet-5-5", Prompt: "P", MaxTokens: 512}, `{"max_tokens":512,` + turn + `,"model":"claude-sonnet-5-5","thinking":{"type":"between_tools"},"stream":true}`},
		{"opus thinks always", Request{Model: "claude-opus-5-5", Prompt: "P", MaxTokens: 512, Thinking: "off"}, `{"max_tokens":512,` + turn + `,"model":"claude-opus-5-5","stream":true}`},
		{"off by default", Request{Model: "claude-opus-4-8", Prompt: "P", MaxTokens: 512, Thinking: "off"}, `{"max_tokens":512,` + turn + `,"model":"claude-opus-4-8","stream":true}`},
		{"turned on", Request{Model: "claude-opus-4-8", Prompt: "P", MaxTokens: 512, Thinking: "on"}, `{"max_tokens":512,` + turn + `,"model":"claude-opus-4-8","thinking":{"type":"adaptive"},"stream":true}`},
		{"turned on with a budget", Request{Model: "claude-haiku-4-5", Prompt: "P", MaxTokens: 4000, Thinking: "on"}, `{"max_tokens":4000,` + turn + `,"model":"claude-haiku-4-5","thinking":{"budget_tokens":2000,"type":"enabled"},"stream":true}`},
		{"no room for a budget", Request{Model: "claude-haiku-4-5", Prompt: "P", MaxTokens: 1024, Thinking: "on"}, `{"max_tokens":1024,` + turn + `,"model":"claude-haiku-4-5","stream":true}`},
		{"unknown model", Request{Model: "m", Prompt: "P", MaxTokens: 5, Thinking: "off", Effort: "low"}, `{"max_tokens":5,` + turn + `,"model":"m","output_config":{"effort":"low"},"stream":true}`},
		{"effort", Request{Model: "claude-opus-5-5", Prompt: "P", MaxTokens: 9000, Effort: "low"}, `{"max_tokens":9000,` + turn + `,"model":"claude-opus-5-5","output_config":{"effort":"low"},"stream":true}`},
		{"no effort there", Request{Model: "claude-haiku-4-5", Prompt: "P", MaxTokens: 9000, Effort: "low"}, `{"max_tokens":9000,` + turn + `,"model":"claude-haiku-4-5","stream":true}`},
		{"cache 5m", Request{Model: "m", System: "S", Prompt: "P", MaxTokens: 5, Cache: "5m"}, `{"max_tokens":5,` + turn + `,"model":"m","system":[{"text":"S","cache_control":{"ttl":"5m","type":"ephemeral"},"type":"text"}],"stream":true}`},
		{"cache 1h", Request{Model: "m", System: "S", Prompt: "P", MaxTokens: 5, Cache: "1h"}, `{"max_tokens":5,` + turn + `,"model":"m","system":[{"text":"S","cache_control":{"ttl":"1h","type":"ephemeral"},"type":"text"}],"stream":true}`},
		{"cache off", Request{Model: "m", System: "S", Prompt: "P", MaxTokens: 5, Cache: "off"}, `{"max_tokens":5,` + turn + `,"model":"m","system":[{"text":"S","type":"text"}],"stream":true}`},
		{"schema in its order", Request{Model: "m", Prompt: "P", MaxTokens: 5, Schema: []byte("{\"z\": 1.50,\n \"a\":{\"y\":[], \"b\":1e3}}")}, `{"max_tokens":5,` + turn + `,"model":"m","output_config":{"format":{"type":"json_schema","schema":{"z":1.50,"a":{"y":[],"b":1e3}}}},"stream":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				sse(w, start, begin, say("{}"), stop("end_turn", 1), end)
			})
			c := s.client(t, Options{})
			var bodies [][]byte
			for range 3 {
				if _, err := c.Call(t.Context(), tt.request, nil); err != nil {
					t.Fatal(err)
				}
				bodies = append(bodies, <-s.bodies)
			}
			if !bytes.Equal(bodies[0], bodies[1]) || !bytes.Equal(bodies[1], bodies[2]) {
				t.Error("equal requests gave different bytes")
			}
			if !sameJSON(t, bodies[0], []byte(tt.want)) {
				t.Errorf("got\n%s\nwant\n%s", bodies[0], tt.want)
			}
			if schema := gjson.GetBytes(bodies[0], "output_config.format.schema"); tt.request.Schema != nil && schema.Raw != `{"z":1.50,"a":{"y":[],"b":1e3}}` {
				t.Errorf("schema %s", schema.Raw)
			}
		})
	}
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	ax, _ := json.Marshal(x)
	by, _ := json.Marshal(y)
	return bytes.Equal(ax, by)
}

func TestBadSchema(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	r := ask
	r.Schema = []byte("{")
	e := fails(t, s.client(t, Options{}), r)
	if e.Verdict != GiveUp || e.Code != CodeInvalidRequest || len(s.requests) != 0 {
		t.Errorf("got %d %v after %d requests", e.Verdict, e, len(s.requests))
	}
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	body := `{"input_tokens":14}`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	})
	r := ask
	r.System, r.Cache = "S", "5m"
	got, err := s.client(t, Options{}).CountTokens(t.Context(), r)
	if err != nil || got != 14 {
		t.Errorf("got %d, %v; want 14", got, err)
	}
	if sent := <-s.bodies; gjson.GetBytes(sent, "stream").Exists() || gjson.GetBytes(sent, "max_tokens").Exists() || gjson.GetBytes(sent, "system.0.text").Str != "S" {
		t.Errorf("sent %s", sent)
	}
	body = `{}`
	if got, err := s.client(t, Options{}).CountTokens(t.Context(), r); err == nil {
		t.Errorf("got %d from an empty answer, want an error", got)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	const model = `{"id":"claude-sonnet-4-5","type":"model","display_name":"Claude Sonnet 4.5","lifecycle":"deprecated","deprecated_at":"2026-09-30T00:00:00Z","retires_at":"2026-11-30T00:00:00Z","max_input_tokens":200000,"max_tokens":64000,"created_at":"2025-09-29T00:00:00Z"}`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/v1/models":
			_, _ = w.Write([]byte(`{"data":[` + model + `,{"id":"claude-x","lifecycle":"mythical","retires_at":null}],"has_more":false}`))
		case "/v1/models/claude-sonnet-4-5":
			_, _ = w.Write([]byte(model))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(apiError("not_found_error", "model: nope", "")))
		}
	})
	c := s.client(t, Options{})
	want := ModelInfo{
		ID: "claude-sonnet-4-5", DisplayName: "Claude Sonnet 4.5", Lifecycle: "deprecated",
		DeprecatedAt: time.Date(2026, 9, 30, 0, 0, 0, 0, time.UTC), RetiresAt: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC),
		MaxInput: 200000, MaxOutput: 64000,
	}
	all, err := c.Models(t.Context())
	if err != nil || len(all) != 2 || all[0] != want || !all[1].RetiresAt.IsZero() {
		t.Errorf("got %+v, %v", all, err)
	}
	if one, err := c.Model(t.Context(), "claude-sonnet-4-5"); err != nil || one != want {
		t.Errorf("got %+v, %v", one, err)
	}
	_, err = c.Model(t.Context(), "nope")
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeModelNotFound {
		t.Errorf("got %v, want %s", err, CodeModelNotFound)
	}
}
