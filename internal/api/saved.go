package api

import (
	"context"

	"github.com/forebayhq/forebay/event"
)

// maxTenants bounds the tenants of a report.
const maxTenants = 100

// A SavedView is what calls were not made for, and what that saved. Coalescing
// and deduplication are estimates: each job or copy that was not worked counts
// with what a job of the same hook cost on the same day, all of its calls
// together divided by the jobs that succeeded with a call of their own. They are
// null where that is not known of any such day. Reuse is what the answers that
// were used again had cost. What caching and batches saved stands beside each
// cost.
type SavedView struct {
	Superseded       int64    `json:"superseded_jobs"`
	CoalescingUSD    *float64 `json:"coalescing_usd_estimate"`
	Duplicates       int64    `json:"duplicates"`
	DeduplicationUSD *float64 `json:"deduplication_usd_estimate"`
	Reused           int64    `json:"reused_jobs"`
	ReuseUSD         float64  `json:"reuse_usd"`
}

// A TenantView is the money of one tenant of a hook. CostUSD is null when no
// call has a known cost.
type TenantView struct {
	Hook          string   `json:"hook"`
	Tenant        string   `json:"tenant"`
	Calls         int64    `json:"calls"`
	UnpricedCalls int64    `json:"unpriced_calls"`
	CostUSD       *float64 `json:"cost_usd"`
	EstimatedUSD  float64  `json:"estimated_usd"`
}

// saved adds what was not called for, and who the tenants are.
func (a *API) saved(ctx context.Context, report *CostReport, costs []event.CostRow) error {
	tenants, err := a.reader.TenantCosts(ctx, report.From, report.To, maxTenants)
	if err != nil {
		return err
	}
	report.ByTenant = make([]TenantView, 0, len(tenants))
	for _, t := range tenants {
		v := TenantView{Hook: t.Hook, Tenant: t.Tenant, Calls: t.Calls, UnpricedCalls: t.Unpriced, EstimatedUSD: t.Estimated.Dollars()}
		if t.Unpriced < t.Calls {
			v.CostUSD = dollars(&t.Cost)
		}
		report.ByTenant = append(report.ByTenant, v)
	}
	rows, err := a.reader.Thrift(ctx, report.From, report.To)
	report.Saved = newSavedView(rows, costs)
	return err
}

// newSavedView values what was not called for by what calls cost.
func newSavedView(rows []event.ThriftRow, costs []event.CostRow) SavedView {
	type place struct{ day, hook string }
	spent := make(map[place]event.NanoUSD)
	priced := make(map[place]bool)
	for _, c := range costs {
		at := place{c.Day, c.Hook}
		spent[at] += c.Cost
		priced[at] = priced[at] || c.Unpriced < c.Calls
	}
	var v SavedView
	for _, r := range rows {
		v.Superseded, v.Duplicates, v.Reused = v.Superseded+r.Superseded, v.Duplicates+r.Duplicates, v.Reused+r.Reused
		v.ReuseUSD += r.Saved.Dollars()
		at := place{r.Day, r.Hook}
		if r.Answered == 0 || !priced[at] {
			continue
		}
		mean := spent[at].Dollars() / float64(r.Answered)
		v.CoalescingUSD = plus(v.CoalescingUSD, r.Superseded, mean)
		v.DeduplicationUSD = plus(v.DeduplicationUSD, r.Duplicates, mean)
	}
	return v
}

// plus adds n times each to a sum that is not known until something is.
func plus(sum *float64, n int64, each float64) *float64 {
	if n == 0 {
		return sum
	}
	if sum == nil {
		sum = new(0.0)
	}
	*sum += float64(n) * each
	return sum
}
