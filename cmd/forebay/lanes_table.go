package main

import (
	"fmt"
	"strconv"

	"github.com/forebayhq/forebay/internal/api"
)

// printLanes writes what each lane holds, what is left of its budgets and what
// holds it back, and below that what the prompt cache did today.
func (a *app) printLanes(lanes []api.LaneView) {
	if len(lanes) == 0 {
		a.errorf("no lane has been used yet\n")
		return
	}
	rows := [][]string{{"LANE", "STATE", "QUEUED", "RUNNING", "REQUESTS/MIN", "INPUT/MIN", "OUTPUT/MIN", "EMPTY", "UNTIL", "WHY"}}
	for _, l := range lanes {
		state, cause := l.Condition()
		until := moment(l.Until)
		if state == "paused" && l.Until == nil {
			until = "resumed by hand"
		}
		rows = append(rows, append([]string{printable(l.Name), state, strconv.Itoa(l.Queued), strconv.Itoa(l.Running)},
			append(laneLevels(l), orDash(moment(l.EmptyAt)), orDash(until), orDash(printable(cause)))...))
	}
	a.table(telling(rows))
	a.printCache(lanes)
	a.printBatches(lanes)
}

// laneLevels are the cells of the three budgets: what is left of how much.
func laneLevels(l api.LaneView) []string {
	limits := l.Limits
	if limits == nil {
		limits = &api.LaneLimits{}
	}
	var cells []string
	for _, b := range []*api.LevelView{limits.Requests, limits.InputTokens, limits.OutputTokens} {
		if b == nil {
			cells = append(cells, "not known")
			continue
		}
		cell := api.Amount(b.Left) + " of " + api.Amount(b.Limit)
		if b.Burst < b.Limit {
			cell += ", burst " + api.Amount(b.Burst)
		}
		cells = append(cells, cell)
	}
	return cells
}

// printCache writes what the prompt cache did today, if it did anything.
func (a *app) printCache(lanes []api.LaneView) {
	rows := [][]string{{"CACHE TODAY (UTC)", "MODEL", "HIT RATE", "READ", "WRITTEN", "SAVED", "STATE"}}
	for _, l := range lanes {
		for _, c := range l.Cache {
			rows = append(rows, []string{
				printable(c.Hook), printable(c.Model), percent(c.HitRate), api.Amount(c.ReadTokens), api.Amount(c.WriteTokens),
				usd(c.SavedUSD), cacheState(c),
			})
		}
	}
	if len(rows) > 1 {
		a.printf("\n")
		a.table(rows)
	}
}

func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100**share)
}

// cacheState says how the hook's system prompt stands in the cache.
func cacheState(c api.CacheView) string {
	switch c.State {
	case "":
		return "cold"
	case "not_cached":
		return "not cached by the API"
	}
	if c.Until == nil {
		return printable(c.State)
	}
	return printable(c.State) + " until " + moment(c.Until)
}
