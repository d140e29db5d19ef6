package api

import (
	"testing"

	"github.com/forebayhq/forebay/event"
)

// TestSaved values what was not called for by the mean of its hook and day, and
// says nothing where that is not known.
func TestSaved(t *testing.T) {
	t.Parallel()
	costs := []event.CostRow{
		{Day: "2026-11-24", Hook: "a", Model: "m", Calls: 3, Cost: 2_000_000_000},
		{Day: "2026-11-24", Hook: "a", Model: "n", Calls: 1, Cost: 2_000_000_000},
		{Day: "2026-11-25", Hook: "a", Model: "m", Calls: 1, Cost: 10_000_000_000},
		{Day: "2026-11-25", Hook: "unpriced", Model: "x", Calls: 2, Unpriced: 2},
	}
	got := newSavedView([]event.ThriftRow{
		{Day: "2026-11-24", Hook: "a", Answered: 2, Superseded: 3, Duplicates: 1},
		{Day: "2026-11-25", Hook: "a", Answered: 1, Superseded: 1, Reused: 2, Saved: 500_000_000},
		{Day: "2026-11-25", Hook: "unpriced", Answered: 2, Superseded: 9},
		{Day: "2026-11-25", Hook: "silent", Superseded: 9, Duplicates: 4},
	}, costs)
	if got.Superseded != 22 || got.Duplicates != 5 || got.Reused != 2 || got.ReuseUSD != 0.5 {
		t.Errorf("got %+v, want all of them counted", got)
	}
	if *got.CoalescingUSD != 3*2+1*10 || *got.DeduplicationUSD != 2 {
		t.Errorf("got %v and %v, want 16 and 2", *got.CoalescingUSD, *got.DeduplicationUSD)
	}
	got = newSavedView([]event.ThriftRow{{Day: "2026-11-25", Hook: "unpriced", Answered: 2, Superseded: 9}}, costs)
	if got.CoalescingUSD != nil {
		t.Errorf("got %v where no price is known, want nothing", *got.CoalescingUSD)
	}
}
