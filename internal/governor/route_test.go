package governor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// instead is a chain from haiku over sonnet to opus.
func instead(model string) []Choice {
	all := []Choice{{Model: "m-sonnet", Lane: "sonnet"}, {Model: "m-opus", Lane: "opus"}}
	return all[slices.IndexFunc(all, func(c Choice) bool { return c.Model == model })+1:]
}

func TestDetour(t *testing.T) {
	t.Parallel()
	pause := func(lane, why string, d time.Duration) event.Lane {
		l := event.Lane{Name: lane, Paused: true, Reason: why}
		if d > 0 {
			l.Until = noon.Add(d)
		}
		return l
	}
	for _, tt := range []struct {
		name  string
		lanes []event.Lane
		hook  string
		lane  string // of the job that is taken; empty: none is
		why   string
	}{
		{"open", nil, "h", "haiku", ""},
		{"spend cap", []event.Lane{pause("haiku", "spend_cap", 100*time.Hour)}, "h", "sonnet", "hook > fallback: haiku paused, spend_cap"},
		{"until somebody resumes it", []event.Lane{pause("haiku", "unauthorized", 0)}, "h", "sonnet", "hook > fallback: haiku paused, unauthorized"},
		{"rate limited for long", []event.Lane{pause("haiku", "rate_limited", time.Minute)}, "h", "sonnet", "hook > fallback: haiku paused, rate_limited"},
		{"rate limited for a moment", []event.Lane{pause("haiku", "rate_limited", 20*time.Second)}, "h", "", ""},
		{"breaker", []event.Lane{pause("haiku", "overloaded", time.Second)}, "h", "sonnet", "hook > fallback: haiku paused, overloaded"},
		{"by a person", []event.Lane{pause("haiku", "operator", 0)}, "h", "", ""},
		{"no money", []event.Lane{pause("haiku", "budget", 10*time.Hour)}, "h", "", ""},
		{"the next is closed too", []event.Lane{pause("haiku", "spend_cap", 0), pause("sonnet", "operator", 0)}, "h", "opus", "hook > fallback: haiku paused, spend_cap"},
		{"all are closed", []event.Lane{pause("haiku", "spend_cap", 0), pause("sonnet", "spend_cap", 0), pause("opus", "overloaded", time.Second)}, "h", "", ""},
		{"no stand-ins", []event.Lane{pause("haiku", "spend_cap", 0)}, "plain", "", ""},
		{"over by now", []event.Lane{pause("haiku", "spend_cap", 1)}, "h", "haiku", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, err := New(Options{Budget: Budget{Daily: 1e9}, Hooks: map[string]Hook{"h": {Instead: instead}}})
			if err != nil {
				t.Fatal(err)
			}
			d := event.Desk{Now: noon.Add(time.Microsecond), Lanes: map[string]event.Lane{}, Running: map[string]int{}, Max: 10}
			for _, l := range tt.lanes {
				if l.Reason == "budget" {
					d.SpentToday = 1e9
				}
				d.Lanes[l.Name] = l
			}
			d.Candidates = []event.Candidate{{JobID: "job_1", Hook: tt.hook, Lane: "haiku", Model: "m-haiku", Chosen: "hook", Priority: 5, Size: 100}}
			a := g.Admit(d)
			if tt.lane == "" {
				if len(a.Plan.Take) != 0 || len(a.Plan.Moves) != 0 {
					t.Errorf("got %v, moves %v; want it to wait", a.Plan.Take, a.Plan.Moves)
				}
				return
			}
			grant := a.Grants["job_1"]
			if grant == nil || grant.Lane != tt.lane || grant.Model != "m-"+tt.lane {
				t.Fatalf("got %v, want a grant in %s", grant, tt.lane)
			}
			to, moved := a.Plan.Moves["job_1"]
			if moved != (tt.why != "") || to.Chosen != tt.why {
				t.Errorf("got the move %+v, want %q", to, tt.why)
			}
			if moved && (grant.From == nil || *grant.From != event.Move{Lane: "haiku", Model: "m-haiku", Chosen: "hook"}) {
				t.Errorf("got from %+v, want where it waited", grant.From)
			}
		})
	}
}

// TestDetourKeepsRates: stand-ins go by the budget of the lane where they run, in
// their order, and those that have no room there stay where they wait.
func TestDetourKeepsRates(t *testing.T) {
	t.Parallel()
	g, err := New(Options{Hooks: map[string]Hook{"h": {Instead: instead}, "native": {}}})
	if err != nil {
		t.Fatal(err)
	}
	d := event.Desk{Now: noon, Lanes: map[string]event.Lane{"haiku": {Name: "haiku", Paused: true, Reason: "spend_cap"}}, Running: map[string]int{}, Max: 100}
	for i := range 20 {
		d.Candidates = append(d.Candidates, event.Candidate{JobID: fmt.Sprintf("job_%02d", i), Hook: "h", Lane: "haiku", Model: "m-haiku", Priority: 5, ReadyAt: noon})
	}
	d.Candidates = append(d.Candidates, event.Candidate{JobID: "job_first", Hook: "native", Lane: "sonnet", Model: "m-sonnet", Priority: 1, ReadyAt: noon})
	a := g.Admit(d)
	if want := []string{"job_first", "job_00"}; !slices.Equal(a.Plan.Take, want) { // a lane that nobody called is tried by two
		t.Errorf("got %v, want %v", a.Plan.Take, want)
	}
	if len(a.Plan.Moves) != 1 {
		t.Errorf("got %d moves, want that of the one job that goes", len(a.Plan.Moves))
	}
}
