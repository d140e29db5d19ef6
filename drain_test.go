package forebay_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// thorough reports whether the long runs are asked for (make bench-drain).
func thorough() bool { return os.Getenv("FOREBAY_DRAIN") != "" }

// TestDrain drains 2,000 jobs as fast as the account's limits allow, without
// 429s, whatever burst the API lets through: that is never told. The limits are
// once configured and once learned from the first answer. While jobs wait, 95 %
// of the limit that binds is used; with a burst of a second, which a refusal or
// two can cost a percent, on average of the runs and hardly less in each.
func TestDrain(t *testing.T) {
	for i, tt := range []struct {
		burst       time.Duration
		most, least float64
	}{{time.Minute, 1.05, 0.95}, {10 * time.Second, 1.05, 0.95}, {time.Second, 1.20, 0.935}} {
		t.Run(fmt.Sprintf("burst=%v", tt.burst), func(t *testing.T) {
			var m meter
			t.Cleanup(func() { m.want(t, 0.95) })
			for _, told := range []bool{true, false} {
				for seed := range uint64(3) {
					if !thorough() && (i == 0 || told != (i == 1) || seed != 1) {
						continue // one of a short and one of a very short burst
					}
					t.Run(fmt.Sprintf("told=%v/seed=%d", told, seed), func(t *testing.T) {
						t.Parallel()
						inFlood(t, spike{seed: seed, burst: tt.burst, told: told}, func(w *flood) {
							w.send("flood", 2000)
							f := w.figures(w.drain(time.Hour))
							t.Log(f)
							m.add(f.waiting)
							if f.lost != 0 || f.dead != 0 || f.ratio > tt.most || f.over > 0.005 || f.waiting < tt.least {
								t.Errorf("want T/T_min at most %.2f, %.3f used while jobs wait, 429/job at most 0.005, lost 0, dead 0", tt.most, tt.least)
							}
						})
					})
				}
			}
		})
	}
}

// A meter averages a figure of several runs.
type meter struct {
	mu   sync.Mutex
	sum  float64
	runs int
}

func (m *meter) add(x float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum += x
	m.runs++
}

func (m *meter) want(t *testing.T, least float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runs > 0 && m.sum/float64(m.runs) < least {
		t.Errorf("%.3f used on average of %d runs while jobs wait, want %.2f", m.sum/float64(m.runs), m.runs, least)
	}
}

// TestDrainTogether: four workers on one ledger share its rate, through nothing
// but the lane's row, and take no longer than one.
func TestDrainTogether(t *testing.T) {
	t.Parallel()
	jobs := 400 // so few that the last answer's length counts: compare when the last job was sent
	if thorough() {
		jobs = 2000
	}
	took := map[int]time.Duration{}
	for _, n := range []int{1, 4} {
		inFlood(t, spike{seed: 5, burst: 10 * time.Second, told: true, workers: n}, func(w *flood) {
			w.send("flood", jobs)
			f := w.figures(w.drain(time.Hour))
			t.Logf("%d workers: %v", n, f)
			if f.lost != 0 || f.dead != 0 || f.over > refusals(jobs) {
				t.Errorf("%d workers: want 429/job at most %v, lost 0, dead 0", n, refusals(jobs))
			}
			if took[n] = w.empty.at; thorough() {
				took[n] = f.took
			}
		})
	}
	if ratio := took[4].Seconds() / took[1].Seconds(); ratio > 1.03 {
		t.Errorf("four workers took %v, one %v; want within 3 %%", took[4], took[1])
	}
}

// refusals is how many 429s a flood may have for each of its jobs. A short one has
// one to three, however few its jobs are: five are let pass.
func refusals(jobs int) float64 {
	const most = 0.005
	if jobs == 0 {
		return most
	}
	return max(most, 5/float64(jobs))
}

// TestDrainNoisy: while one hook floods the lane, the others are answered
// nearly as soon as on an idle system.
func TestDrainNoisy(t *testing.T) {
	t.Parallel()
	noisy, rounds := 500, 3
	if thorough() {
		noisy, rounds = 10_000, 60
	}
	var hooks strings.Builder
	hooks.WriteString(strings.Replace(floodHook, "NAME", "noisy", 1))
	for i := range 10 {
		hooks.WriteString(strings.Replace(floodHook, "NAME", fmt.Sprintf("quiet%d", i), 1))
	}
	quiet := func(noisy int) (p95 time.Duration) {
		inFlood(t, spike{seed: 7, burst: 10 * time.Second, told: true, hooks: hooks.String()}, func(w *flood) {
			w.send("noisy", noisy)
			for range rounds {
				for i := range 10 {
					time.Sleep(2500 * time.Millisecond)
					w.send(fmt.Sprintf("quiet%d", i), 1)
				}
			}
			f := w.figures(w.drain(2 * time.Hour))
			if noisy > 0 {
				t.Log(f)
			}
			var waits, starts []time.Duration
			for n, a := range w.answered() {
				if n > noisy {
					waits, starts = append(waits, a.ended), append(starts, a.began)
				}
			}
			p95 = percentile(waits, 0.95)
			t.Logf("beside %d: %d quiet ones, answered p50 %v, p95 %v, called p95 %v",
				noisy, len(waits), percentile(waits, 0.5), p95, percentile(starts, 0.95))
			if len(waits) != 10*rounds || f.lost != 0 || f.dead != 0 || f.over > refusals(noisy) {
				t.Errorf("want all answered, 429/job at most %v, lost 0, dead 0", refusals(noisy))
			}
		})
		return p95
	}
	if idle, busy := quiet(0), quiet(noisy); busy > 2*idle {
		t.Errorf("p95 of the quiet hooks is %v beside the noisy one and %v without; want at most twice", busy, idle)
	}
}

