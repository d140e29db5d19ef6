package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
)

// cacheUse adds today's use of the prompt cache to the lanes.
func (a *API) cacheUse(ctx context.Context, byName map[string]LaneView, now time.Time) error {
	if a.laneOf == nil {
		return nil
	}
	today := now.UTC().Format(time.DateOnly)
	rows, err := a.reader.Costs(ctx, today, today)
	if err != nil {
		return err
	}
	for _, row := range rows {
		lane, known := byName[a.laneOf(row.Model)]
		if !known || row.Usage.CacheRead+row.Usage.CacheWrite5m+row.Usage.CacheWrite1h == 0 {
			continue
		}
		lane.Cache = withUse(lane.Cache, row, now)
		byName[lane.Name] = lane
	}
	for name, lane := range byName {
		slices.SortFunc(lane.Cache, func(x, y CacheView) int {
			return cmp.Or(cmp.Compare(x.Hook, y.Hook), cmp.Compare(x.Model, y.Model))
		})
		byName[name] = lane
	}
	return nil
}

// withUse adds a day's use to the view of its hook and model.
func withUse(views []CacheView, row event.CostRow, now time.Time) []CacheView {
	i := slices.IndexFunc(views, func(v CacheView) bool { return v.Hook == row.Hook && v.Model == row.Model })
	if i < 0 {
		views, i = append(views, CacheView{Hook: row.Hook, Model: row.Model}), len(views)
	}
	v := &views[i]
	v.ReadTokens = row.Usage.CacheRead
	v.WriteTokens = row.Usage.CacheWrite5m + row.Usage.CacheWrite1h
	if sum := v.ReadTokens + v.WriteTokens; sum > 0 {
		v.HitRate = new(float64(v.ReadTokens) / float64(sum))
	}
	each := row.Usage.Prompt() / max(row.Calls, 1) // which price tier the prompts are in
	if saved, known := catalog.CacheSavingOf(row.Model, row.Usage, each, now, false); known {
		v.SavedUSD = dollars(&saved)
	}
	return views
}
