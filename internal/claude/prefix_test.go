package claude

import (
	"encoding/json"
	"testing"
)

// TestPrefixKey: requests share a key exactly where the API shares an entry.
func TestPrefixKey(t *testing.T) {
	t.Parallel()
	base := Request{Model: "claude-haiku-5-5", System: "You review.", Prompt: "one", MaxTokens: 2048, Cache: "5m"}
	key := func(change func(*Request)) string {
		t.Helper()
		r := base
		change(&r)
		k, err := PrefixKey(r)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	same := key(func(*Request) {})
	if len(same) != 24 {
		t.Fatalf("got %q, want 24 hex digits", same)
	}
	for _, tt := range []struct {
		name   string
		change func(*Request)
		equal  bool
	}{
		{"another prompt", func(r *Request) { r.Prompt = "two" }, true},
		{"a bit more room", func(r *Request) { r.MaxTokens = 2049 }, true},
		{"so much room that it thinks", func(r *Request) { r.MaxTokens = 64_000 }, false},
		{"another model", func(r *Request) { r.Model = "claude-sonnet-5-5" }, false},
		{"another system prompt", func(r *Request) { r.System = "You review!" }, false},
		{"another life", func(r *Request) { r.Cache = "1h" }, false},
		{"effort", func(r *Request) { r.Effort = "low" }, false},
		{"a schema", func(r *Request) { r.Schema = json.RawMessage(`{"type":"object"}`) }, false},
	} {
		if got := key(tt.change) == same; got != tt.equal {
			t.Errorf("%s: same key %v, want %v", tt.name, got, tt.equal)
		}
	}
	for _, change := range []func(*Request){func(r *Request) { r.Cache = "off" }, func(r *Request) { r.System = "" }} {
		if got := key(change); got != "" {
			t.Errorf("got %q without a breakpoint, want none", got)
		}
	}
}
