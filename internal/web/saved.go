package web

import (
	"fmt"

	"github.com/forebayhq/forebay/internal/api"
)

// maxTenants bounds the tenants on the page; the API has more.
const maxTenants = 20

// A saving is one way in which money was not spent.
type saving struct {
	By    string
	Count string
	USD   *float64 // nil: not known
	About bool     // it is an estimate
}

// Savings lists what was saved today, in the order of [api.CostReport].
func (p statusPage) Savings() (all []saving) {
	total, s := p.Costs.Total, p.Costs.Saved
	if u := total.Usage; u.CacheRead+u.CacheWrite5m+u.CacheWrite1h > 0 {
		all = append(all, saving{By: "prompt cache", Count: fmt.Sprintf("%s tokens read", thousands(u.CacheRead)), USD: &total.CacheSavedUSD})
	}
	if total.BatchedCalls > 0 {
		all = append(all, saving{By: "batches", Count: thousands(total.BatchedCalls) + " calls", USD: &total.BatchSavedUSD})
	}
	if s.Reused > 0 {
		all = append(all, saving{By: "answers used again", Count: thousands(s.Reused) + " jobs", USD: &s.ReuseUSD})
	}
	if s.Superseded > 0 {
		all = append(all, saving{By: "coalescing", Count: thousands(s.Superseded) + " jobs", USD: s.CoalescingUSD, About: s.CoalescingUSD != nil})
	}
	if s.Duplicates > 0 {
		all = append(all, saving{By: "deduplication", Count: thousands(s.Duplicates) + " copies", USD: s.DeduplicationUSD, About: s.DeduplicationUSD != nil})
	}
	return all
}

// Tenants are those that cost most today.
func (p statusPage) Tenants() []api.TenantView {
	return p.Costs.ByTenant[:min(maxTenants, len(p.Costs.ByTenant))]
}
