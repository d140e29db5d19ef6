package main

import (
	"strconv"

	"github.com/forebayhq/forebay/internal/api"
)

// printTenants lists the tenants that cost most.
func (a *app) printTenants(report api.CostReport) {
	if len(report.ByTenant) == 0 {
		a.errorf("no call of a tenant ended from %s to %s; fair_by of a hook names tenants\n", printable(report.From), printable(report.To))
		return
	}
	rows := [][]string{{"HOOK", "TENANT", "CALLS", "COST", "AT MOST MORE"}}
	for _, t := range report.ByTenant {
		rows = append(rows, []string{printable(t.Hook), printable(t.Tenant), strconv.FormatInt(t.Calls, 10), usd(t.CostUSD), usd(&t.EstimatedUSD)})
	}
	a.table(rows)
}

// printSaved says what was saved, and how far that is an estimate.
func (a *app) printSaved(report api.CostReport) {
	s, total := report.Saved, report.Total
	if total.CacheSavedUSD != 0 {
		a.printf("saved by prompt caching: %s\n", usd(&total.CacheSavedUSD))
	}
	if s.Reused > 0 {
		a.printf("saved by using answers again: %s in %s\n", usd(&s.ReuseUSD), counted(int(s.Reused), "job"))
	}
	if s.Superseded > 0 {
		a.printf("saved by coalescing: about %s in %s\n", usd(s.CoalescingUSD), counted(int(s.Superseded), "job"))
	}
	if s.Duplicates > 0 {
		a.printf("saved by deduplication: about %s in %s\n", usd(s.DeduplicationUSD), counted(int(s.Duplicates), "duplicate"))
	}
}
