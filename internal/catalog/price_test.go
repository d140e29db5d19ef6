package catalog

import (
	"math"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestPriceTable compares the data with the published table, in dollars per
// million tokens.
func TestPriceTable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		model                                         string
		input, output, write5m, write1h, read, bi, bo float64
	}{
		{"claude-fable-5-1", 10, 50, 12.50, 20, 0.25, 5, 25},
		{"claude-mythos-5-1", 10, 50, 12.50, 20, 0.25, 5, 25},
		{"claude-fable-5", 10, 50, 12.50, 20, 1.00, 5, 25},
		{"claude-mythos-5", 10, 50, 12.50, 20, 1.00, 5, 25},
		{"claude-opus-5-5", 4, 20, 5, 8, 0.20, 2, 10},
		{"claude-opus-5", 5, 25, 6.25, 10, 0.50, 2.50, 12.50},
		{"claude-opus-4-8", 5, 25, 6.25, 10, 0.50, 2.50, 12.50},
		{"claude-opus-4-7", 5, 25, 6.25, 10, 0.50, 2.50, 12.50},
		{"claude-opus-4-6", 5, 25, 6.25, 10, 0.50, 2.50, 12.50},
		{"claude-opus-4-5", 5, 25, 6.25, 10, 0.50, 2.50, 12.50},
		{"claude-sonnet-5-5", 2, 10, 2.50, 4, 0.10, 1, 5},
		{"claude-sonnet-5", 2, 10, 2.50, 4, 0.20, 1, 5},
		{"claude-sonnet-4-6", 3, 15, 3.75, 6, 0.30, 1.50, 7.50},
		{"claude-sonnet-4-5", 3, 15, 3.75, 6, 0.30, 1.50, 7.50},
		{"claude-haiku-5-5", 0.10, 0.50, 0.125, 0.20, 0.01, 0.05, 0.25},
		{"claude-haiku-4-5", 1, 5, 1.25, 2, 0.10, 0.50, 2.50},
	} {
		const mtok = 50_000 // a twentieth of a million, below every price tier
		now := day("2026-11-25")
		for _, item := range []struct {
			name  string
			usage event.Usage
			batch bool
			want  float64
		}{
			{"input", event.Usage{InputTokens: mtok}, false, tt.input},
			{"output", event.Usage{OutputTokens: mtok}, false, tt.output},
			{"write 5m", event.Usage{CacheWrite5m: mtok}, false, tt.write5m},
			{"write 1h", event.Usage{CacheWrite1h: mtok}, false, tt.write1h},
			{"read", event.Usage{CacheRead: mtok}, false, tt.read},
			{"batch input", event.Usage{InputTokens: mtok}, true, tt.bi},
			{"batch output", event.Usage{OutputTokens: mtok}, true, tt.bo},
		} {
			got, ok := Cost(tt.model, item.usage, now, item.batch)
			want := event.NanoUSD(math.Round(item.want * 1e9 / 20))
			if !ok || got != want {
				t.Errorf("%s %s: got %d, %v; want %d", tt.model, item.name, got, ok, want)
			}
		}
	}
}

func TestCostLongPrompt(t *testing.T) {
	t.Parallel()
	now := day("2026-11-25")
	for _, tt := range []struct {
		name  string
		usage event.Usage
		want  event.NanoUSD
	}{
		{"at the boundary", event.Usage{InputTokens: 100_000, OutputTokens: 1000}, 100_000*100 + 1000*500},
		{"one above: every token", event.Usage{InputTokens: 100_001, OutputTokens: 1000}, 100_001*500 + 1000*2500},
		{"cache tokens count", event.Usage{InputTokens: 1, CacheRead: 50_000, CacheWrite5m: 25_000, CacheWrite1h: 25_000}, 500 + 50_000*50 + 25_000*625 + 25_000*1000},
		{"output does not count", event.Usage{InputTokens: 1000, OutputTokens: 128_000}, 1000*100 + 128_000*500},
	} {
		if got, ok := Cost("claude-haiku-5-5", tt.usage, now, false); !ok || got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", tt.name, got, ok, tt.want)
		}
	}
}

