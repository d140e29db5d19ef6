package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

var deliveryTests = []test{
	{name: "a delivery comes with its whole job", run: testDeliveryWhole},
	{name: "it is tried again when it is due", run: testDeliveryBackoff},
	{name: "a lease that runs out lets it go again", run: testDeliveryExpires},
	{name: "a zombie settles nothing", run: testDeliveryZombie},
	{name: "those that share a key go one at a time", run: testDeliverySerial},
	{name: "one in backoff does not hold up its key", run: testDeliverySerialBackoff},
	{name: "no target takes more than its part", run: testDeliveryPerTarget},
	{name: "many dispatchers take each one once", run: testDeliveryRace},
	{name: "anchors are remembered", run: testDeliveryAnchor},
	{name: "dead ones go out again as they are", run: testRedeliverDead},
	{name: "done ones go out again in a new round", run: testRedeliverDone},
	{name: "only results go out again", run: testRedeliverState},
}

// outbox makes a succeeded job with deliveries dlv_N_1, dlv_N_2, ... one for
// each serial key.
func (s *suite) outbox(keys ...string) string {
	s.Helper()
	id := s.accept()
	var list []event.Delivery
	for i, key := range keys {
		list = append(list, event.Delivery{ID: fmt.Sprintf("dlv_%s_%d", strings.TrimPrefix(id, "job_"), i+1), Target: "callback", Index: i, SerialKey: key})
	}
	s.succeed(s.takeOne(), list...)
	return id
}

func (s *suite) takeDeliveries(limit int) event.TakenDeliveries {
	s.Helper()
	now := s.clock()
	got, err := s.TakeDeliveries(s.Context(), event.TakeDeliveries{Worker: "w1", Now: now, LeaseUntil: now.Add(lease), Max: limit})
	s.must(err)
	return got
}

func (s *suite) takeDelivery() event.LeasedDelivery {
	s.Helper()
	got := s.takeDeliveries(10)
	if len(got.Deliveries) != 1 {
		s.Fatalf("got %d deliveries, want 1", len(got.Deliveries))
	}
	return got.Deliveries[0]
}

func (s *suite) settleDelivery(d event.LeasedDelivery, state event.DeliveryState, next time.Time) {
	s.Helper()
	s.must(s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: d.Lease, Now: s.clock(), State: state, NextAt: next, URL: "https://example.com/" + string(state), Error: "was " + string(state)}))
}

func names(list []event.LeasedDelivery) string {
	var all []string
	for _, d := range list {
		all = append(all, d.Delivery.ID)
	}
	return strings.Join(all, " ")
}

func testDeliveryWhole(s *suite) {
	id := s.outbox("", "k")
	got := s.takeDeliveries(10)
	want(s, "taken", names(got.Deliveries), "dlv_001_1 dlv_001_2")
	d := got.Deliveries[0]
	want(s, "lease", d.Lease, event.Lease{ID: "dlv_001_1", Token: d.Lease.Token, Worker: "w1", Until: s.clock().Add(lease)})
	want(s, "attempts", d.Delivery.Attempts, 1)
	whole := s.job(id)
	if !reflect.DeepEqual(d.Job, whole) || d.Job.Event == nil || d.Job.Result == nil || len(d.Job.Deliveries) != 2 {
		s.Errorf("job: got %+v, want %+v", d.Job, whole)
	}
	want(s, "text", d.Job.Result.Text, "answer to job_001")
	want(s, "taken again", len(s.takeDeliveries(10).Deliveries), 0)
	s.pass(time.Second)
	s.settleDelivery(d, event.DeliveryDone, time.Time{})
	done := s.job(id).Deliveries[0]
	want(s, "state", done.State, event.DeliveryDone)
	want(s, "url", done.URL, "https://example.com/done")
	want(s, "next", done.NextAt, time.Time{})
	want(s, "updated", done.UpdatedAt, s.clock())
}

func testDeliveryBackoff(s *suite) {
	id := s.outbox("")
	for attempt := 1; attempt <= 3; attempt++ {
		d := s.takeDelivery()
		want(s, "attempts", d.Delivery.Attempts, attempt)
		want(s, "message id", d.Delivery.MessageID(), "dlv_001_1")
		next := s.clock().Add(time.Duration(attempt) * time.Minute)
		s.settleDelivery(d, event.DeliveryPending, next)
		got := s.takeDeliveries(10)
		want(s, "taken early", len(got.Deliveries), 0)
		want(s, "next due", got.NextDue, next)
		want(s, "last error", s.job(id).Deliveries[0].LastError, "was pending")
		s.pass(time.Duration(attempt) * time.Minute)
	}
	s.settleDelivery(s.takeDelivery(), event.DeliveryDead, time.Time{})
	s.pass(1000 * time.Hour)
	got := s.takeDeliveries(10)
	want(s, "taken dead", len(got.Deliveries), 0)
	want(s, "next due", got.NextDue, time.Time{})
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "dead", stats.Deliveries[event.DeliveryDead], 1)
	want(s, "pending", stats.Deliveries[event.DeliveryPending], 0)
}