// TestDrainHalved: the API halves the limits while the queue is full, and its
// headers say so.
func TestDrainHalved(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{false, true} {
		if told && !thorough() {
			continue
		}
		t.Run(fmt.Sprintf("told=%v", told), func(t *testing.T) {
			inFlood(t, spike{seed: 6, burst: 10 * time.Second, told: told}, func(w *flood) {
				w.send("flood", 900)
				time.Sleep(90 * time.Second)
				half := claudetest.Limits{
					RequestsPerMinute: small.RequestsPerMinute / 2, InputTokensPerMinute: small.InputTokensPerMinute / 2,
					OutputTokensPerMinute: small.OutputTokensPerMinute / 2, Burst: 10 * time.Second,
				}
				w.claude.SetLimits(floodClass, half)
				before := w.claude.Total()
				time.Sleep(10 * time.Second)
				from := w.claude.Total()
				time.Sleep(time.Minute)
				minute := w.claude.Total()
				s := w.drain(time.Hour)
				sent, over := float64(w.claude.Total().Requests-before.Requests), float64(w.claude.Total().Over()-before.Over())
				rate := float64(minute.InputTokens-from.InputTokens) / float64(half.InputTokensPerMinute)
				t.Logf("after the cut %.0f of %.0f sends were over a limit; the minute from ten seconds on used %.3f of the new rate", over, sent, rate)
				if over >= 0.02*sent || rate > 1.05 || rate < 0.8 {
					t.Error("want under 2 % over a limit, and the new rate held from ten seconds on")
				}
				if f := w.figures(s); f.lost != 0 || f.dead != 0 {
					t.Errorf("lost %d, dead %d; want none", f.lost, f.dead)
				}
			})
		})
	}
}

// TestDrainRamp: a lane whose limits nobody configured has 50 calls open soon
// after its first answer, although each takes four seconds to begin. Until
// then there is nothing but care to go by.
func TestDrainRamp(t *testing.T) {
	t.Parallel()
	start := claudetest.Limits{RequestsPerMinute: 1000, InputTokensPerMinute: 2_000_000, OutputTokensPerMinute: 400_000}
	for _, tt := range []struct {
		told bool
		most time.Duration
	}{{false, 14 * time.Second}, {true, 6 * time.Second}} { // who wakes first differs from run to run: 7 to 11 s were seen
		t.Run(fmt.Sprintf("told=%v", tt.told), func(t *testing.T) {
			o := claudetest.Options{Latency: 4 * time.Second, TokensPerSecond: 5000}
			inFlood(t, spike{seed: 3, burst: 10 * time.Second, limits: start, told: tt.told, claude: o}, func(w *flood) {
				w.send("flood", 200)
				for w.claude.Total().InFlight < 50 && w.elapsed() < time.Minute {
					time.Sleep(50 * time.Millisecond)
				}
				t.Logf("%d calls open after %v", w.claude.Total().InFlight, w.elapsed())
				if w.elapsed() > tt.most {
					t.Errorf("want 50 open within %v", tt.most)
				}
				if s := w.drain(time.Hour); w.figures(s).over > 0 {
					t.Errorf("got %v, want no 429", w.figures(s))
				}
			})
		})
	}
}

// TestDrainPrefix: of 300 jobs that come at once with the same long system
// prompt, one writes it to the prompt cache and the others read it.
func TestDrainPrefix(t *testing.T) {
	t.Parallel()
	const about = "Answer the customer in plain words and in the language of the letter. "
	system := strings.Repeat(about, 3000*3/len(about)) // 3,000 tokens
	hook := strings.Replace(floodHook, "NAME", "flood", 1)
	hook = strings.Replace(hook, "    cache: off\n", "    cache: 5m\n    system: "+system+"\n", 1)
	inFlood(t, spike{seed: 8, burst: 10 * time.Second, told: true, hooks: hook}, func(w *flood) {
		w.send("flood", 300)
		f := w.figures(w.drain(time.Hour))
		writes, reads := 0, 0
		for _, c := range w.claude.MessageCalls() {
			if c.CacheWriteTokens > 0 {
				writes++
			}
			if c.CacheReadTokens > 0 {
				reads++
			}
		}
		t.Logf("%d cache writes, %d reads; %v", writes, reads, f)
		if writes < 1 || writes > 2 || writes+reads < 300 || f.lost != 0 || f.dead != 0 || f.over > refusals(300) {
			t.Errorf("want one or two writes, all others reads, 429/job at most %v, lost 0, dead 0", refusals(300))
		}
	})
}

// TestDrainRealTime is the control: a flood in real time, on a real disk, with
// whatever else the machine does.
func TestDrainRealTime(t *testing.T) {
	if os.Getenv("FOREBAY_DRAIN") != "realtime" {
		t.Skip("takes minutes; run make bench-drain REALTIME=1")
	}
	w := newFlood(t, t.TempDir(), spike{seed: 1, burst: 10 * time.Second})
	defer w.end()
	w.send("flood", 800)
	f := w.figures(w.drain(10 * time.Minute))
	t.Log(f)
	if f.lost != 0 || f.dead != 0 || f.over > 0.01 || f.waiting < 0.9 {
		t.Error("want 0.9 used while jobs wait, 429/job at most 0.01, lost 0, dead 0")
	}
}
