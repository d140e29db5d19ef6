package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A Price is what a model costs from a day on
// (https://platform.claude.com/docs/en/about-claude/pricing).
type Price struct {
	From Date `json:"from"`
	Rates
	// LongPrompt replaces the rates of every token of a request, output
	// included, whose prompt has more than Above tokens.
	LongPrompt *LongPrompt `json:"long_prompt"`
}

// LongPrompt is the price tier of long prompts.
type LongPrompt struct {
	Above int64 `json:"above"` // tokens: input, cache writes and cache reads together
	Rates
}

// Rates are prices per token. A batch request costs half of them.
type Rates struct {
	Input   Rate `json:"input"`
	Output  Rate `json:"output"`
	Write5m Rate `json:"write_5m"`
	Write1h Rate `json:"write_1h"`
	Read    Rate `json:"read"`
}

// A Rate is the price of one token in nano-dollars; in the data it is written
// as dollars per million tokens.
type Rate int64

// UnmarshalJSON reads dollars per million tokens, in decimals as text.
func (r *Rate) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("price: %w", err)
	}
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 3 {
		return fmt.Errorf("price %q: finer than a nano-dollar per token", s)
	}
	var n int64
	for _, c := range whole + frac + strings.Repeat("0", 3-len(frac)) {
		if c < '0' || c > '9' || n > math.MaxInt64/20 {
			return fmt.Errorf("price %q: not dollars per million tokens", s)
		}
		n = n*10 + int64(c-'0')
	}
	*r = Rate(n)
	return nil
}

// maxTokens bounds each count of a usage that is priced; beyond it the usage
// is nonsense and the sum could overflow.
const maxTokens = 1 << 40

// Cost returns what a call cost: usage priced by what was in force at the time
// at, half of it for a batch, rounded up to a whole nano-dollar. It answers
// false, never zero, when the model's price on that day is not known or the
// usage is absurd.
func Cost(model string, u event.Usage, at time.Time, batch bool) (event.NanoUSD, bool) {
	rates, ok := RatesAt(model, u.Prompt(), at)
	if !ok {
		return 0, false
	}
	var sum int64
	for _, item := range []struct {
		tokens int64
		rate   Rate
	}{
		{u.InputTokens, rates.Input},
		{u.CacheWrite5m, rates.Write5m},
		{u.CacheWrite1h, rates.Write1h},
		{u.CacheRead, rates.Read},
		{u.OutputTokens, rates.Output},
	} {
		if item.tokens < 0 || item.tokens > maxTokens {
			return 0, false
		}
		sum += item.tokens * int64(item.rate)
	}
	if batch {
		sum = (sum + 1) / 2
	}
	return event.NanoUSD(sum), true
}

// RatesAt returns the prices of a request to model with a prompt of so many
// tokens at a time.
func RatesAt(model string, prompt int64, at time.Time) (Rates, bool) {
	m, ok := Lookup(model)
	if !ok {
		return Rates{}, false
	}
	for i := len(m.Prices) - 1; i >= 0; i-- {
		p := m.Prices[i]
		if at.Before(p.From.Time) {
			continue
		}
		if p.LongPrompt != nil && prompt > p.LongPrompt.Above {
			return p.LongPrompt.Rates, true
		}
		return p.Rates, true
	}
	return Rates{}, false
}

// CacheSaving returns what the prompt cache saved one call against the price
// of the same prompt without it: what was read at the difference between the
// input price and that of reads, less the premium paid for what was written.
// It is negative for a call that only wrote. It answers false as [Cost] does.
func CacheSaving(model string, u event.Usage, at time.Time, batch bool) (event.NanoUSD, bool) {
	return CacheSavingOf(model, u, u.Prompt(), at, batch)
}

// CacheSavingOf is [CacheSaving] for the summed usage of calls whose prompts
// had about so many tokens each: the size decides the price tier.
func CacheSavingOf(model string, u event.Usage, prompt int64, at time.Time, batch bool) (event.NanoUSD, bool) {
	rates, ok := RatesAt(model, prompt, at)
	if !ok {
		return 0, false
	}
	for _, n := range []int64{u.CacheRead, u.CacheWrite5m, u.CacheWrite1h} {
		if n < 0 || n > maxTokens {
			return 0, false
		}
	}
	saved := u.CacheRead*int64(rates.Input-rates.Read) -
		u.CacheWrite5m*int64(rates.Write5m-rates.Input) - u.CacheWrite1h*int64(rates.Write1h-rates.Input)
	if batch {
		saved /= 2
	}
	return event.NanoUSD(saved), true
}

// Cheaper reports whether a costs less than b by the newest prices of both, for
// short prompts: no rate is higher, and input or output is lower. It is false
// where a price is not known.
func Cheaper(a, b string) bool {
	newest := time.Unix(1<<40, 0)
	x, knownA := RatesAt(a, 0, newest)
	y, knownB := RatesAt(b, 0, newest)
	return knownA && knownB && x.Input <= y.Input && x.Output <= y.Output && (x.Input < y.Input || x.Output < y.Output)
}
