// Package metrics counts what happens, for Prometheus. Every [Metrics] has a
// registry of its own.
//
// It must never let a label grow without a bound, whatever senders write into
// their requests, and never make a scrape wait long for the ledger.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options configure Metrics.
type Options struct {
	// Hooks are the names of the configured hooks. Others, which only strangers
	// use, are counted as "unknown".
	Hooks []string
	// Version and Revision are what the binary was built from.
	Version, Revision string
}

// Metrics counts what happens. Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	hooks  names
	codes  *bounded
	lanes  *bounded
	models *bounded
	kinds  *bounded // targets of deliveries

	ingest     *prometheus.CounterVec
	ackSeconds *prometheus.HistogramVec
	bodyBytes  prometheus.Histogram

	calls       *prometheus.CounterVec
	callSeconds *prometheus.HistogramVec
	firstToken  *prometheus.HistogramVec
	tokens      *prometheus.CounterVec
	dollars     *prometheus.CounterVec
	unpriced    *prometheus.CounterVec

	cacheTokens, cacheSaved, cachePremium *prometheus.CounterVec

	deliveries      *prometheus.CounterVec
	deliverySeconds *prometheus.HistogramVec
}

// New makes a registry with all metrics, those of the Go runtime and those of
// the process.
func New(o Options) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		hooks:    newNames(o.Hooks),
		codes:    newBounded(100),
		lanes:    newBounded(50),
		models:   newBounded(50),
		kinds:    newBounded(50),
	}
	m.makeIngest()
	m.makeCalls()
	m.makeCache()
	m.makeDeliveries()
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "forebay_build_info", Help: "1, labelled with what the binary was built from.",
	}, []string{"version", "revision"})
	build.WithLabelValues(o.Version, o.Revision).Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers GET /metrics in the formats that Prometheus reads. At most
// four scrapes run at once.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}