func TestCostByDate(t *testing.T) {
	t.Parallel()
	read := event.Usage{CacheRead: 1_000_000}
	changed := day("2026-10-07")
	for _, tt := range []struct {
		at   time.Time
		want event.NanoUSD
		ok   bool
	}{
		{changed.Add(-time.Nanosecond), 200_000_000, true},
		{changed, 100_000_000, true},
		{changed.In(time.FixedZone("east", 3600)), 100_000_000, true},
		{time.Time{}, 0, false},
	} {
		if got, ok := Cost("claude-sonnet-5-5", read, tt.at, false); got != tt.want || ok != tt.ok {
			t.Errorf("at %s: got %d, %v; want %d, %v", tt.at, got, ok, tt.want, tt.ok)
		}
	}
}

func TestCostIsUnknownNeverZero(t *testing.T) {
	t.Parallel()
	now := day("2026-11-25")
	usage := event.Usage{InputTokens: 1000, OutputTokens: 10}
	for _, model := range []string{"", "gpt-9", "claude-fable-5-2", "claude-mythos-5-2", "claude-3-haiku-20240307"} {
		if got, ok := Cost(model, usage, now, false); ok {
			t.Errorf("Cost(%q) = %d, want unknown", model, got)
		}
	}
	for name, u := range map[string]event.Usage{
		"negative": {InputTokens: -1},
		"huge":     {OutputTokens: math.MaxInt64},
	} {
		if got, ok := Cost("claude-haiku-5-5", u, now, false); ok {
			t.Errorf("%s usage: got %d, want unknown", name, got)
		}
	}
}

func TestCostRoundsUp(t *testing.T) {
	t.Parallel()
	// Half of 125 nano-dollars is not a whole number of them.
	got, ok := Cost("claude-haiku-5-5", event.Usage{CacheWrite5m: 1}, day("2026-11-25"), true)
	if !ok || got != 63 {
		t.Errorf("got %d, %v; want 63", got, ok)
	}
}

func TestRateRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"0.0001"`, `"-1"`, `"1e3"`, `1`, `"99999999999999999999"`, `"a"`} {
		var r Rate
		if err := r.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s: got %d, want an error", text, r)
		}
	}
}

// TestCacheSaving compares with the difference of two costs: of the call, and of
// the same prompt as fresh input.
func TestCacheSaving(t *testing.T) {
	t.Parallel()
	at := day("2026-11-25")
	for _, tt := range []struct {
		name  string
		model string
		usage event.Usage
		batch bool
		want  event.NanoUSD
	}{
		{"a read", "claude-haiku-5-5", event.Usage{InputTokens: 200, CacheRead: 3000, OutputTokens: 50}, false, 3000 * 90},
		{"a write costs", "claude-haiku-5-5", event.Usage{InputTokens: 200, CacheWrite5m: 3000}, false, -3000 * 25},
		{"a long write costs more", "claude-haiku-5-5", event.Usage{CacheWrite1h: 3000}, false, -3000 * 100},
		{"a long prompt", "claude-haiku-5-5", event.Usage{InputTokens: 100_000, CacheRead: 3000}, false, 3000 * 450},
		{"sonnet", "claude-sonnet-5-5", event.Usage{CacheRead: 1000}, false, 1000 * 1900},
		{"half in a batch", "claude-sonnet-5-5", event.Usage{CacheRead: 1000}, true, 1000 * 950},
		{"nothing", "claude-haiku-5-5", event.Usage{InputTokens: 3000}, false, 0},
	} {
		got, ok := CacheSaving(tt.model, tt.usage, at, tt.batch)
		if !ok || got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", tt.name, got, ok, tt.want)
		}
		fresh := event.Usage{InputTokens: tt.usage.Prompt(), OutputTokens: tt.usage.OutputTokens}
		without, _ := Cost(tt.model, fresh, at, tt.batch)
		with, _ := Cost(tt.model, tt.usage, at, tt.batch)
		if without-with != got {
			t.Errorf("%s: %d without the cache and %d with it, which is not %d", tt.name, without, with, got)
		}
	}
	if _, ok := CacheSaving("nobody-knows", event.Usage{CacheRead: 1}, at, false); ok {
		t.Error("an unknown model has a saving")
	}
	if _, ok := CacheSaving("claude-haiku-5-5", event.Usage{CacheRead: -1}, at, false); ok {
		t.Error("a negative count has a saving")
	}
}

// TestCheaper compares models by price; one without a price is never cheaper.
func TestCheaper(t *testing.T) {
	t.Parallel()
	if Cheaper("claude-opus-5-5", "claude-haiku-5-5") || !Cheaper("claude-haiku-5-5", "claude-opus-5-5") || Cheaper("claude-haiku-5-5", "claude-fable-5-2") {
		t.Error("the order of prices is wrong")
	}
}