func testDeliveryExpires(s *suite) {
	s.outbox("")
	first := s.takeDelivery()
	s.pass(lease - time.Microsecond)
	want(s, "taken before the end", len(s.takeDeliveries(10).Deliveries), 0)
	s.pass(time.Microsecond)
	now := s.clock()
	held, err := s.TakeDeliveries(s.Context(), event.TakeDeliveries{
		Worker: "w1", Now: now, LeaseUntil: now.Add(lease), Max: 10, Held: []event.Lease{first.Lease},
	})
	s.must(err)
	want(s, "taken from a worker that lives", len(held.Deliveries), 0)
	s.pass(lease)
	old := first.Lease
	old.Token--
	now = s.clock()
	got, err := s.TakeDeliveries(s.Context(), event.TakeDeliveries{Worker: "w1", Now: now, LeaseUntil: now.Add(lease), Max: 10, Held: []event.Lease{old}})
	s.must(err)
	if len(got.Deliveries) != 1 {
		s.Fatalf("got %d deliveries, want the one whose lease ran out", len(got.Deliveries))
	}
	second := got.Deliveries[0]
	want(s, "attempts: the crashed one counts", second.Delivery.Attempts, 2)
	if second.Lease.Token <= first.Lease.Token {
		s.Errorf("token %d after %d", second.Lease.Token, first.Lease.Token)
	}
}

func testDeliveryZombie(s *suite) {
	id := s.outbox("")
	zombie := s.takeDelivery()
	refused := func(when string) {
		s.Helper()
		for _, state := range []event.DeliveryState{event.DeliveryDone, event.DeliveryDead, event.DeliveryPending} {
			err := s.SettleDelivery(s.Context(), event.DeliverySettlement{
				Lease: zombie.Lease, Now: s.clock(), State: state, Anchor: &event.Anchor{Key: "k", ExternalID: "zombie"},
			})
			if !errors.Is(err, event.ErrLeaseLost) {
				s.Errorf("%s, %s: got %v, want ErrLeaseLost", when, state, err)
			}
		}
	}
	s.pass(2 * lease)
	owner := s.takeDelivery()
	refused("owned by another")
	s.settleDelivery(owner, event.DeliveryDone, time.Time{})
	refused("done")
	want(s, "state", s.job(id).Deliveries[0].State, event.DeliveryDone)
	if _, err := s.Anchor(s.Context(), "k"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("anchor: got %v, want ErrNotFound", err)
	}
}

func testDeliverySerial(s *suite) {
	s.outbox("k", "", "k")
	s.pass(time.Second)
	s.outbox("k", "other")
	got := s.takeDeliveries(10)
	want(s, "first", names(got.Deliveries), "dlv_001_1 dlv_001_2 dlv_002_2")
	want(s, "nothing while it is out", len(s.takeDeliveries(10).Deliveries), 0)
	s.settleDelivery(got.Deliveries[0], event.DeliveryDone, time.Time{})
	d := s.takeDelivery()
	want(s, "second", d.Delivery.ID, "dlv_001_3")
	s.settleDelivery(d, event.DeliveryDead, time.Time{})
	want(s, "third", s.takeDelivery().Delivery.ID, "dlv_002_1")
}

func testDeliverySerialBackoff(s *suite) {
	s.outbox("k", "k")
	first := s.takeDelivery()
	s.settleDelivery(first, event.DeliveryPending, s.clock().Add(10*time.Second))
	second := s.takeDelivery()
	want(s, "the younger goes meanwhile", second.Delivery.ID, "dlv_001_2")
	s.pass(10 * time.Second)
	want(s, "the older waits while it is out", len(s.takeDeliveries(10).Deliveries), 0)
	s.must(s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: second.Lease, Now: s.clock(), State: event.DeliveryPending, NextAt: s.clock()}))
	want(s, "the older goes first again", names(s.takeDeliveries(10).Deliveries), "dlv_001_1")
}

