package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A CostReport is the money of the days From to To, inclusive, in UTC: row by
// row, and summed by hook, model and day.
type CostReport struct {
	From    string     `json:"from"`
	To      string     `json:"to"`
	Total   CostView   `json:"total"`
	ByHook  []CostView `json:"by_hook"`
	ByModel []CostView `json:"by_model"`
	ByDay   []CostView `json:"by_day"`
	Rows    []CostView `json:"rows"`
	// ByTenant are the hundred tenants that cost most, of the hooks that have
	// fair_by.
	ByTenant []TenantView `json:"by_tenant"`
	Saved    SavedView    `json:"saved"`
}

// A CostView is a sum over calls. CostUSD is what is known; it is null when no
// call has a known cost. It is a lower bound while UnpricedCalls or UnknownEnds
// is not 0: the first are of models without a known price, the end of the
// second was never seen, so they may have been billed. BatchedCalls are those of
// Calls that went through Message Batches, and BatchSavedUSD is what they cost
// less than live calls would have.
type CostView struct {
	Day           string      `json:"day,omitempty"`
	Hook          string      `json:"hook,omitempty"`
	Model         string      `json:"model,omitempty"`
	Calls         int64       `json:"calls"`
	UnpricedCalls int64       `json:"unpriced_calls"`
	UnknownEnds   int64       `json:"unknown_ends"`
	Usage         event.Usage `json:"usage"`
	CostUSD       *float64    `json:"cost_usd"`
	BatchedCalls  int64       `json:"batched_calls,omitempty"`
	BatchSavedUSD float64     `json:"batch_saved_usd,omitempty"` // the half price of batches
	// EstimatedUSD is the most that calls of unknown cost may have cost: their end
	// or their usage was never seen. Budgets count it; CostUSD does not hold it.
	EstimatedUSD float64 `json:"estimated_usd"`
	// CacheSavedUSD is what the tokens of the calls of known cost would have cost
	// more as fresh input, at the prices of live calls: reads less the premium of
	// writes. It is negative where more was written than read.
	CacheSavedUSD float64 `json:"cache_saved_usd"`
}

// Costs answers GET /v1/costs?from=2026-11-01&to=2026-11-25. The default is the
// week that ends today; a report covers at most 366 days.
func (a *API) Costs(w http.ResponseWriter, r *http.Request) {
	from, to, err := a.daysOf(r)
	if err != nil {
		a.refuse(w, err)
		return
	}
	report, err := a.CostReport(r.Context(), from, to)
	if err != nil {
		a.refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, report)
}

func (a *API) daysOf(r *http.Request) (from, to time.Time, err error) {
	values, err := query(r, "from", "to")
	if err != nil {
		return from, to, err
	}
	to = a.now().UTC()
	if text := values.Get("to"); text != "" {
		if to, err = time.Parse(time.DateOnly, text); err != nil {
			return from, to, badDay("to")
		}
	}
	from = to.AddDate(0, 0, -6)
	if text := values.Get("from"); text != "" {
		if from, err = time.Parse(time.DateOnly, text); err != nil {
			return from, to, badDay("from")
		}
	}
	if span := to.Sub(from); from.Format(time.DateOnly) > to.Format(time.DateOnly) || span > 366*24*time.Hour {
		return from, to, badRequest("days_invalid", "from is after to, or more than 366 days before it", "ask for less")
	}
	return from, to, nil
}

func badDay(name string) *problem {
	return badRequest("day_invalid", name+" is not a day", "write it as 2026-11-25")
}

// CostReport sums the calls of the days from and to, inclusive.
func (a *API) CostReport(ctx context.Context, from, to time.Time) (CostReport, error) {
	report := CostReport{From: from.UTC().Format(time.DateOnly), To: to.UTC().Format(time.DateOnly)}
	rows, err := a.reader.Costs(ctx, report.From, report.To)
	if err != nil {
		return report, err
	}
	for _, row := range rows {
		report.Rows = append(report.Rows, newCostView(row, event.CostRow{Day: row.Day, Hook: row.Hook, Model: row.Model}))
	}
	report.Rows = nonNil(report.Rows)
	report.ByHook = sumBy(rows, func(r event.CostRow) event.CostRow { return event.CostRow{Hook: r.Hook} })
	report.ByModel = sumBy(rows, func(r event.CostRow) event.CostRow { return event.CostRow{Model: r.Model} })
	report.ByDay = sumBy(rows, func(r event.CostRow) event.CostRow { return event.CostRow{Day: r.Day} })
	var total event.CostRow
	for _, row := range rows {
		total = addCost(total, row)
	}
	report.Total = newCostView(total, event.CostRow{})
	return report, a.saved(ctx, &report, rows)
}

// sumBy sums the rows that have the same name, in the order of the names.
func sumBy(rows []event.CostRow, name func(event.CostRow) event.CostRow) []CostView {
	sums := map[event.CostRow]event.CostRow{}
	for _, row := range rows {
		key := name(row)
		sums[key] = addCost(sums[key], row)
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b event.CostRow) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Model, b.Model))
	})
	views := make([]CostView, 0, len(keys))
	for _, key := range keys {
		views = append(views, newCostView(sums[key], key))
	}
	return views
}

func addCost(sum, row event.CostRow) event.CostRow {
	sum.Calls += row.Calls
	sum.Unpriced += row.Unpriced
	sum.UnknownEnds += row.UnknownEnds
	sum.Cost += row.Cost
	sum.Batched += row.Batched
	sum.Estimated += row.Estimated
	sum.CacheSaved += row.CacheSaved
	sum.BatchSaved += row.BatchSaved
	sum.Usage.InputTokens += row.Usage.InputTokens
	sum.Usage.CacheWrite5m += row.Usage.CacheWrite5m
	sum.Usage.CacheWrite1h += row.Usage.CacheWrite1h
	sum.Usage.CacheRead += row.Usage.CacheRead
	sum.Usage.OutputTokens += row.Usage.OutputTokens
	sum.Usage.ThinkingTokens += row.Usage.ThinkingTokens
	return sum
}

func newCostView(row, name event.CostRow) CostView {
	v := CostView{
		Day: name.Day, Hook: name.Hook, Model: name.Model, Calls: row.Calls,
		UnpricedCalls: row.Unpriced, UnknownEnds: row.UnknownEnds, Usage: row.Usage,
		BatchedCalls: row.Batched, BatchSavedUSD: row.BatchSaved.Dollars(),
		EstimatedUSD: row.Estimated.Dollars(), CacheSavedUSD: row.CacheSaved.Dollars(),
	}
	if row.Cost != 0 || row.Calls == 0 || row.Unpriced < row.Calls {
		v.CostUSD = dollars(&row.Cost)
	}
	return v
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
