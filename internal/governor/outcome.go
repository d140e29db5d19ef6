package governor

import (
	"cmp"
	"math"
	"time"

	"github.com/forebayhq/forebay/event"
)

// An Outcome is how a call ended.
type Outcome struct {
	// Code is the failure's, in the words of the error catalogue
	// ("rate_limited", "overloaded", "refusal", ...). Empty: an answer came.
	Code string
	// Detail is its cause in words. A rate limit names what was exceeded there.
	Detail string
	// Wait says that the whole lane must wait until Until; zero: until somebody
	// resumes it.
	Wait  bool
	Until time.Time
	// Usage is what was seen, final or not.
	Usage event.Usage
	// Headers are the response's; nil if none came.
	Headers map[string][]string
}

// Begun takes the first event of an answer: what the prompt really counted, and
// the limits and levels that the response's headers tell.
func (g *Governor) Begun(gr *Grant, u event.Usage, headers map[string][]string, now time.Time) func(event.Lane) event.Lane {
	if !gr.began.IsZero() {
		return unchanged
	}
	predicted := gr.Input
	if n := counted(u); n > 0 {
		gr.Input = n
	}
	gr.began, gr.weighed = now, u.InputTokens > 0
	actual, sent, begun := gr.Input, gr.At, *gr
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		l.Gate.heard(float64(predicted), millis(now))
		l.In.take(float64(actual - predicted))
		l.learn(headers, sent, now)
		l.begunWarm(&begun, u, now)
		l.found(begun.Model)
		l.weigh(&begun, u, millis(now))
		l.Gate.passed()
		return l.close(now)
	}
}

// A Charge is output that streamed in and is not yet debited. Several may be
// added and written at once.
type Charge struct {
	Output  int64 // tokens produced
	Pending int64 // of those that were predicted
}

// Add returns both together.
func (c Charge) Add(o Charge) Charge {
	return Charge{Output: c.Output + o.Output, Pending: c.Pending + o.Pending}
}

// Stream takes answer text of so many bytes and returns what it adds.
func (gr *Grant) Stream(bytes int) Charge {
	gr.text += max(bytes, 0)
	total := int64(float64(gr.text) / cmp.Or(gr.perToken, bytesPerTok))
	c := Charge{Output: total - gr.charged, Pending: min(total, gr.Output) - min(gr.charged, gr.Output)}
	gr.charged = total
	return c
}

// Charged debits output of a lane while it streams, as the API does. Write it
// every quarter of a second or so, the charges of all calls of the lane in one.
func (g *Governor) Charged(c Charge, now time.Time) func(event.Lane) event.Lane {
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		l.Out.take(float64(c.Output))
		l.flows(float64(c.Output), millis(now))
		l.Pending = max(l.Pending-float64(c.Pending), 0)
		return l.close(now)
	}
}

// flows keeps the rate at which output streams, averaged over about a second.
func (l *lane) flows(tokens float64, now int64) {
	seconds := float64(min(max(now-l.FlowAt, 0), 60_000)) / 1000
	l.FlowRate = l.FlowRate*math.Exp(-seconds) + min(tokens, mostOutput)
	l.FlowAt = max(l.FlowAt, now)
}

// uncounted is the output that has streamed and is not yet charged.
func (l *lane) uncounted(now int64) float64 {
	seconds := float64(max(now-l.FlowAt, 0)) / 1000
	return l.FlowRate * math.Exp(-seconds) * chargeGap
}

// Released gives back what was debited for a job that never called.
func (g *Governor) Released(gr *Grant, now time.Time) func(event.Lane) event.Lane {
	done := *gr
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		l.closeGrant(&done, now)
		l.Req.take(-1)
		l.refund(&done, g.options.Hooks[done.Hook].Weight)
		return l.close(now)
	}
}

// Settled ends a grant: what was debited becomes what was used, and the lane
// reacts to how the call ended.
func (g *Governor) Settled(gr *Grant, o Outcome, now time.Time) func(event.Lane) event.Lane {
	done := *gr
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		open := l.Open
		l.closeGrant(&done, now)
		l.use(&done, o, g.options.Hooks[done.Hook].Weight)
		if done.began.IsZero() {
			l.learn(o.Headers, time.Time{}, now)
		}
		l.react(&done, o, reaction{running: open, most: g.options.MaxInFlight}, now)
		return l.close(now)
	}
}

func unchanged(row event.Lane) event.Lane { return row }

// counted is the part of a usage that counts against the input limit: what was
// read from the cache does not.
func counted(u event.Usage) int64 {
	return max(u.InputTokens, 0) + max(u.CacheWrite5m, 0) + max(u.CacheWrite1h, 0)
}

// closeGrant takes a grant off what is open.
func (l *lane) closeGrant(gr *Grant, now time.Time) {
	l.Open = max(l.Open-1, 0)
	l.Pending = max(l.Pending-float64(gr.Output-min(gr.charged, gr.Output)), 0)
	if l.Open == 0 {
		l.Pending = 0
	}
	if gr.began.IsZero() {
		l.Gate.heard(float64(gr.Input), millis(now))
		l.endedWarm(gr, now)
	}
}

// use replaces what was debited by what was used. A usage that never came leaves
// the prediction in force; one of a request that was refused unread gives it
// back.
func (l *lane) use(gr *Grant, o Outcome, weight int) {
	input, output := counted(o.Usage), max(o.Usage.OutputTokens, 0)
	switch {
	case input > 0 || output > 0:
		if input == 0 { // all of it came from the cache, or was not told
			input = gr.Input
			if o.Usage.CacheRead > 0 {
				input = 0
			}
		}
		l.In.take(float64(input - gr.Input))
		l.Out.take(float64(output - gr.charged))
		l.correct(gr, cost(float64(input), float64(output))-cost(float64(gr.Input), float64(gr.Output)), weight)
	case unread(o.Code):
		l.refund(gr, weight)
	}
}

// refund gives back what was debited for a grant, but for the request itself.
func (l *lane) refund(gr *Grant, weight int) {
	l.In.take(-float64(gr.Input))
	l.Out.take(-float64(gr.charged))
	l.correct(gr, -cost(float64(gr.Input), float64(gr.Output)), weight)
}

// unread reports whether a failure means that the model never saw the request.
func unread(code string) bool {
	switch code {
	case "rate_limited", "ramp_limited", "spend_cap", "own_spend_limit", "on_hold", "unauthorized", "billing",
		"forbidden", "not_the_api", "overloaded", "invalid_request", "context_overflow", "request_too_large", "model_not_found":
		return true
	}
	return false
}
