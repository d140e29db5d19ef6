package metrics

import (
	"time"

	"github.com/forebayhq/forebay/event"
)

func (m *Metrics) makeCalls() {
	seconds := []float64{.25, .5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600}
	m.calls = m.counter("forebay_calls_total",
		"Calls to Claude that ended, by outcome and the code of a failure.", "lane", "model", "outcome", "code")
	m.callSeconds = m.histogram("forebay_call_duration_seconds",
		"Time from a call's start to its end.", seconds, "model")
	m.firstToken = m.histogram("forebay_call_first_token_seconds",
		"Time from a call's start to its first token.", seconds, "model")
	m.tokens = m.counter("forebay_tokens_total",
		"Tokens that calls used: input (fresh), cache_write_5m, cache_write_1h, cache_read, output.", "model", "kind")
	m.dollars = m.counter("forebay_cost_dollars_total",
		"Known cost of calls in US dollars.", "hook", "model")
	m.unpriced = m.counter("forebay_calls_unpriced_total",
		"Calls whose cost is not known.", "hook", "model")
}

// ObserveCall counts one call of a job of hook that ended. firstToken is the
// time to its first token; 0: none came.
func (m *Metrics) ObserveCall(hook string, c event.Call, firstToken time.Duration) {
	hook, model := m.hooks.label(hook), m.models.label(c.Model)
	m.calls.WithLabelValues(m.lanes.label(c.Lane), model, string(c.Outcome), m.codes.label(c.Code)).Inc()
	if took := c.EndedAt.Sub(c.StartedAt); !c.EndedAt.IsZero() && took >= 0 && c.Lane != event.BatchLane {
		m.callSeconds.WithLabelValues(model).Observe(took.Seconds())
	}
	if firstToken > 0 {
		m.firstToken.WithLabelValues(model).Observe(firstToken.Seconds())
	}
	for kind, n := range map[string]int64{
		"input": c.Usage.InputTokens, "cache_write_5m": c.Usage.CacheWrite5m, "cache_write_1h": c.Usage.CacheWrite1h,
		"cache_read": c.Usage.CacheRead, "output": c.Usage.OutputTokens,
	} {
		if n > 0 { // a counter panics when it is made to fall
			m.tokens.WithLabelValues(model, kind).Add(float64(n))
		}
	}
	m.observeCache(hook, model, c)
	switch {
	case c.Cost == nil:
		m.unpriced.WithLabelValues(hook, model).Inc()
	case *c.Cost > 0:
		m.dollars.WithLabelValues(hook, model).Add(c.Cost.Dollars())
	}
}
