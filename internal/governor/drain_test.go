package governor

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// spike is 2,000 jobs at once against the limits of a small account.
func spike(seed uint64, burst float64) setup {
	return setup{
		seed: seed, jobs: 2000, limits: [3]float64{1000, 500_000, 100_000}, burst: burst,
		inMean: 1500, outMean: 280, sigma: 0.8, headers: true, levels: true, known: true,
	}
}

// long marks a simulation that takes a second or more.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long simulation")
	}
}

// ratio is the drain time against the fluid lower bound.
func (w *world) ratio() float64 { return w.now.Sub(w.start).Seconds() / w.least().Seconds() }

// TestDrain drains a spike as fast as the limits allow, without 429s, whatever
// burst the API allows: it is never told. Once the limits are learned from
// headers that tell the true levels; once they are configured and the headers
// count as if a whole minute were allowed, so that only 429s teach the burst.
func TestDrain(t *testing.T) {
	long(t)
	t.Parallel()
	for _, tt := range []struct{ burst, most float64 }{{60, 1.05}, {10, 1.05}, {1, 1.20}} {
		for _, known := range []bool{false, true} {
			for seed := range uint64(2) {
				t.Run(fmt.Sprintf("burst=%g/known=%v/seed=%d", tt.burst, known, seed), func(t *testing.T) {
					t.Parallel()
					s := spike(seed, tt.burst)
					s.known, s.levels = known, !known
					w := newWorld(s)
					w.run(time.Hour)
					t.Logf("T %s, T/T_min %.3f, 429 per job %.4f", w.now.Sub(w.start).Round(time.Second), w.ratio(), float64(w.refused)/2000)
					if w.done != 2000 || w.ratio() > tt.most || w.refused > 10 {
						t.Errorf("done %d, T/T_min %.3f, refused %d; want 2000, at most %.2f, at most 10", w.done, w.ratio(), w.refused, tt.most)
					}
				})
			}
		}
	}
}

// TestFourWorkers share the rate through the lane's row alone.
func TestFourWorkers(t *testing.T) {
	long(t)
	t.Parallel()
	took := map[int]float64{}
	for _, n := range []int{1, 4} {
		s := spike(5, 10)
		s.workers, s.slots = n, 64
		w := newWorld(s)
		w.run(time.Hour)
		if w.done != 2000 || w.refused > 10 {
			t.Errorf("%d workers: done %d, refused %d", n, w.done, w.refused)
		}
		took[n] = w.now.Sub(w.start).Seconds()
	}
	if took[4] > 1.03*took[1] {
		t.Errorf("four workers took %.0fs, one %.0fs; want within 3 %%", took[4], took[1])
	}
}

// TestHalvedLimit halves the API's limits in mid-run: the headers say so.
func TestHalvedLimit(t *testing.T) {
	t.Parallel()
	s := spike(6, 10)
	w := newWorld(s)
	cut := w.start.Add(2 * time.Minute)
	w.api.pace = func(at time.Time) float64 {
		if at.Before(cut) {
			return 1
		}
		return 0.5
	}
	var late int64
	w.onTake = func(a Admission) {
		if since := w.now.Sub(cut); since > 10*time.Second && since < 70*time.Second {
			for _, gr := range a.Grants {
				late += gr.Input
			}
		}
	}
	w.run(time.Hour)
	if w.done != 2000 || float64(w.refused) > 0.02*float64(w.sent) {
		t.Errorf("done %d, %d of %d sends refused, want under 2 %%", w.done, w.refused, w.sent)
	}
	if most := 1.1 * 250_000.0; float64(late) > most || float64(late) < 0.5*most {
		t.Errorf("%d input tokens granted in the minute from ten seconds after the cut, want about 250,000", late)
	}
}

