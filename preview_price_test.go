package forebay

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/work"
)

// TestPreviewPrices compares with prices worked out by hand, on both sides of
// the long-prompt tier of Haiku 5.5: 0.10 and 0.50 dollars per million tokens up
// to 100,000 of them, and 0.50 and 2.50 above, whatever of them is cached.
func TestPreviewPrices(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	system := strings.Repeat("abc", 1000) // 1,000 tokens at 3 characters each
	for _, tt := range []struct {
		name, cache, system string
		input               int64
		want                map[string][2]float64
	}{
		{"short", "5m", system, 100_000, map[string][2]float64{
			"no cache":   {100_000 * 0.10, 100_000*0.10 + 1000*0.50},
			"cold cache": {99_000*0.10 + 1000*0.125, 99_000*0.10 + 1000*0.125 + 1000*0.50},
			"warm cache": {99_000*0.10 + 1000*0.01, 99_000*0.10 + 1000*0.01 + 1000*0.50},
			"batch":      {50_000 * 0.10, 50_000*0.10 + 500*0.50},
		}},
		{"long", "1h", system, 100_001, map[string][2]float64{
			"no cache":   {100_001 * 0.50, 100_001*0.50 + 1000*2.50},
			"cold cache": {99_001*0.50 + 1000*1.00, 99_001*0.50 + 1000*1.00 + 1000*2.50},
			"warm cache": {99_001*0.50 + 1000*0.05, 99_001*0.50 + 1000*0.05 + 1000*2.50},
			"batch":      {100_001 * 0.25, 100_001*0.25 + 1000*1.25},
		}},
		{"nothing to cache", "5m", "short", 1000, map[string][2]float64{
			"no cache": {100, 600}, "batch": {50, 300},
		}},
	} {
		got := previewPrices(&Preview{Model: "claude-haiku-5-5", Input: tt.input, MaxTokens: 1000}, &work.Hook{System: tt.system, Cache: tt.cache}, at)
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %+v, want %d prices", tt.name, got, len(tt.want))
		}
		for _, p := range got {
			want := tt.want[p.When]
			if math.Abs(p.LeastUSD*1e6-want[0]) > 0.01 || math.Abs(p.MostUSD*1e6-want[1]) > 0.01 {
				t.Errorf("%s, %s: got %.3f to %.3f millionths of a dollar, want %.3f to %.3f", tt.name, p.When, p.LeastUSD*1e6, p.MostUSD*1e6, want[0], want[1])
			}
		}
	}
	if got := previewPrices(&Preview{Model: "claude-unheard-of", Input: 10}, &work.Hook{}, at); len(got) != 0 {
		t.Errorf("got %+v for a model without a price, want none", got)
	}
}
