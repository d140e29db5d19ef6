package config

import (
	"fmt"
	"math"

	"github.com/forebayhq/forebay/internal/catalog"
)

// mostUSD is the highest cap: money is kept in nano-dollars, and sums must not
// overflow.
const mostUSD = 1e6

// leastUSD is the lowest: less could be rounded to none.
const leastUSD = 1e-6

func (b *Budget) applyDefaults(r *report, path string) {
	fill(r, path+".at_cap", &b.AtCap, "hold")
	fill(r, path+".downgrade_at", &b.DowngradeAt, 0.8)
}

// bounded reports whether there is a cap.
func (b *Budget) bounded() bool { return b.DailyUSD > 0 || b.PerTenantUSD > 0 }

// check checks what every budget has.
func (b *Budget) check(r *report, path string) {
	for _, cap := range []struct {
		name string
		usd  float64
	}{{"daily_usd", b.DailyUSD}, {"per_tenant_usd", b.PerTenantUSD}} {
		switch {
		case cap.usd < 0:
			r.wrong(path+"."+cap.name, cap.name+" is negative", "write dollars per day, or 0 for no cap")
		case cap.usd > 0 && cap.usd < leastUSD:
			r.wrong(path+"."+cap.name, cap.name+" is less than any call costs", "write dollars per day, or 0 for no cap")
		case cap.usd > mostUSD:
			r.wrong(path+"."+cap.name, fmt.Sprintf("%s is more than %.0f", cap.name, float64(mostUSD)), "write dollars per day, or 0 for no cap")
		}
	}
	r.oneOf(path+".at_cap", b.AtCap, "hold", "downgrade", "dead")
	if b.DowngradeAt <= 0 || b.DowngradeAt > 1 {
		r.wrong(path+".downgrade_at", "downgrade_at is no share of the cap", "write a number above 0 and up to 1, such as 0.8")
	}
	for _, setting := range []string{"downgrade_at", "downgrade_to"} {
		if r.has(path+"."+setting) && b.AtCap != "downgrade" {
			r.wrong(path+"."+setting, "the budget does not downgrade", "write at_cap: downgrade, or remove "+setting)
		}
	}
	if r.has(path) && b.DailyUSD == 0 && b.PerTenantUSD == 0 {
		r.warn(path, "the budget has no cap", "write daily_usd")
	}
}

// budget checks the hook's budget, and what the budget of all hooks asks of it.
func (h *hookCheck) budget() {
	b, path := &h.hook.Budget, h.in("budget")
	b.check(h.report, path)
	if b.PerTenantUSD > 0 && h.hook.FairBy == "" {
		h.wrong(path+".per_tenant_usd", "the hook has no tenants", "write fair_by: a CEL rule that names the tenant of an event")
	}
	if b.DowngradeTo != "" || h.has(path+".downgrade_to") {
		if _, ok := h.config.resolve(b.DowngradeTo); !ok {
			h.wrong(path+".downgrade_to", h.shown(path+".downgrade_to", b.DowngradeTo)+" is neither a tier nor a model", h.config.modelRemedy(b.DowngradeTo))
			return
		}
	}
	if b.bounded() && b.AtCap == "downgrade" && !h.hasCheaper() {
		h.wrong(path+".at_cap", "the hook has no cheaper model to go to", "write downgrade_to: haiku, or list a cheaper model in fallback")
	}
	if b.bounded() || h.config.Budget.bounded() {
		h.prices()
	}
}

// hasCheaper reports whether some model that the hook may use has a cheaper one
// to go to.
func (h *hookCheck) hasCheaper() bool {
	for _, m := range h.named() {
		id, ok := h.config.resolve(m.model)
		if !ok {
			continue
		}
		if _, ok := h.config.Cheaper(*h.hook, id); ok {
			return true
		}
	}
	return false
}

// prices warns of models that the budgets do not see, and of those that they let
// nothing go to.
func (h *hookCheck) prices() {
	for _, m := range h.named() {
		id, ok := h.config.resolve(m.model)
		if !ok {
			continue
		}
		rates, known := catalog.RatesAt(id, 0, h.now)
		if !known {
			h.warn(m.path, brief(id)+" has no known price: budgets do not count its calls", "use a model with a known price, or watch the account's own spend limit")
			continue
		}
		answer := float64(rates.Output) / 1e9 * float64(h.hook.MaxTokens)
		if h.hook.Lane == laneBatch {
			answer /= 2
		}
		if cap, name := h.smallest(); answer > cap && !h.goesDown(id) {
			h.warn(m.path, fmt.Sprintf("an answer of max_tokens by %s costs $%g, and %s is $%g: its jobs would all end as budget_exhausted", brief(id), answer, name, cap),
				"raise the cap, or lower max_tokens")
		}
	}
}

// smallest is the lowest cap over the hook, and its name.
func (h *hookCheck) smallest() (usd float64, name string) {
	usd = math.Inf(1)
	for _, cap := range []struct {
		usd  float64
		name string
	}{
		{h.config.Budget.DailyUSD, "the daily budget"}, {h.hook.Budget.DailyUSD, "the hook's daily budget"}, {h.hook.Budget.PerTenantUSD, "that of a tenant"},
	} {
		if cap.usd >= leastUSD && cap.usd < usd {
			usd, name = cap.usd, cap.name
		}
	}
	return usd, name
}

// goesDown reports whether a job of the model goes to a cheaper one at the cap.
func (h *hookCheck) goesDown(model string) bool {
	_, ok := h.config.Cheaper(*h.hook, model)
	return ok && h.hook.Budget.AtCap == "downgrade"
}

// Cheaper returns the model that a job of the hook goes to from one, for want of
// money: the budget's downgrade_to, or the first of its fallback that is
// cheaper.
func (c *Config) Cheaper(h Hook, model string) (string, bool) {
	candidates := h.Fallback
	if h.Budget.DowngradeTo != "" {
		candidates = []string{h.Budget.DowngradeTo}
	}
	for _, name := range candidates {
		if id := c.Model(name); id != model && catalog.Cheaper(id, model) {
			return id, true
		}
	}
	return "", false
}

// reuse checks how long answers are used again.
func (h *hookCheck) reuse() {
	path, age := h.in("reuse.for"), h.hook.Reuse.For
	if age == 0 && !h.has(path) {
		return
	}
	h.durationIn(path, age, minute, 30*day)
	if keep := h.config.Retention.Results; h.sound(path) && age > keep {
		h.warn(path, "answers are kept for less time than they may be used again", "write at most retention.results")
	}
}