// A target is a place in a hook's deliver list: dlv_N_1 and dlv_N_2 are for two.
func testDeliveryPerTarget(s *suite) {
	take := func(limit, perTarget int) []event.LeasedDelivery {
		now := s.clock()
		got, err := s.TakeDeliveries(s.Context(), event.TakeDeliveries{Worker: "w1", Now: now, LeaseUntil: now.Add(lease), Max: limit, PerTarget: perTarget})
		s.must(err)
		return got.Deliveries
	}
	for range 5 {
		s.outbox("")
		s.pass(time.Second)
	}
	s.outbox("", "")
	first := take(4, 2)
	want(s, "two of one, and the other's", names(first), "dlv_001_1 dlv_002_1 dlv_006_2")
	want(s, "while two are out", names(take(4, 2)), "")
	s.settleDelivery(first[0], event.DeliveryDone, time.Time{})
	want(s, "when one has ended", names(take(4, 2)), "dlv_003_1")
	want(s, "without a bound, the longest due first", names(take(2, 0)), "dlv_004_1 dlv_005_1")
}

func testDeliveryRace(s *suite) {
	const jobs = 20
	for range jobs {
		s.outbox("", "k", "")
	}
	var mu sync.Mutex
	seen := make(map[string]int)
	out := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10_000 {
				mu.Lock()
				over := len(seen) == 3*jobs
				mu.Unlock()
				if over {
					return
				}
				now := s.clock()
				got, err := s.TakeDeliveries(s.Context(), event.TakeDeliveries{Worker: "w", Now: now, LeaseUntil: now.Add(lease), Max: 2})
				if err != nil {
					s.Error(err)
					return
				}
				for _, d := range got.Deliveries {
					mu.Lock()
					seen[d.Delivery.ID]++
					if d.Delivery.SerialKey != "" {
						if out++; out > 1 {
							s.Error("two of a key are out")
						}
					}
					mu.Unlock()
				}
				for _, d := range got.Deliveries {
					mu.Lock()
					if d.Delivery.SerialKey != "" {
						out--
					}
					mu.Unlock()
					if err := s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: d.Lease, Now: now, State: event.DeliveryDone}); err != nil {
						s.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	want(s, "deliveries", len(seen), 3*jobs)
	for id, n := range seen {
		want(s, id, n, 1)
	}
}

func testDeliveryAnchor(s *suite) {
	if _, err := s.Anchor(s.Context(), "k"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("got %v, want ErrNotFound", err)
	}
	for i := range 2 {
		id := s.outbox("")
		s.pass(time.Second)
		a := event.Anchor{Key: "k", ExternalID: fmt.Sprint(100 + i), URL: "https://example.com/c", JobID: id, UpdatedAt: s.clock()}
		s.must(s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: s.takeDelivery().Lease, Now: s.clock(), State: event.DeliveryDone, Anchor: &a}))
		got, err := s.Anchor(s.Context(), "k")
		s.must(err)
		want(s, "anchor", got, a)
	}
}

func testRedeliverDead(s *suite) {
	id := s.outbox("", "")
	got := s.takeDeliveries(10).Deliveries
	s.settleDelivery(got[0], event.DeliveryDead, time.Time{})
	s.settleDelivery(got[1], event.DeliveryPending, s.clock().Add(time.Hour))
	outbox, stop := s.Watch(event.TopicOutbox)
	defer stop()
	n, err := s.Redeliver(s.Context(), id, s.clock())
	s.must(err)
	want(s, "again", n, 2)
	want(s, "told", ready(outbox), true)
	got = s.takeDeliveries(10).Deliveries
	want(s, "taken", names(got), "dlv_001_1 dlv_001_2")
	for _, d := range got {
		want(s, "attempts", d.Delivery.Attempts, 1)
		want(s, "message id", d.Delivery.MessageID(), d.Delivery.ID)
	}
	n, err = s.Redeliver(s.Context(), id, s.clock())
	s.must(err)
	want(s, "those on their way are left alone", n, 0)
}

func testRedeliverDone(s *suite) {
	id := s.outbox("")
	for round := range 3 {
		d := s.takeDelivery()
		want(s, "round", d.Delivery.Round, round)
		want(s, "attempts", d.Delivery.Attempts, 1)
		s.settleDelivery(d, event.DeliveryDone, time.Time{})
		n, err := s.Redeliver(s.Context(), id, s.clock())
		s.must(err)
		want(s, "again", n, 1)
	}
	want(s, "message id", s.takeDelivery().Delivery.MessageID(), "dlv_001_1_r3")
	want(s, "calls", len(s.job(id).Calls), 0)
	s.state(id, event.Succeeded, "")
}

func testRedeliverState(s *suite) {
	check := func(id string, wanted error) {
		s.Helper()
		if _, err := s.Redeliver(s.Context(), id, s.clock()); !errors.Is(err, wanted) {
			s.Errorf("%s: got %v, want %v", id, err, wanted)
		}
	}
	check("job_nowhere", event.ErrNotFound)
	id := s.accept()
	check(id, event.ErrState)
	l := s.takeOne()
	check(id, event.ErrState)
	s.die(l)
	check(id, event.ErrState)
}
