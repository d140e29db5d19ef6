package governor

import (
	"time"

	"github.com/forebayhq/forebay/event"
)

// A View is a lane's state for people.
type View struct {
	Requests Level
	Input    Level
	Output   Level
	Open     int   // grants not settled
	Pending  int64 // output tokens that they are still expected to produce
	// Window is how many calls may be sent before an answer begins; zero: the
	// lane is fully open.
	Window int
	// Most is how many calls may be in flight while the API is overloaded; zero:
	// no bound of that kind.
	Most int
	// Pace is the share of the rates in use: below one after a ramp limit.
	Pace float64
	// Failures is how many calls in a row the API failed; several close the
	// lane for a while.
	Failures int
}

// A Level is one budget of a lane, in requests or tokens.
type Level struct {
	Limit int64 // per minute; zero: not known yet
	Left  int64 // negative: in debt
	Burst int64 // what the API lets through at once, as far as it is known
}

// View returns the state of the lane.
func (k *Look) View() View {
	l := k.lane
	return View{
		Requests: l.Req.view(), Input: l.In.view(), Output: l.Out.view(),
		Open: l.Open, Pending: int64(l.Pending),
		Window: int(l.Gate.Width), Most: int(l.Load.Most), Pace: l.pace(millis(k.now)), Failures: l.Load.Fails,
	}
}

func (b *bucket) view() Level {
	if !b.known() {
		return Level{}
	}
	return Level{Limit: int64(b.Limit), Left: int64(b.level()), Burst: int64(b.Burst)}
}

// why looks at the budgets of a lane that is not paused.
func (l *lane) why(f forecast, now time.Time) Wait {
	pace := l.pace(millis(now))
	wait := max(l.Req.wait(1, pace), l.In.wait(f.input, pace), l.outputWait(f.output, pace, millis(now)))
	if wait > 0 {
		return Wait{Reason: event.RateLimited, Until: now.Add(time.Duration(wait) * time.Millisecond)}
	}
	if until, shut := l.shut(now); shut {
		return Wait{Reason: event.RateLimited, Until: until}
	}
	return Wait{Reason: event.WaitingTurn}
}

// Empty estimates when the lane with so many queued jobs will have taken the
// last of them, by the budget that binds. ok is false while too little is known.
func (k *Look) Empty(queued int) (at time.Time, ok bool) {
	l, row, now := k.lane, k.lane.row, k.now
	if len(l.Profiles) == 0 {
		return time.Time{}, false
	}
	input, output := l.average()
	pace, seconds := l.pace(millis(now)), 0.0
	for _, need := range []struct {
		bucket *bucket
		each   float64
	}{{&l.Req, 1}, {&l.In, input}, {&l.Out, output}} {
		if b := need.bucket; b.known() {
			seconds, ok = max(seconds, (float64(queued)*need.each-b.level())/(b.rate()*pace)), true
		}
	}
	if row.Blocks(now) {
		if row.Until.IsZero() {
			return time.Time{}, false
		}
		now = row.Until
	}
	return now.Add(time.Duration(min(seconds, 1e8) * float64(time.Second))), ok
}

// average returns the tokens of a typical job of the lane.
func (l *lane) average() (input, output float64) {
	var n float64
	for _, p := range l.Profiles {
		weight := min(max(p.N, p.M), 100)
		n, input, output = n+weight, input+weight*p.Tokens, output+weight*p.output()
	}
	if n == 0 {
		f := guess(Hook{}, 0)
		return f.input, f.output
	}
	return input / n, output / n
}
