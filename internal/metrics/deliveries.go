package metrics

import "time"

func (m *Metrics) makeDeliveries() {
	m.deliveries = m.counter("forebay_delivery_attempts_total",
		"Attempts at deliveries: done, retry (it failed and will be tried again), dead.", "target", "outcome")
	m.deliverySeconds = m.histogram("forebay_delivery_duration_seconds",
		"Time that an attempt at a delivery took.",
		[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}, "target")
}

// ObserveDelivery counts one attempt at a delivery: done, retry or dead.
func (m *Metrics) ObserveDelivery(target, outcome string, took time.Duration) {
	target = m.kinds.label(target)
	switch outcome {
	case "done", "retry", "dead":
	default:
		outcome = other
	}
	m.deliveries.WithLabelValues(target, outcome).Inc()
	m.deliverySeconds.WithLabelValues(target).Observe(took.Seconds())
}
