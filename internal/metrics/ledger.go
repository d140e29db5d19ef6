package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/event"
)

// Ledger is what a scrape reads.
type Ledger interface {
	Stats(ctx context.Context) (event.Stats, error)
	Lanes(ctx context.Context) ([]event.Lane, error)
}

const (
	cacheFor    = 5 * time.Second // scrapes within it share one reading
	readTimeout = 2 * time.Second
)

// Watch adds the gauges that each scrape reads from the ledger, at most once in
// five seconds: jobs and deliveries by state, the age of the oldest queued job,
// lanes. When the ledger does not answer within two seconds they are left out
// and forebay_ledger_up is 0. Call it once.
func (m *Metrics) Watch(l Ledger, now func() time.Time) {
	m.registry.MustRegister(&ledgerCollector{ledger: l, now: now, lanes: m.lanes})
}

// ledgerCollector is a prometheus.Collector.
type ledgerCollector struct {
	ledger Ledger
	now    func() time.Time
	lanes  *bounded

	mu   sync.Mutex // held while the ledger is read
	at   time.Time
	last reading
}

// A reading is one look at the ledger.
type reading struct {
	stats event.Stats
	lanes []event.Lane
	err   error
}

var (
	descUp         = prometheus.NewDesc("forebay_ledger_up", "1 if the store answered this scrape.", nil, nil)
	descJobs       = prometheus.NewDesc("forebay_jobs", "Jobs in the store by state.", []string{"state"}, nil)
	descDeliveries = prometheus.NewDesc("forebay_deliveries", "Deliveries in the store by state.", []string{"state"}, nil)
	descOldest     = prometheus.NewDesc("forebay_queue_oldest_seconds", "Age of the oldest queued job; 0 when none is queued.", nil, nil)
	descBytes      = prometheus.NewDesc("forebay_event_bytes", "Bytes of the events that are kept.", nil, nil)
	descKeys       = prometheus.NewDesc("forebay_dedupe_keys", "Dedupe keys that are kept.", nil, nil)
	descPaused     = prometheus.NewDesc("forebay_lane_paused", "1 while no call of the lane may leave.", []string{"lane"}, nil)
	descLaneJobs   = prometheus.NewDesc("forebay_lane_jobs", "Queued and running jobs by lane.", []string{"lane", "state"}, nil)
)

// Describe sends nothing: what is collected depends on what the ledger holds.
func (c *ledgerCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *ledgerCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now := c.now()
	r := c.read(now)
	if r.err != nil {
		gauge(descUp, 0)
		return
	}
	gauge(descUp, 1)
	for _, state := range []event.State{event.Queued, event.Running, event.Succeeded, event.Dead, event.Cancelled, event.Superseded} {
		gauge(descJobs, float64(r.stats.Jobs[state]), string(state))
	}
	for _, state := range []event.DeliveryState{event.DeliveryPending, event.DeliveryDone, event.DeliveryDead} {
		gauge(descDeliveries, float64(r.stats.Deliveries[state]), string(state))
	}
	gauge(descOldest, age(now, r.stats.OldestQueued))
	gauge(descBytes, float64(r.stats.EventBytes))
	gauge(descKeys, float64(r.stats.DedupeKeys))
	c.collectLanes(r.lanes, now, gauge)
}

// collectLanes keeps to the first lanes: two series of one name would make the
// whole scrape fail.
func (c *ledgerCollector) collectLanes(lanes []event.Lane, now time.Time, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, lane := range lanes {
		name := c.lanes.label(lane.Name)
		if name != lane.Name {
			continue
		}
		paused := 0.0
		if lane.Blocks(now) {
			paused = 1
		}
		gauge(descPaused, paused, name)
		gauge(descLaneJobs, float64(lane.Queued), name, string(event.Queued))
		gauge(descLaneJobs, float64(lane.Running), name, string(event.Running))
	}
}

// read looks at the ledger, or returns the last look if it is fresh.
func (c *ledgerCollector) read(now time.Time) reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := now.Sub(c.at); !c.at.IsZero() && passed >= 0 && passed < cacheFor {
		return c.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	var r reading
	if r.stats, r.err = c.ledger.Stats(ctx); r.err == nil {
		r.lanes, r.err = c.ledger.Lanes(ctx)
	}
	c.at, c.last = now, r
	return r
}

func age(now, since time.Time) float64 {
	if since.IsZero() || now.Before(since) {
		return 0
	}
	return now.Sub(since).Seconds()
}
