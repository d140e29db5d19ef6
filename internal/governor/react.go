package governor

import (
	"time"
)

// How a lane reacts.
const (
	firstFails   = 5                                     // failures of the API in a row before the lane waits
	longestBreak = 60 * time.Second                      // between two probes of an API that is down
	longestPause = time.Hour + mostSkew*time.Millisecond // of a limit that refills by itself
	unsaidPause  = 15 * time.Second                      // of a rate limit without a time
	leastPace    = 0.25
	paceRegain   = 0.25 // of the rates, per minute after a ramp limit
	widenAfter   = 10 * 60_000
)

// A reaction is what reacting needs to know besides the outcome.
type reaction struct {
	running int // calls that were open when this one ended
	most    int // calls that may be open at all
}

// react sorts an outcome: an answer opens the lane further, a limit closes it,
// a failing API is given fewer calls. A code that says nothing of the API, such as
// that of a worker that stopped, teaches nothing.
func (l *lane) react(gr *Grant, o Outcome, r reaction, now time.Time) {
	at := millis(now)
	switch o.Code {
	case "rate_limited":
		if l.In.known() && gr.outsize(o.Detail, l.In.Limit) {
			return // it will never fit: no reason for the others to wait
		}
		l.limited(gr, o, r, now)
	case "ramp_limited":
		l.Pace, l.PaceAt = max(l.pace(at)/2, leastPace), at
	case "overloaded", "server_error", "timeout", "connection", "no_response", "stream_idle", "stream_truncated", "call_timeout", "conflict":
		l.failing(o, r, now)
	case "", "refusal", "no_text", "cut_output", "invalid_output", "empty_answer", "unexpected_stop",
		"context_overflow", "invalid_request", "request_too_large", "model_not_found":
		l.answered(gr, o, r, now)
		if o.Code == "model_not_found" {
			l.lose(gr.Model, now)
		}
	}
	if o.Wait {
		l.pause(o.Code, o.Detail, o.Until, now)
	}
}

// answered takes an answer, or a request that was refused for what it asked: the
// API works.
func (l *lane) answered(gr *Grant, o Outcome, r reaction, now time.Time) {
	l.Load.answered(r.most)
	if gr.began.IsZero() {
		l.Gate.passed()
	} else {
		l.lagged(gr, o.Usage.OutputTokens, now)
	}
	if o.Code == "" && o.Usage.OutputTokens > 0 {
		l.observe(gr, o.Usage, millis(now))
	}
}

// lagged learns how long after its grant an output token comes, on average over
// tokens: what is pending is the rate times that (Little's law).
func (l *lane) lagged(gr *Grant, output int64, now time.Time) {
	lag := gr.began.Sub(gr.At).Seconds() + now.Sub(gr.began).Seconds()/2
	weight := min(float64(output), mostOutput)
	if !(lag > 0) || weight < 1 {
		return
	}
	const keep = 0.97
	l.LagSum = keep*l.LagSum + weight*min(lag, 600)
	l.LagWeight = keep*l.LagWeight + weight
}

// lag returns the seconds between a grant and its average output token.
func (l *lane) lag() float64 {
	if l.LagWeight < 1 {
		return firstLag
	}
	return l.LagSum / l.LagWeight
}

// failing takes a failure of the API's. One may be chance; several in a row
// close the lane for a while that doubles, and one call then looks again.
func (l *lane) failing(o Outcome, r reaction, now time.Time) {
	l.Load.failed(o.Code == "overloaded", r.running, millis(now))
	if l.Load.Fails < firstFails {
		return
	}
	wait := min(time.Second<<min(l.Load.Fails-firstFails+1, 10), longestBreak)
	reason := "unavailable"
	if o.Code == "overloaded" {
		reason = o.Code
	}
	l.pause(reason, o.Detail, now.Add(wait), now)
}

// pause closes the lane. A pause that lasts longer stands.
func (l *lane) pause(reason, detail string, until, now time.Time) {
	if until.IsZero() && (reason == "rate_limited" || reason == "ramp_limited") {
		until = now.Add(unsaidPause)
	}
	if l.row.Blocks(now) && (l.row.Until.IsZero() || (!until.IsZero() && !until.After(l.row.Until))) {
		return
	}
	if !l.row.Blocks(now) {
		l.Gate.Strikes++
	}
	if reason == "rate_limited" && l.Gate.Strikes >= 3 {
		least := now.Add(min(time.Second<<min(l.Gate.Strikes-2, 10), longestBreak))
		if until.Before(least) {
			until = least
		}
	}
	l.row.Paused, l.row.Reason, l.row.Detail, l.row.Until = true, reason, detail, until
}

// pace returns the share of the rates in use: less after a ramp limit, and
// growing back.
func (l *lane) pace(now int64) float64 {
	if l.Pace <= 0 || l.Pace >= 1 {
		return 1
	}
	return min(l.Pace+paceRegain*float64(max(now-l.PaceAt, 0))/60_000, 1)
}

// widen trusts a burst that was found too large a little more after each quiet
// while: somebody else may have used the account then.
func (l *lane) widen(now int64) {
	if l.Pace > 0 && l.pace(now) >= 1 {
		l.Pace, l.PaceAt, l.dirty = 0, 0, true
	}
	if l.Tight == 0 || now-l.Tight < widenAfter {
		return
	}
	l.Tight, l.dirty = now, true
	for _, b := range []*bucket{&l.Req, &l.In, &l.Out} {
		b.bound(b.Burst * 1.5)
	}
	if l.Req.atMost() && l.In.atMost() && l.Out.atMost() {
		l.Tight = 0
	}
}

// atMost reports whether a bucket holds a whole minute of its rate.
func (b *bucket) atMost() bool { return !b.known() || b.Burst >= 0.999*b.rate()*fullBurst }
