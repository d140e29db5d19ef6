package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/metrics"
)

var epoch = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// scrape returns the lines of a scrape.
func scrape(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return strings.Split(w.Body.String(), "\n")
}

// want fails for each line that the scrape does not have.
func want(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	got := scrape(t, m)
	text := "\n" + strings.Join(got, "\n") + "\n"
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("no line %s; there are %q", line, matching(got, name))
		}
	}
}

func matching(lines []string, prefix string) (found []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}

func TestCounts(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Options{Hooks: []string{"pr-summary"}, Version: "v1.2.3", Revision: "abc"})
	m.ObserveIngest("pr-summary", "accepted", "", 3*time.Millisecond, 21000)
	m.ObserveIngest("pr-summary", "refused", "signature_mismatch", time.Millisecond, 10)
	m.ObserveIngest("/etc/passwd", "refused", "hook_unknown", time.Millisecond, 0)
	m.ObserveCall("pr-summary", event.Call{
		Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, EndedAt: epoch.Add(3 * time.Second), Outcome: event.CallOK,
		Usage: event.Usage{InputTokens: 100, CacheRead: 3000, OutputTokens: 20, CacheWrite1h: -5}, Cost: new(event.NanoUSD(2_000_000)),
	}, 800*time.Millisecond)
	m.ObserveCall("pr-summary", event.Call{
		Lane: "haiku", Model: "claude-haiku-5-5", StartedAt: epoch, EndedAt: epoch.Add(time.Second), Outcome: event.CallOK,
		Usage: event.Usage{CacheWrite5m: 4000, CacheWrite1h: 1000, CacheRead: -7}, Cost: new(event.NanoUSD(0)),
	}, 0)
	m.ObserveCall("pr-summary", event.Call{Lane: "haiku", Model: "house", StartedAt: epoch, Outcome: event.CallFailed, Code: "overloaded"}, 0)
	m.ObserveDelivery("callback", "done", 40*time.Millisecond)
	m.ObserveDelivery("callback", "sideways", time.Second)
	want(t, m,
		`forebay_ingest_requests_total{code="",hook="pr-summary",outcome="accepted"} 1`,
		`forebay_ingest_requests_total{code="signature_mismatch",hook="pr-summary",outcome="refused"} 1`,
		`forebay_ingest_requests_total{code="hook_unknown",hook="unknown",outcome="refused"} 1`,
		`forebay_ingest_duration_seconds_bucket{outcome="accepted",le="0.005"} 1`,
		`forebay_ingest_body_bytes_sum 21010`,
		`forebay_calls_total{code="",lane="haiku",model="claude-haiku-5-5",outcome="ok"} 2`,
		`forebay_calls_total{code="overloaded",lane="haiku",model="house",outcome="failed"} 1`,
		`forebay_call_duration_seconds_count{model="claude-haiku-5-5"} 2`,
		`forebay_call_first_token_seconds_sum{model="claude-haiku-5-5"} 0.8`,
		`forebay_tokens_total{kind="cache_read",model="claude-haiku-5-5"} 3000`,
		`forebay_tokens_total{kind="output",model="claude-haiku-5-5"} 20`,
		`forebay_cache_tokens_total{hook="pr-summary",kind="read",model="claude-haiku-5-5"} 3000`,
		`forebay_cache_tokens_total{hook="pr-summary",kind="write",model="claude-haiku-5-5"} 5000`,
		`forebay_cache_saved_dollars_total{hook="pr-summary",model="claude-haiku-5-5"} 0.00027`,
		`forebay_cache_premium_dollars_total{hook="pr-summary",model="claude-haiku-5-5"} 0.0002`,
		`forebay_cost_dollars_total{hook="pr-summary",model="claude-haiku-5-5"} 0.002`,
		`forebay_calls_unpriced_total{hook="pr-summary",model="house"} 1`,
		`forebay_delivery_attempts_total{outcome="done",target="callback"} 1`,
		`forebay_delivery_attempts_total{outcome="other",target="callback"} 1`,
		`forebay_build_info{revision="abc",version="v1.2.3"} 1`,
	)
	if len(matching(scrape(t, m), "go_goroutines")) != 1 || len(matching(scrape(t, m), "process_")) == 0 {
		t.Error("the runtime's metrics are missing")
	}
}

// Whatever comes in, from however many goroutines, the number of series stays
// small.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Options{Hooks: []string{"a", "b"}})
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				name := fmt.Sprintf("hostile-%d-%d\n\"", g, i)
				m.ObserveIngest(name, name, name, time.Millisecond, i)
				m.ObserveCall(name, event.Call{Lane: name, Model: name, Outcome: event.CallFailed, Code: name}, time.Second)
				m.ObserveDelivery(name, name, time.Millisecond)
			}
		})
	}
	all.Wait()
	if n := len(scrape(t, m)); n > 6000 {
		t.Errorf("a scrape has %d lines", n)
	}
	if n := len(matching(scrape(t, m), "forebay_ingest_requests_total{")); n > 101 {
		t.Errorf("%d series of requests", n)
	}
}

// A ledger that the test sets.
type ledger struct {
	stats event.Stats
	lanes []event.Lane
	err   error
	reads int
}

func (l *ledger) Stats(context.Context) (event.Stats, error) { l.reads++; return l.stats, l.err }
func (l *ledger) Lanes(context.Context) ([]event.Lane, error) {
	return l.lanes, l.err
}

func TestLedger(t *testing.T) {
	t.Parallel()
	now := epoch
	l := &ledger{
		stats: event.Stats{
			Jobs:         map[event.State]int{event.Queued: 3, "made_up": 9},
			Deliveries:   map[event.DeliveryState]int{event.DeliveryDead: 2},
			OldestQueued: epoch.Add(-90 * time.Second),
		},
		lanes: []event.Lane{
			{Name: "haiku", Paused: true, Until: epoch.Add(time.Minute), Queued: 3},
			{Name: "opus", Paused: true, Until: epoch.Add(-time.Minute)},
		},
	}
	m := metrics.New(metrics.Options{})
	m.Watch(l, func() time.Time { return now })
	want(t, m,
		`forebay_ledger_up 1`,
		`forebay_jobs{state="queued"} 3`,
		`forebay_jobs{state="dead"} 0`,
		`forebay_deliveries{state="dead"} 2`,
		`forebay_queue_oldest_seconds 90`,
		`forebay_lane_paused{lane="haiku"} 1`,
		`forebay_lane_paused{lane="opus"} 0`,
		`forebay_lane_jobs{lane="haiku",state="queued"} 3`,
	)
	scrape(t, m)
	if l.reads != 1 {
		t.Errorf("two scrapes read the ledger %d times", l.reads)
	}
	now, l.err = now.Add(5*time.Second), errors.New("locked")
	want(t, m, `forebay_ledger_up 0`)
	if got := matching(scrape(t, m), "forebay_jobs"); got != nil {
		t.Errorf("stale counts: %q", got)
	}
	now, l.err = now.Add(5*time.Second), nil
	l.stats.OldestQueued = time.Time{}
	want(t, m, `forebay_ledger_up 1`, `forebay_queue_oldest_seconds 0`)
}

// More lanes than labels leave the scrape whole.
func TestManyLanes(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	for i := range 200 {
		l.lanes = append(l.lanes, event.Lane{Name: fmt.Sprint("lane-", i)})
	}
	m := metrics.New(metrics.Options{})
	m.Watch(l, func() time.Time { return epoch })
	if n := len(matching(scrape(t, m), "forebay_lane_paused{")); n != 50 {
		t.Errorf("%d lanes, want 50", n)
	}
}
