package forebay

import (
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/governor"
)

// budget is a budget as the governor has it.
func budget(b config.Budget) governor.Budget {
	return governor.Budget{
		Daily: nanoUSD(b.DailyUSD), PerTenant: nanoUSD(b.PerTenantUSD), AtCap: b.AtCap, Downgrade: b.DowngradeAt,
	}
}

func nanoUSD(dollars float64) event.NanoUSD { return event.NanoUSD(dollars*1e9 + 0.5) }

// worst returns the most that a call of a hook can cost: a prompt of so many
// tokens of which the system prompt is written to the cache, and the longest
// answer that is allowed.
func (h *hookSet) worst(hook, model string, input int64, at time.Time) (event.NanoUSD, bool) {
	w, ok := h.work[hook]
	if !ok {
		return 0, false
	}
	u := event.Usage{InputTokens: input, OutputTokens: int64(w.MaxTokens)}
	written := min(int64(len(w.System)), input) // no token is less than a byte
	switch w.Cache {
	case "5m":
		u.CacheWrite5m, u.InputTokens = written, input-written
	case "1h":
		u.CacheWrite1h, u.InputTokens = written, input-written
	}
	return catalog.Cost(model, u, at, false)
}

// cheaper returns where a hook's jobs go for want of money.
func cheaper(cfg *config.Config, l lanes, hook config.Hook) func(model string) (governor.Choice, bool) {
	return func(model string) (governor.Choice, bool) {
		id, ok := cfg.Cheaper(hook, model)
		return governor.Choice{Model: id, Lane: l.of(id)}, ok
	}
}