// TestNoisyHook keeps quiet hooks quick while one hook floods the lane.
func TestNoisyHook(t *testing.T) {
	long(t)
	t.Parallel()
	quiet := func(noisy int) time.Duration {
		s := spike(7, 60)
		s.hooks = []simHook{{name: "noisy", jobs: noisy}}
		for i := range 10 {
			s.hooks = append(s.hooks, simHook{name: fmt.Sprintf("quiet%d", i), jobs: 12, every: 25 * time.Second})
		}
		w := newWorld(s)
		w.run(2 * time.Hour)
		var took []time.Duration
		for _, j := range w.jobs {
			if j.Hook != "noisy" {
				took = append(took, j.finished.Sub(j.created))
			}
		}
		if w.done != len(w.jobs) {
			t.Errorf("done %d of %d", w.done, len(w.jobs))
		}
		slices.Sort(took)
		return took[len(took)*95/100]
	}
	idle, busy := quiet(0), quiet(3000)
	t.Logf("p95 of the quiet hooks: %s idle, %s beside the noisy one", idle, busy)
	if busy > 2*idle {
		t.Errorf("p95 of the quiet hooks %s, idle %s; want at most twice", busy, idle)
	}
}

// TestWithoutHeaders drains although no response ever tells a limit.
func TestWithoutHeaders(t *testing.T) {
	t.Parallel()
	s := spike(8, 10)
	s.headers, s.known = false, false
	w := newWorld(s)
	w.run(2 * time.Hour)
	t.Logf("T/T_min %.3f, %d refused", w.ratio(), w.refused)
	if w.done != 2000 || w.ratio() > 1.5 || w.refused > 100 {
		t.Errorf("done %d, T/T_min %.3f, refused %d", w.done, w.ratio(), w.refused)
	}
}

// TestOverload cuts the calls while the API has no capacity, and comes back.
func TestOverload(t *testing.T) {
	t.Parallel()
	s := spike(9, 60)
	s.jobs = 600
	w := newWorld(s)
	from, to := w.start.Add(10*time.Second), w.start.Add(70*time.Second)
	storm := 0
	w.api.refuses = func(*job) *Outcome {
		if w.now.Before(from) || w.now.After(to) {
			return nil
		}
		storm++
		return &Outcome{Code: "overloaded", Detail: "Overloaded"}
	}
	w.run(time.Hour)
	took := w.now.Sub(w.start)
	t.Logf("%d calls into the storm, drained in %s", storm, took)
	if w.done != 600 || storm > 60 || took > 4*time.Minute {
		t.Errorf("done %d, %d calls into the storm, took %s", w.done, storm, took)
	}
}

// TestLostWorkers forgets grants in mid-run, as a crash does: the ledger takes
// the jobs back after their lease.
func TestLostWorkers(t *testing.T) {
	t.Parallel()
	s := spike(10, 10)
	s.jobs = 800
	w := newWorld(s)
	lost := 0
	w.api.lose = func(j *job) bool {
		if w.rng.IntN(5) > 0 || j.attempts > 1 {
			return false
		}
		lost++
		w.after(30*time.Second, func() {
			w.open--
			w.worker[j.worker]--
			w.queue = append([]*job{j}, w.queue...)
			w.poke()
		})
		return true
	}
	w.run(time.Hour)
	if w.done != 800 || lost < 100 || w.ratio() > 2.5 {
		t.Errorf("done %d after %d losses, T/T_min %.2f", w.done, lost, w.ratio())
	}
}

// BenchmarkDrain reports what ten seeds of each burst come to.
func BenchmarkDrain(b *testing.B) {
	for _, burst := range []float64{60, 10, 1} {
		b.Run(fmt.Sprintf("burst=%gs", burst), func(b *testing.B) {
			var ratios []float64
			refused, seed := 0, uint64(0)
			for b.Loop() {
				s := spike(seed%10, burst)
				s.levels = seed%2 == 0
				seed++
				w := newWorld(s)
				w.run(time.Hour)
				ratios = append(ratios, w.ratio())
				refused += w.refused
			}
			var sum float64
			for _, r := range ratios {
				sum += r
			}
			b.ReportMetric(sum/float64(len(ratios)), "T/Tmin")
			b.ReportMetric(slices.Max(ratios), "T/Tmin-max")
			b.ReportMetric(float64(refused)/float64(len(ratios))/2000, "429/job")
		})
	}
}
