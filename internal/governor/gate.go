package governor

import (
	"math"
	"time"
)

// How a lane opens.
const (
	firstWindow = 2          // of a lane that nobody has called yet
	openWindow  = 64         // at this width the gate stands open
	steady      = 0.8        // share of the known rates that goes through a gate that is not open yet
	ackWithin   = 3 * 60_000 // ms: a grant that nothing was heard of for so long is lost
)

// A gate bounds the calls that were sent and not yet answered, so that a lane
// whose limits are not known, or that was paused, is tried by one call or two
// before the rest follows: each answer that begins widens it by one, which
// doubles the flow with every round trip. The width zero is an open gate.
type gate struct {
	Width   float64 `json:"width,omitempty"`
	Waiting int     `json:"waiting,omitempty"` // granted, and no answer began
	Input   float64 `json:"input,omitempty"`   // their predicted input
	At      int64   `json:"at,omitempty"`      // ms, of the last change
	Strikes int     `json:"strikes,omitempty"` // pauses in a row without an answer between them
	Sent    int64   `json:"sent,omitempty"`    // ms, of the last grant
}

// begin narrows the gate.
func (g *gate) begin(width float64) { g.Width = width }

// admits reports whether one more may be sent.
func (g *gate) admits() bool { return g.Width == 0 || float64(g.Waiting) < math.Max(g.Width, 1) }

// shut reports whether the gate lets nothing through now, and until when; zero:
// until an answer opens it.
func (l *lane) shut(now time.Time) (until time.Time, shut bool) {
	if l.Gate.admits() {
		return time.Time{}, false
	}
	switch wait, ok := l.steadily(now); {
	case !ok:
		return time.Time{}, true
	case wait > 0:
		return now.Add(time.Duration(wait) * time.Millisecond), true
	}
	return time.Time{}, false
}

// steadily returns the milliseconds until one more may pass a gate that is not
// open yet; ok is false if only an answer opens it. Where the limits are known,
// from the configuration or from a first answer, there is no reason to go below
// them: no burst is so short that it does not let the mere rate through. Behind
// a pause that rule holds once the probe was answered.
func (l *lane) steadily(now time.Time) (wait int64, ok bool) {
	if l.Gate.Width < firstWindow || l.Gate.Strikes > 0 || !l.Req.known() || !l.In.known() || !l.Out.known() {
		return 0, false
	}
	input, output := l.average()
	apart := max(1/l.Req.rate(), input/l.In.rate(), output/l.Out.rate()) / (steady * l.pace(millis(now))) * 1000
	return min(max(l.Gate.Sent+int64(apart)-millis(now), 0), int64(apart)), true
}

// sent counts one that goes.
func (g *gate) sent(input float64, now int64) {
	g.Waiting++
	g.Input += input
	g.At, g.Sent = now, now
}

// heard counts one whose answer began, or that ended without.
func (g *gate) heard(input float64, now int64) {
	g.Waiting = max(g.Waiting-1, 0)
	g.Input = max(g.Input-input, 0)
	if g.Waiting == 0 {
		g.Input = 0
	}
	g.At = now
}

// passed widens the gate: an answer began.
func (g *gate) passed() {
	g.Strikes = 0
	if g.Width == 0 {
		return
	}
	if g.Width++; g.Width >= openWindow {
		g.Width = 0
	}
}

// age forgets grants whose end never came: their process died.
func (g *gate) age(now int64) (store bool) {
	if !setBack(now, g.At) && (g.Waiting == 0 || now-g.At <= ackWithin) {
		return false
	}
	g.Waiting, g.Input, g.At = 0, 0, now
	return true
}

// limit corrects the count by the number of jobs that the ledger knows to run.
func (g *gate) limit(running int) {
	if g.Waiting > running {
		g.Waiting = running
	}
	if g.Waiting == 0 {
		g.Input = 0
	}
}

func (g *gate) sane() bool {
	return g.Waiting >= 0 && g.Strikes >= 0 && within(g.Width, 0, 1e6) && within(g.Input, 0, mostValue)
}

// A load bounds the calls in flight while the API has no capacity: fewer with
// every 529, more with every answer. Zero is no bound.
type load struct {
	Most  float64 `json:"most,omitempty"`
	Knee  float64 `json:"knee,omitempty"`  // where the last trouble began
	Fails int     `json:"fails,omitempty"` // failures in a row
	At    int64   `json:"at,omitempty"`    // ms, of the last cut
}

// admits reports whether one more may run beside running others.
func (l *load) admits(running int) bool { return l.Most == 0 || float64(running) < math.Max(l.Most, 1) }

// failed counts a failure of the API's. An overload cuts the bound by a third,
// at most once a second: calls that were sent together fail together.
func (l *load) failed(overload bool, running int, now int64) {
	l.Fails++
	if !overload || (l.Most > 0 && now-l.At < 1000 && now >= l.At) {
		return
	}
	from := float64(running)
	if l.Most > 0 {
		from = math.Min(from, l.Most)
	}
	if l.Most == 0 || l.Most > l.Knee/2 {
		l.Knee = from
	}
	l.Most, l.At = math.Max(from*2/3, 1), now
}

// answered counts a success. The bound doubles with every round of calls up to
// half of where the trouble began, and then grows by three.
func (l *load) answered(most int) {
	l.Fails = 0
	if l.Most == 0 {
		return
	}
	step := 1.0
	if l.Most > l.Knee/2 {
		step = math.Min(3/l.Most, 1)
	}
	if l.Most += step; l.Most >= float64(most) {
		l.Most, l.Knee = 0, 0
	}
}

func (l *load) sane() bool {
	return l.Fails >= 0 && within(l.Most, 0, 1e6) && within(l.Knee, 0, 1e6)
}
