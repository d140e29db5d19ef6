package governor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestSameMoment: jobs that became ready at the same moment go in the order of
// the ledger, whatever their ids are.
func TestSameMoment(t *testing.T) {
	t.Parallel()
	g, err := New(Options{MaxInFlight: 64, Limits: map[string]Limits{"haiku": {Requests: 6000, InputTokens: 6_000_000, OutputTokens: 6_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	d := event.Desk{Now: now, Max: 5, Lanes: map[string]event.Lane{}, Running: map[string]int{}}
	var want []string
	for i := range 5 {
		id := fmt.Sprint("job_", (i*3+1)%5)
		want = append(want, id)
		d.Candidates = append(d.Candidates, event.Candidate{JobID: id, Hook: "h", Lane: "haiku", Model: "m", Priority: 5, ReadyAt: now})
	}
	got := g.Admit(d).Plan.Take
	if len(got) == 0 || !slices.Equal(got, want[:len(got)]) {
		t.Errorf("got %v, want the first of %v", got, want)
	}
}
