package metrics

import (
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
)

func (m *Metrics) makeCache() {
	m.cacheTokens = m.counter("forebay_cache_tokens_total",
		"Tokens at prompt-cache breakpoints: read or written. The hit rate is read / (read + write).", "hook", "model", "kind")
	m.cacheSaved = m.counter("forebay_cache_saved_dollars_total",
		"What prompt-cache reads cost less than fresh input, in US dollars. Less forebay_cache_premium_dollars_total it is what caching saved.", "hook", "model")
	m.cachePremium = m.counter("forebay_cache_premium_dollars_total",
		"What prompt-cache writes cost more than fresh input, in US dollars.", "hook", "model")
}

// observeCache counts what the prompt cache did for one call.
func (m *Metrics) observeCache(hook, model string, c event.Call) {
	writes := event.Usage{CacheWrite5m: c.Usage.CacheWrite5m, CacheWrite1h: c.Usage.CacheWrite1h}
	if c.Usage.CacheRead > 0 {
		m.cacheTokens.WithLabelValues(hook, model, "read").Add(float64(c.Usage.CacheRead))
	}
	if n := writes.Prompt(); n > 0 {
		m.cacheTokens.WithLabelValues(hook, model, "write").Add(float64(n))
	}
	batch, prompt := c.Usage.ServiceTier == "batch", c.Usage.Prompt()
	if saved, known := catalog.CacheSavingOf(c.Model, event.Usage{CacheRead: c.Usage.CacheRead}, prompt, c.EndedAt, batch); known && saved > 0 {
		m.cacheSaved.WithLabelValues(hook, model).Add(saved.Dollars())
	}
	if cost, known := catalog.CacheSavingOf(c.Model, writes, prompt, c.EndedAt, batch); known && cost < 0 {
		m.cachePremium.WithLabelValues(hook, model).Add(-cost.Dollars())
	}
}
