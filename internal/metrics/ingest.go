package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func (m *Metrics) makeIngest() {
	m.ingest = m.counter("forebay_ingest_requests_total",
		"Requests to hooks, by what was decided: accepted, duplicate, requeued, ignored, handshake, refused.", "hook", "outcome", "code")
	m.ackSeconds = m.histogram("forebay_ingest_duration_seconds",
		"Time from a request's header to its answer, without the wait for a turn before that.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "outcome")
	m.bodyBytes = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "forebay_ingest_body_bytes", Help: "Sizes of request bodies that were read.",
		Buckets: prometheus.ExponentialBuckets(256, 4, 9), // to 16 MiB
	})
	m.registry.MustRegister(m.bodyBytes)
}

// ObserveIngest counts one request to a hook: what was decided, the code of a
// refusal or the reason of an ignored one, how long the answer took, and the
// size of the body that was read.
func (m *Metrics) ObserveIngest(hook, outcome, code string, took time.Duration, bytes int) {
	m.ingest.WithLabelValues(m.hooks.label(hook), outcomeLabel(outcome), m.codes.label(code)).Inc()
	m.ackSeconds.WithLabelValues(outcomeLabel(outcome)).Observe(took.Seconds())
	m.bodyBytes.Observe(float64(bytes))
}

// outcomeLabel lets through the outcomes of event.Verdict.
func outcomeLabel(outcome string) string {
	switch outcome {
	case "accepted", "duplicate", "requeued", "ignored", "handshake", "refused":
		return outcome
	default:
		return other
	}
}
