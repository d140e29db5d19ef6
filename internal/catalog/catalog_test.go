package catalog

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDataIsComplete(t *testing.T) {
	t.Parallel()
	var d document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, m := range d.Models {
		for _, name := range append([]string{m.ID}, m.Aliases...) {
			if other, taken := names[name]; taken {
				t.Errorf("%s names both %s and %s", name, other, m.ID)
			}
			names[name] = m.ID
		}
		checkRow(t, m)
	}
	if got := len(d.Models); got < 20 {
		t.Errorf("catalog has %d models, want at least 20", got)
	}
}

func checkRow(t *testing.T, m Model) {
	t.Helper()
	if m.Class == "" || m.CharsPer10 <= 0 {
		t.Errorf("%s: class or characters per token missing", m.ID)
	}
	if !slices.Contains([]string{"off", "on", "always"}, m.Thinking.Default) ||
		!slices.Contains([]string{"disabled", "between_tools", "none"}, m.Thinking.Off) ||
		!slices.Contains([]string{"adaptive", "budget", "none"}, m.Thinking.On) {
		t.Errorf("%s: thinking = %+v", m.ID, m.Thinking)
	}
	if m.Lifecycle.State != Retired && (m.Context == 0 || m.MaxOutput == 0 || m.CacheMinimum == 0) {
		t.Errorf("%s: context, output or cache minimum missing", m.ID)
	}
	if r := m.Lifecycle.Replacement; r != "" {
		if _, ok := Lookup(r); !ok {
			t.Errorf("%s: replacement %s is not in the catalog", m.ID, r)
		}
	}
	for i, p := range m.Prices {
		if i > 0 && !p.From.After(m.Prices[i-1].From.Time) {
			t.Errorf("%s: prices are not in order of their days", m.ID)
		}
		if p.Input <= 0 || p.Output <= p.Input || p.Read >= p.Input || p.Write5m*4 != p.Input*5 || p.Write1h != p.Input*2 {
			t.Errorf("%s from %s: implausible prices %+v", m.ID, p.From, p.Rates)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		model, id, class string
		known            bool
	}{
		{"claude-haiku-5-5", "claude-haiku-5-5", "haiku-5-5", true},
		{"claude-haiku-5-5-20261007", "claude-haiku-5-5", "haiku-5-5", true},
		{"claude-haiku-4-5-20251001", "claude-haiku-4-5", "haiku-4-5", true},
		{"claude-opus-4-8", "claude-opus-4-8", "opus-4", true},
		{"claude-opus-4-5-20251101", "claude-opus-4-5", "opus-4", true},
		{"claude-opus-5", "claude-opus-5", "opus-5", true},
		{"claude-sonnet-4-6", "claude-sonnet-4-6", "sonnet-4", true},
		{"claude-fable-5-1", "claude-fable-5-1", "fable-5", true},
		{"claude-newest-9-20300101", "", "newest-9", false},
		{"my-own-model", "", "my-own-model", false},
		{"", "", "", false},
		{"-20300101", "", "-20300101", false},
		{"claude-x-2030010x", "", "x-2030010x", false},
	} {
		m, known := Lookup(tt.model)
		if m.ID != tt.id || known != tt.known {
			t.Errorf("Lookup(%q) = %q, %v; want %q, %v", tt.model, m.ID, known, tt.id, tt.known)
		}
		if got := Class(tt.model); got != tt.class {
			t.Errorf("Class(%q) = %q, want %q", tt.model, got, tt.class)
		}
	}
}

func TestThinkingAndCache(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		model, initial, off string
		minimum             int64
		forced              bool
	}{
		{"claude-haiku-5-5", "on", "disabled", 512, true},
		{"claude-sonnet-5-5", "on", "between_tools", 512, false},
		{"claude-opus-5-5", "always", "none", 512, false},
		{"claude-sonnet-5", "on", "disabled", 1024, true},
		{"claude-opus-4-7", "off", "disabled", 2048, true},
		{"claude-haiku-4-5", "off", "disabled", 4096, true},
	} {
		m, _ := Lookup(tt.model)
		if m.Thinking.Default != tt.initial || m.Thinking.Off != tt.off || m.CacheMinimum != tt.minimum || m.ForcedTool != tt.forced {
			t.Errorf("%s: got %+v, minimum %d, forced tool %v", tt.model, m.Thinking, m.CacheMinimum, m.ForcedTool)
		}
	}
}

func TestRetirement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		model, on, notice string
		callable          bool
	}{
		{"claude-sonnet-4-5", "2026-11-29", "claude-sonnet-4-5 retires on 2026-11-30; use claude-sonnet-5-5", true},
		{"claude-sonnet-4-5-20250929", "2026-11-30", "claude-sonnet-4-5 is retired and no longer answers; use claude-sonnet-5-5", false},
		{"claude-3-haiku-20240307", "2026-11-25", "claude-3-haiku is retired and no longer answers; use claude-haiku-5-5", false},
		{"claude-opus-4-5", "2026-11-23", "", true},
		{"claude-opus-4-5", "2026-11-24", "claude-opus-4-5 may retire any day (its promise ended on 2026-11-24); use claude-opus-5-5", true},
		{"claude-mythos-preview", "2026-11-25", "claude-mythos-preview is deprecated; use claude-mythos-5-1", true},
		{"claude-haiku-5-5", "2026-11-25", "", true},
		{"nobody-knows", "2026-11-25", "", true},
	} {
		notice, callable, ok := Retirement(tt.model, day(tt.on))
		if notice != tt.notice || callable != tt.callable || ok != (tt.notice != "") {
			t.Errorf("Retirement(%s, %s) = %q, %v, %v; want %q, %v", tt.model, tt.on, notice, callable, ok, tt.notice, tt.callable)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	m, _ := Lookup("claude-haiku-5-5")
	for n, want := range map[int64]int64{0: 0, -5: 0, 1: 1, 3: 1, 4: 2, 3000: 1000} {
		if got := m.Tokens(n); got != want {
			t.Errorf("Tokens(%d) = %d, want %d", n, got, want)
		}
	}
}
