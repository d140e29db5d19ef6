package governor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestEveryFloodDrains: for floods, accounts and hooks at random, all jobs are
// answered near the least time, few sends are over a limit, and a hook that
// comes last in priority is not starved by those before it.
func TestEveryFloodDrains(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 3))
			scale := 0.2 + 2*rng.Float64()
			s := setup{
				seed: seed, limits: [3]float64{1000 * scale, 500_000 * scale, 100_000 * scale}, burst: 1 + 59*rng.Float64(),
				levels: rng.IntN(2) == 0, headers: rng.IntN(4) > 0, known: rng.IntN(2) == 0, workers: 1 + rng.IntN(3),
				inMean: 300 + 2000*rng.Float64(), outMean: 50 + 400*rng.Float64(), sigma: 0.2 + 0.8*rng.Float64(),
				hooks: []simHook{{name: "meek", jobs: 3, prio: 7}},
			}
			for i := range 1 + rng.IntN(4) {
				s.hooks = append(s.hooks, simHook{name: fmt.Sprint("h", i), jobs: 150, prio: 4 + rng.IntN(3), weight: rng.IntN(4)})
			}
			w := newWorld(s)
			w.run(3 * time.Hour)
			took, meek, calls := w.now.Sub(w.start), time.Duration(0), 0.0
			for _, j := range w.jobs {
				calls += 1 + j.out/70
				if j.Hook == "meek" {
					meek = max(meek, j.granted.Sub(j.created))
				}
			}
			least := max(w.least(), time.Duration(calls/float64(w.slots)*float64(time.Second))) // by the limits, or by the calls that may be open
			t.Logf("%d jobs in %s, T/T_min %.2f, %d refused, the last meek one called after %s", len(w.jobs), took, w.ratio(), w.refused, meek)
			if w.done != len(w.jobs) || took > least*3/2+30*time.Second {
				t.Errorf("done %d of %d in %s, want all within half as much again as %s, and half a minute", w.done, len(w.jobs), took, least)
			}
			if w.refused > 4+w.sent/20 {
				t.Errorf("%d of %d sends were over a limit, want few", w.refused, w.sent)
			}
			if most := 4*ageing + 30*time.Second; meek > most && meek > took/2 {
				t.Errorf("a hook that comes last waited %s, want at most %s", meek, most)
			}
		})
	}
}

// TestUsageNeverComes: where no answer ever tells its usage the forecast stays
// in force. The lane goes on, at no more than its limits.
func TestUsageNeverComes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "stream_truncated"} {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {600, 60_000, 60_000}}})
		var last time.Time
		input, end := int64(0), d.now.Add(30*time.Minute)
		for ; d.now.Before(end); d.now = d.now.Add(time.Second) {
			if len(d.waiting) < 20 {
				d.add("a", "h", 5, 20)
			}
			for gr := range grantsOf(d.take(20), "a") {
				input, last = input+gr.Input, d.now
				d.change("a", d.g.Begun(gr, event.Usage{}, nil, d.now))
				d.settle(gr, Outcome{Code: code})
			}
		}
		if most := int64(31 * 60_000); input > most {
			t.Errorf("%q: %d input tokens in 30 minutes, want at most %d", code, input, most)
		}
		if end.Sub(last) > 2*longestBreak || input < 10_000 {
			t.Errorf("%q: %d input tokens, the last %s before the end; want the lane to go on", code, input, end.Sub(last))
		}
	}
}

// TestSteady: a gate that is not open yet lets the rate through where the limits
// are known, never a burst; behind a pause only once the probe was answered.
func TestSteady(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Limits: map[string]Limits{"a": {600, 6_000_000, 6_000_000}}, MaxInFlight: 1000})
	d.add("a", "h", 5, 1000)
	taken := 0
	for range 100 { // ten seconds, and no answer begins
		taken += len(d.take(1000).Plan.Take)
		d.now = d.now.Add(100 * time.Millisecond)
	}
	if most := firstWindow + int(steady*100) + 1; taken > most || taken < most/2 {
		t.Errorf("%d went in ten seconds without an answer, want about %d", taken, most)
	}
	d.change("a", d.g.Resumed(d.now))
	d.running = map[string]int{}
	if n := len(d.take(1000).Plan.Take); n != 1 {
		t.Errorf("%d went after a pause, want one probe", n)
	}
	for range 100 {
		d.now = d.now.Add(100 * time.Millisecond)
		if n := len(d.take(1000).Plan.Take); n != 0 {
			t.Fatalf("%d went before the probe was answered", n)
		}
	}
}
