package forebay_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
)

// transit is how long a request may be under way, and its refusal.
const transit = 250 * time.Millisecond

// view is a lane as the governor sees it.
func (w *flood) view(lane string) governor.View {
	w.t.Helper()
	views, err := w.server.LaneViews(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return views[lane]
}

// calls of a model class, in order of arrival.
func (w *flood) calls(class string) []claudetest.Call {
	var all []claudetest.Call
	for _, c := range w.claude.MessageCalls() {
		if c.Class == class {
			all = append(all, c)
		}
	}
	return all
}

// refused returns the first call that was answered with a status, and those
// that came after it, but for such that were under way then.
func refused(calls []claudetest.Call, status int) (first claudetest.Call, after []claudetest.Call) {
	for i, c := range calls {
		if c.Status != status {
			continue
		}
		for _, later := range calls[i+1:] {
			if later.At.After(c.End.Add(transit)) {
				after = append(after, later)
			}
		}
		return c, after
	}
	return first, nil
}

// TestLimitPausesEveryWorker: after a 429 no worker sends a call of that lane
// before the given time. Then one call looks, and the rest follow when its
// answer has begun. Another lane goes on, and no attempt is spent.
func TestLimitPausesEveryWorker(t *testing.T) {
	t.Parallel()
	hooks := strings.Replace(floodHook, "NAME", "flood", 1) +
		strings.Replace(strings.Replace(floodHook, "NAME", "other", 1), "haiku", "sonnet", 1)
	inFlood(t, spike{seed: 2, told: true, workers: 4, hooks: hooks}, func(w *flood) {
		w.send("flood", 200)
		w.send("other", 200)
		time.Sleep(8 * time.Second)
		s := step(t, "rate_limited retry_after=20")
		s.Match = func(r claudetest.Request) bool { return strings.Contains(r.Model, "haiku") }
		w.claude.Enqueue(s)
		f := w.figures(w.drain(time.Hour))
		limited, after := refused(w.calls(floodClass), http.StatusTooManyRequests)
		if len(after) < 50 {
			t.Fatalf("only %d calls after the 429, want the rest of the queue", len(after))
		}
		probe, opens := after[0], limited.End.Add(20*time.Second)
		if probe.At.Before(opens) || probe.At.After(opens.Add(2*time.Second)) {
			t.Errorf("the first call came %v after the 429, want 20s", probe.At.Sub(limited.End))
		}
		if second := after[1]; second.At.Before(probe.FirstByte) {
			t.Errorf("a second call came %v before the probe's answer began", probe.FirstByte.Sub(second.At))
		}
		early := 0 // the ramp: not all at once
		for _, c := range after[1:] {
			if c.At.Before(probe.FirstByte.Add(transit)) {
				early++
			}
		}
		if early > 8 {
			t.Errorf("%d calls followed the probe at once, want a few", early)
		}
		others := 0
		for _, c := range w.calls("sonnet-5-5") {
			if c.At.After(limited.End.Add(transit)) && c.At.Before(opens) {
				others++
			}
		}
		if others < 20 {
			t.Errorf("%d calls of the other lane during the pause, want it to go on", others)
		}
		if f.lost != 0 || f.dead != 0 || f.calls != 401 {
			t.Errorf("lost %d, dead %d, %d calls; want none, none and 401", f.lost, f.dead, f.calls)
		}
	})
}

// TestRampLimit: an acceleration limit slows the lane down, and it comes back
// step by step.
func TestRampLimit(t *testing.T) {
	t.Parallel()
	inFlood(t, spike{seed: 2, told: true}, func(w *flood) {
		w.send("flood", 600)
		time.Sleep(8 * time.Second)
		w.claude.Enqueue(step(t, "ramp_limited retry_after=5"))
		time.Sleep(8 * time.Second)
		if v := w.view("haiku"); v.Pace > 0.6 {
			t.Errorf("got pace %v after a ramp limit, want about half", v.Pace)
		}
		time.Sleep(3 * time.Minute)
		if v := w.view("haiku"); v.Pace != 1 {
			t.Errorf("got pace %v three minutes later, want all of it", v.Pace)
		}
		if f := w.figures(w.drain(time.Hour)); f.lost != 0 || f.dead != 0 {
			t.Errorf("got %v, want none lost, none dead", f)
		}
	})
}

// TestResumeTriesOneCall: a lane that a person resumes while its key is still
// refused costs one call, and not one for each that may be in flight.
func TestResumeTriesOneCall(t *testing.T) {
	t.Parallel()
	inFlood(t, spike{seed: 3, told: true, workers: 2}, func(w *flood) {
		w.send("flood", 5)
		w.drain(time.Minute) // the lane is wide open from here on
		for range 100 {
			w.claude.Enqueue(step(t, "unauthorized"))
		}
		w.send("flood", 60)
		w.drain(time.Minute)
		for range 3 {
			if reason, _ := w.server.Pause("haiku"); reason != "unauthorized" {
				t.Fatalf("paused for %q, want unauthorized", reason)
			}
			before := len(w.claude.MessageCalls())
			if status, doc := w.admin(http.MethodPost, "/v1/lanes/haiku/resume"); status != http.StatusOK {
				t.Fatalf("got %d %v, want 200", status, doc)
			}
			w.drain(time.Minute)
			if got := len(w.claude.MessageCalls()) - before; got != 1 {
				t.Errorf("%d calls left after the resume, want one that looks", got)
			}
		}
	})
}

// TestSpendLimits: a spend cap and the owner's own limit, which is a 400, pause
// the lane with their reason and cost no attempt; an operator who raised the
// limit lets it go on.
func TestSpendLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		failure, reason string
		least, most     time.Duration // of the pause
	}{
		{"spend_cap", "spend_cap", 5 * 24 * time.Hour, 6 * 24 * time.Hour}, // to the first of December
		{"own_limit", "own_spend_limit", time.Hour, 6 * 24 * time.Hour},
	} {
		t.Run(tt.failure, func(t *testing.T) {
			inFlood(t, spike{seed: 2, told: true, workers: 2}, func(w *flood) {
				w.claude.Enqueue(step(t, tt.failure))
				w.send("flood", 20)
				s := w.drain(time.Minute)
				if s.Jobs[event.Dead] != 0 || s.Jobs[event.Queued] < 18 {
					t.Fatalf("got %v, want no job dead and the queue waiting", s.Jobs)
				}
				if reason, until := w.server.Pause("haiku"); reason != tt.reason || until.Sub(w.start) < tt.least || until.Sub(w.start) > tt.most {
					t.Errorf("paused for %q for %v, want %q from %v to %v", reason, until.Sub(w.start), tt.reason, tt.least, tt.most)
				}
				before := len(w.claude.MessageCalls())
				if before > 3 {
					t.Errorf("%d calls in a minute, want those that were under way alone", before)
				}
				if status, doc := w.admin(http.MethodPost, "/v1/lanes/haiku/resume"); status != http.StatusOK {
					t.Fatalf("got %d %v, want 200", status, doc)
				}
				if f := w.figures(w.drain(10 * time.Minute)); f.lost != 0 || f.dead != 0 || f.calls != 21 {
					t.Errorf("got %v, want all answered in 21 calls", f)
				}
			})
		})
	}
}

