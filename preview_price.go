package forebay

import (
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/prompt"
	"github.com/forebayhq/forebay/internal/work"
)

// A PreviewPrice is what a call costs in one circumstance: without an answer,
// and with the longest that is allowed.
type PreviewPrice struct {
	When     string  `json:"when"` // "no cache", "cold cache", "warm cache", "batch"
	LeastUSD float64 `json:"least_usd"`
	MostUSD  float64 `json:"most_usd"`
}

// previewPrices prices the prompt of p: as it is, where its system prompt is
// cached by the call that writes it and by one that reads it, and in a batch
// without the cache. The price tier goes by the whole prompt, cached or not.
func previewPrices(p *Preview, h *work.Hook, at time.Time) []PreviewPrice {
	prices := []PreviewPrice{}
	add := func(when string, u event.Usage, batch bool) {
		least, ok := catalog.Cost(p.Model, u, at, batch)
		if !ok {
			return
		}
		u.OutputTokens = int64(p.MaxTokens)
		most, _ := catalog.Cost(p.Model, u, at, batch)
		prices = append(prices, PreviewPrice{when, least.Dollars(), most.Dollars()})
	}
	add("no cache", event.Usage{InputTokens: p.Input}, false)
	if cached := min(cachedTokens(p.Model, h), p.Input); cached > 0 {
		cold := event.Usage{InputTokens: p.Input - cached, CacheWrite5m: cached}
		if h.Cache == "1h" {
			cold = event.Usage{InputTokens: p.Input - cached, CacheWrite1h: cached}
		}
		add("cold cache", cold, false)
		add("warm cache", event.Usage{InputTokens: p.Input - cached, CacheRead: cached}, false)
	}
	add("batch", event.Usage{InputTokens: p.Input}, true)
	return prices
}

// cachedTokens estimates how many tokens of a prompt are cached: those of the
// system prompt, if the model caches so few.
func cachedTokens(model string, h *work.Hook) int64 {
	m, ok := catalog.Lookup(model)
	if !ok || h.Cache == "off" || h.System == "" {
		return 0
	}
	tokens := int64(prompt.Tokens(h.System, charsPerToken(model)))
	if tokens < m.CacheMinimum {
		return 0
	}
	return tokens
}
