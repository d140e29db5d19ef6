package governor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestDowngradeBehindAPause: a job whose lane is closed is not moved to a
// stand-in that the budget would send back at once: it waits where it is.
func TestDowngradeBehindAPause(t *testing.T) {
	t.Parallel()
	cheaper := func(model string) (Choice, bool) {
		return Choice{Model: "m-haiku", Lane: "haiku"}, model != "m-haiku"
	}
	for _, atCap := range []string{AtCapHold, AtCapDowngrade, AtCapDead} {
		t.Run(atCap, func(t *testing.T) {
			t.Parallel()
			g := governor(t, Options{
				Worst: func(_, model string, _ int64, _ time.Time) (event.NanoUSD, bool) {
					return map[string]event.NanoUSD{"m-haiku": 1, "m-sonnet": 10, "m-opus": 100}[model], true
				},
				Hooks: map[string]Hook{"h": {Instead: instead, Cheaper: cheaper, Budget: Budget{Daily: 50, AtCap: atCap}}},
			})
			d := event.Desk{
				Now: noon, Max: 10, Running: map[string]int{}, Lanes: map[string]event.Lane{
					"haiku": {Name: "haiku", Paused: true, Reason: "overloaded", Until: noon.Add(time.Minute)},
				},
				Candidates: []event.Candidate{{JobID: "job_1", Hook: "h", Lane: "haiku", Model: "m-haiku", Chosen: "hook", Priority: 5, Size: 100}},
				Purses:     event.Purses{{Hook: "h"}: {Spent: 45}},
			}
			a := g.Admit(d)
			if len(a.Plan.Take) != 0 || len(a.Verdicts) != 0 || len(a.Plan.Holds) != 0 {
				t.Errorf("took %v with the verdicts %+v and holds %v, want the job to wait for its own lane", a.Plan.Take, a.Verdicts, a.Plan.Holds)
			}
			if !a.Next.Equal(noon.Add(time.Minute)) {
				t.Errorf("looks again at %v, want at the end of the pause", a.Next)
			}
		})
	}
}

// TestFullState: with everything in it that a lane may remember, its state is
// still believed when it is read.
func TestFullState(t *testing.T) {
	t.Parallel()
	at, odd := millis(noon), 1234567890.0/7
	l := &lane{state: state{Version: stateVersion, Flows: map[string]flow{}, Profiles: map[string]profile{}, Prefixes: map[string]warmth{}}}
	hook, model := strings.Repeat("h", 64), strings.Repeat("m", 60)
	for i := range maxFlows {
		l.Flows[tenantKey(hook, fmt.Sprint(i))] = flow{Finish: odd, Served: at, Turn: odd}
	}
	for i := range maxProfiles {
		l.Profiles[profileKey(fmt.Sprint(i, hook), model)] = profile{N: odd / 1e4, M: odd / 1e4, Size: odd, Tokens: odd / 100, VarX: odd, CovXY: odd, LogOut: 1. / 7, PerTok: 20. / 7, Used: at}
	}
	for i := range maxPrefixes {
		l.Prefixes[fmt.Sprintf("%064d", i)] = warmth{Until: at, By: event.NewID("job", noon), Since: at, Bare: at, Tokens: odd / 1000, Behind: odd, Used: at}
	}
	for i := range 2 * windowJobs {
		l.Share = l.Share.note(fmt.Sprint(i), true)
	}
	row := l.close(noon)
	if !new(lane).decode(row.State) {
		t.Errorf("a state of %d bytes is not believed", len(row.State))
	}
}

// TestAgeingAfterAWrongClock: a hook that was served by a clock that was ahead
// ages like every other.
func TestAgeingAfterAWrongClock(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{MaxInFlight: 1})
	d.now = noon.Add(24 * time.Hour)
	d.add("a", "late", 9, 1)
	for _, gr := range d.take(1).Grants {
		d.settle(gr, ok(100, 100))
	}
	d.now = noon
	d.add("a", "late", 9, 1)
	served := false
	for range 600 {
		d.now = d.now.Add(time.Second)
		d.add("a", "first", 1, 1)
		for _, gr := range d.take(1).Grants {
			served = served || gr.Hook == "late"
			d.settle(gr, ok(100, 100))
		}
	}
	if !served {
		t.Error("the last priority got no turn in ten minutes")
	}
}

// TestUntilOfTheJob: until when a job waits follows from its own size, where that
// is known.
func TestUntilOfTheJob(t *testing.T) {
	t.Parallel()
	g := governor(t, Options{Limits: map[string]Limits{"a": {1000, 60_000, 60_000}}, Ungated: true})
	l := g.open(event.Lane{Name: "a"}, noon)
	l.In.bound(20_000)
	l.In.Level = 1000 // and a thousand more in each second
	look := g.Look(l.close(noon), noon)
	for size, want := range map[int]time.Duration{
		3000 * 3:   2800 * time.Millisecond, // 500 around it, and 300 in reserve
		12_000 * 3: 11_650 * time.Millisecond,
	} {
		w := look.Why(event.Job{Hook: "h", Model: "m", Event: &event.Event{Body: make([]byte, size)}})
		if got := w.Until.Sub(noon); w.Reason != event.RateLimited || (got-want).Abs() > 50*time.Millisecond {
			t.Errorf("%d bytes: got %s for %v, want %v", size, w.Reason, got, want)
		}
	}
}