// TestOutage: while the API has no capacity, or fails, few calls go there;
// afterwards all is answered and nothing is dead.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   claudetest.Kind
		reason string
	}{{claudetest.Overloaded, "overloaded"}, {claudetest.ServerError, "unavailable"}} {
		t.Run(string(tt.kind), func(t *testing.T) {
			var from, to time.Time
			storm := 0
			o := claudetest.Options{Fail: func(int, claudetest.Request) *claudetest.Failure {
				if now := time.Now(); now.Before(from) || now.After(to) {
					return nil
				}
				storm++ // one bubble: calls come one after another
				return &claudetest.Failure{Kind: tt.kind}
			}}
			inFlood(t, spike{seed: 2, told: true, workers: 2, claude: o}, func(w *flood) {
				from, to = w.start.Add(10*time.Second), w.start.Add(70*time.Second)
				w.send("flood", 300)
				time.Sleep(40 * time.Second)
				if reason, _ := w.server.Pause("haiku"); reason != tt.reason {
					t.Errorf("paused for %q in the middle of the outage, want %q", reason, tt.reason)
				}
				f := w.figures(w.drain(time.Hour))
				t.Logf("%d calls into the outage, drained in %v", storm, f.took)
				if storm < 3 || storm > 80 || f.lost != 0 || f.dead != 0 || f.took > 5*time.Minute {
					t.Errorf("got %d calls into the outage and %v; want few, and all answered within 5 minutes", storm, f)
				}
			})
		})
	}
}
