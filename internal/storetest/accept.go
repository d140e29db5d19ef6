package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

var acceptTests = []test{
	{name: "an event and its job are kept as they came", run: testAcceptKeeps},
	{name: "a copy is found by any key", run: testAcceptCopies},
	{name: "keys are the hook's own", run: testAcceptOtherHook},
	{name: "a key beside a known one is not remembered", run: testAcceptForgedKey},
	{name: "500 copies at once make one job", run: testAcceptStorm},
	{name: "a redelivery queues a dead job again", run: testAcceptRequeues},
	{name: "a redelivery leaves other jobs alone", run: testAcceptRequeuesOnlyDead},
	{name: "100 redeliveries at once queue a dead job once", run: testAcceptRequeueStorm},
	{name: "forgotten keys are new again", run: testAcceptForgotten},
	{name: "past the bound it is full", run: testAcceptFull, config: Config{MaxJobs: 3}},
	{name: "one bad request spoils no other", run: testAcceptBad},
	{name: "a cancelled request is not stored", run: testAcceptCancelled},
	{name: "several events of one request are stored together", run: testAcceptAll},
	{name: "several events find room together, or none does", run: testAcceptAllFull, config: Config{MaxJobs: 5}},
	{name: "thousands of events of one request are stored", run: testAcceptAllMany, config: Config{MaxJobs: 500}},
	{name: "one bad event spoils its own request and no other", run: testAcceptAllBad},
}

func testAcceptAll(s *suite) {
	known := s.order()
	_, err := s.Accept(s.Context(), known)
	s.must(err)
	a, b := s.order(), s.order(coalesce("k"))
	twin := s.order(func(t *event.Accept) { t.Keys = a.Keys })
	old := s.order(func(t *event.Accept) { t.Keys = known.Keys })
	newer := s.order(coalesce("k"))
	got, err := s.AcceptAll(s.Context(), []event.Accept{a, old, b, twin, newer})
	s.must(err)
	for i, r := range []event.Receipt{
		{Outcome: event.Accepted, EventID: a.Event.ID, JobID: a.Job.ID},
		{Outcome: event.Duplicate, EventID: known.Event.ID, JobID: known.Job.ID},
		{Outcome: event.Accepted, EventID: b.Event.ID, JobID: b.Job.ID},
		{Outcome: event.Duplicate, EventID: a.Event.ID, JobID: a.Job.ID},
		{Outcome: event.Accepted, EventID: newer.Event.ID, JobID: newer.Job.ID},
	} {
		want(s, fmt.Sprintf("receipt %d", i), got[i], r)
	}
	want(s, "superseded by", s.state(b.Job.ID, event.Superseded, "").SupersededBy, newer.Job.ID)
	want(s, "duplicates", s.job(a.Job.ID).Event.Duplicates, 1)
	want(s, "taken", len(s.take("w1", 10).Jobs), 2)
	none, err := s.AcceptAll(s.Context(), nil)
	s.must(err)
	want(s, "receipts for nothing", len(none), 0)
}

func testAcceptAllFull(s *suite) {
	s.accept()
	s.accept()
	var all []event.Accept
	for range 4 {
		all = append(all, s.order())
	}
	if _, err := s.AcceptAll(s.Context(), all); !errors.Is(err, event.ErrFull) {
		s.Fatalf("one more than there is room for: got %v, want ErrFull", err)
	}
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "queued", stats.Jobs[event.Queued], 2)
	got, err := s.AcceptAll(s.Context(), all[:3])
	s.must(err)
	want(s, "the first of as many as there is room for", got[0].Outcome, event.Accepted)
}

// testAcceptAllMany: what a request with many events stored before it found no
// room is not stored twice when it comes again.
func testAcceptAllMany(s *suite) {
	all := make([]event.Accept, 700)
	for i := range all {
		all[i] = s.order()
	}
	if _, err := s.AcceptAll(s.Context(), all); !errors.Is(err, event.ErrFull) {
		s.Fatalf("more than there is room for: got %v, want ErrFull", err)
	}
	got, err := s.AcceptAll(s.Context(), all[:450])
	s.must(err)
	want(s, "receipts", len(got), 450)
	for i, r := range got {
		if r.EventID != all[i].Event.ID || r.JobID != all[i].Job.ID {
			s.Fatalf("receipt %d: got %+v, want one of %s", i, r, all[i].Event.ID)
		}
	}
	want(s, "the last", got[449].Outcome, event.Accepted)
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "queued", stats.Jobs[event.Queued], 450)
}

func testAcceptAllBad(s *suite) {
	taken := s.accept()
	bad := []event.Accept{s.order(), s.order(func(a *event.Accept) { a.Job.ID = taken }), s.order()}
	var failed error
	var all sync.WaitGroup
	all.Go(func() { _, failed = s.AcceptAll(s.Context(), bad) })
	for range 20 {
		a := s.order()
		all.Go(func() {
			if _, err := s.Accept(s.Context(), a); err != nil {
				s.Error(err)
			}
		})
	}
	all.Wait()
	if failed == nil {
		s.Error("a job id that is there already was taken")
	}
	want(s, "taken", len(s.take("w1", 100).Jobs), 21)
	got, err := s.AcceptAll(s.Context(), []event.Accept{bad[0], bad[2]})
	s.must(err)
	want(s, "the good ones without the bad one", got[1].Outcome, event.Accepted)
}

func testAcceptKeeps(s *suite) {
	a := s.order(func(a *event.Accept) {
		a.Event.Query, a.Event.Payload = "a=1&b=%20", []byte(`{"inner":true}`)
		a.Job.Priority, a.Job.Chosen = 2, "route 1"
	})
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	got := s.takeOne()
	if !reflect.DeepEqual(got.Event, a.Event) {
		s.Errorf("event: got %+v, want %+v", got.Event, a.Event)
	}
	j := s.state(a.Job.ID, event.Running, "")
	if j.Event == nil || !reflect.DeepEqual(*j.Event, a.Event) {
		s.Errorf("event of the job: got %+v, want %+v", j.Event, a.Event)
	}
	want(s, "event id", j.EventID, a.Event.ID)
	want(s, "hook", j.Hook, "h")
	want(s, "lane", j.Lane, "haiku")
	want(s, "model", j.Model, "claude-haiku-5-5")
	want(s, "chosen", j.Chosen, "route 1")
	want(s, "priority", j.Priority, 2)
	want(s, "subject", j.Subject, a.Event.Subject)
	want(s, "type", j.Type, a.Event.Type)
	want(s, "created", j.CreatedAt, start)
	want(s, "queued", j.QueuedAt, start)
	want(s, "attempts", j.Attempts, 1)
}

func testAcceptCopies(s *suite) {
	first := s.order()
	_, err := s.Accept(s.Context(), first)
	s.must(err)
	for i, keys := range [][]event.Key{
		first.Keys,
		{{Value: "id:other"}, first.Keys[1]},
		{first.Keys[0], {Value: "sum:other"}},
	} {
		copied := s.order(func(a *event.Accept) { a.Keys = keys })
		got, err := s.Accept(s.Context(), copied)
		s.must(err)
		want(s, fmt.Sprintf("copy %d", i), got, event.Receipt{Outcome: event.Duplicate, EventID: first.Event.ID, JobID: first.Job.ID})
	}
	want(s, "duplicates", s.job(first.Job.ID).Event.Duplicates, 3)
	want(s, "taken", len(s.take("w1", 10).Jobs), 1)
}

func testAcceptOtherHook(s *suite) {
	s.accept(func(a *event.Accept) { a.Keys = []event.Key{{Value: "id:same"}} })
	s.accept(func(a *event.Accept) { a.Event.Hook, a.Keys = "other", []event.Key{{Value: "id:same"}} })
	s.accept(func(a *event.Accept) { a.Keys = nil })
	s.accept(func(a *event.Accept) { a.Keys = nil })
	want(s, "taken", len(s.take("w1", 10).Jobs), 4)
}

// A captured request can be sent again under the delivery id of an event that
// is yet to come; that one must not become a duplicate.
func testAcceptForgedKey(s *suite) {
	first := s.order()
	_, err := s.Accept(s.Context(), first)
	s.must(err)
	got, err := s.Accept(s.Context(), s.order(func(a *event.Accept) { a.Keys = []event.Key{{Value: "id:victim", Redelivers: true}, first.Keys[1]} }))
	s.must(err)
	want(s, "forged", got.Outcome, event.Duplicate)
	s.accept(func(a *event.Accept) {
		a.Keys = []event.Key{{Value: "id:victim", Redelivers: true}, {Value: "sum:victim"}}
	})
}

func testAcceptStorm(s *suite) {
	const copies = 500
	keys := []event.Key{{Value: "id:storm", Redelivers: true}, {Value: "sum:storm"}}
	receipts := make([]event.Receipt, copies)
	var all sync.WaitGroup
	for i := range copies {
		a := s.order(func(a *event.Accept) { a.Keys = keys })
		all.Go(func() {
			var err error
			if receipts[i], err = s.Accept(s.Context(), a); err != nil {
				s.Error(err)
			}
		})
	}
	all.Wait()
	accepted := 0
	for _, r := range receipts {
		if r.Outcome == event.Accepted {
			accepted++
		}
		want(s, "job", r.JobID, receipts[0].JobID)
		want(s, "event", r.EventID, receipts[0].EventID)
	}
	want(s, "accepted", accepted, 1)
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "queued", stats.Jobs[event.Queued], 1)
	want(s, "duplicates", s.job(receipts[0].JobID).Event.Duplicates, copies-1)
}

func testAcceptRequeues(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.die(s.takeOne())
	s.pass(time.Hour)
	byDigest := s.order(func(b *event.Accept) { b.Keys = []event.Key{{Value: "id:forged", Redelivers: true}, a.Keys[1]} })
	got, err := s.Accept(s.Context(), byDigest)
	s.must(err)
	want(s, "found by its digest alone", got.Outcome, event.Duplicate)
	s.state(a.Job.ID, event.Dead, "")
	sameID := s.order(func(b *event.Accept) { b.Event.DeliveryID, b.Keys = a.Event.DeliveryID, a.Keys[1:] })
	got, err = s.Accept(s.Context(), sameID)
	s.must(err)
	want(s, "found by its digest, with its delivery id", got, event.Receipt{Outcome: event.Requeued, EventID: a.Event.ID, JobID: a.Job.ID})
	s.die(s.takeOne())
	s.pass(time.Hour)

	got, err = s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "redelivered", got, event.Receipt{Outcome: event.Requeued, EventID: a.Event.ID, JobID: a.Job.ID})
	j := s.state(a.Job.ID, event.Queued, event.WaitingTurn)
	want(s, "attempts", j.Attempts, 0)
	want(s, "created", j.CreatedAt, start)
	want(s, "queued", j.QueuedAt, start.Add(2*time.Hour))
	want(s, "finished", j.FinishedAt, time.Time{})
	l := s.takeOne()
	want(s, "attempt", l.Job.Attempts, 1)
	s.succeed(l)
}

func testAcceptRequeuesOnlyDead(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	again := func(state event.State) {
		got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
		s.must(err)
		want(s, string(state), got.Outcome, event.Duplicate)
		want(s, "state", s.job(a.Job.ID).State, state)
	}
	again(event.Queued)
	l := s.takeOne()
	again(event.Running)
	s.succeed(l)
	again(event.Succeeded)

	dead := s.order()
	_, err = s.Accept(s.Context(), dead)
	s.must(err)
	s.die(s.takeOne())
	got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = []event.Key{dead.Keys[1], a.Keys[0]} }))
	s.must(err)
	want(s, "a redelivery of another event", got, event.Receipt{Outcome: event.Duplicate, EventID: dead.Event.ID, JobID: dead.Job.ID})
}

func testAcceptRequeueStorm(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.die(s.takeOne())
	var mu sync.Mutex
	outcomes := make(map[event.Outcome]int)
	var all sync.WaitGroup
	for range 100 {
		b := s.order(func(b *event.Accept) { b.Keys = a.Keys })
		all.Go(func() {
			got, err := s.Accept(s.Context(), b)
			if err != nil {
				s.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[got.Outcome]++
		})
	}
	all.Wait()
	want(s, "requeued", outcomes[event.Requeued], 1)
	want(s, "duplicates", outcomes[event.Duplicate], 99)
	want(s, "taken", len(s.take("w1", 10).Jobs), 1)
}

func testAcceptForgotten(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.succeed(s.takeOne())
	s.pass(29 * 24 * time.Hour)
	_, err = s.Purge(s.Context(), event.Purge{Now: s.clock(), Limit: 100})
	s.must(err)
	got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "after 29 days", got.Outcome, event.Duplicate)
	s.pass(2 * 24 * time.Hour)
	_, err = s.Purge(s.Context(), event.Purge{Now: s.clock(), Limit: 100})
	s.must(err)
	s.accept(func(b *event.Accept) { b.Keys = a.Keys })
}

func testAcceptFull(s *suite) {
	first := s.order()
	_, err := s.Accept(s.Context(), first)
	s.must(err)
	s.accept()
	s.accept()
	refused := s.order()
	if _, err := s.Accept(s.Context(), refused); !errors.Is(err, event.ErrFull) {
		s.Fatalf("past the bound: got %v, want ErrFull", err)
	}
	got, err := s.Accept(s.Context(), s.order(func(a *event.Accept) { a.Keys = first.Keys }))
	s.must(err)
	want(s, "a copy needs no room", got.Outcome, event.Duplicate)
	s.succeed(s.take("w1", 1).Jobs[0])
	got, err = s.Accept(s.Context(), refused)
	s.must(err)
	want(s, "once there is room", got.Outcome, event.Accepted)
}

func testAcceptBad(s *suite) {
	taken := s.accept()
	bad := s.order(func(a *event.Accept) { a.Job.ID = taken }) // a job id that is there already
	errs := make([]error, 40)
	var all sync.WaitGroup
	for i := range errs {
		a := s.order()
		if i%10 == 3 {
			a = bad
		}
		all.Go(func() { _, errs[i] = s.Accept(s.Context(), a) })
	}
	all.Wait()
	for i, err := range errs {
		if (err != nil) != (i%10 == 3) {
			s.Errorf("request %d: got error %v", i, err)
		}
	}
	bad.Job.ID = "job_mended"
	got, err := s.Accept(s.Context(), bad)
	s.must(err)
	want(s, "the same keys with a good job", got.Outcome, event.Accepted)
	want(s, "taken", len(s.take("w1", 100).Jobs), 38)
}

func testAcceptCancelled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.Accept(ctx, s.order()); !errors.Is(err, context.Canceled) {
		s.Errorf("got %v, want context.Canceled", err)
	}
	want(s, "taken", len(s.take("w1", 10).Jobs), 0)
}

var coalesceTests = []test{
	{name: "the newest of a flurry replaces the older", run: testCoalesce},
	{name: "a flurry that goes on ends all the same", run: testCoalesceMaxWait},
	{name: "only queued jobs of the same hook and key are replaced", run: testCoalesceOnlyItsOwn},
}

func coalesce(key string) func(*event.Accept) {
	return func(a *event.Accept) {
		a.Job.Coalesce = &event.Coalesce{Key: key, Quiet: 30 * time.Second, MaxWait: 5 * time.Minute}
	}
}

func testCoalesce(s *suite) {
	first := s.accept(coalesce("k"))
	j := s.state(first, event.Queued, event.QuietPeriod)
	want(s, "until", j.Until, start.Add(30*time.Second))
	got := s.take("w1", 10)
	want(s, "taken while quiet", len(got.Jobs), 0)
	want(s, "next due", got.NextDue, start.Add(30*time.Second))

	s.pass(20 * time.Second)
	second := s.accept(coalesce("k"))
	s.pass(20 * time.Second)
	third := s.accept(coalesce("k"))
	want(s, "superseded by", s.state(first, event.Superseded, "").SupersededBy, second)
	want(s, "superseded by", s.state(second, event.Superseded, "").SupersededBy, third)
	want(s, "finished", s.job(second).FinishedAt, start.Add(40*time.Second))
	j = s.state(third, event.Queued, event.QuietPeriod)
	want(s, "coalesced", j.Coalesced, 2)
	want(s, "until", j.Until, start.Add(70*time.Second))

	s.pass(30*time.Second - time.Microsecond)
	want(s, "taken a moment early", len(s.take("w1", 10).Jobs), 0)
	s.pass(time.Microsecond)
	want(s, "taken", s.takeOne().Job.ID, third)
}

func testCoalesceMaxWait(s *suite) {
	var last string
	for range 14 { // the last one comes 5 m 25 s after the first
		last = s.accept(coalesce("k"))
		s.pass(25 * time.Second)
	}
	j := s.job(last)
	want(s, "coalesced", j.Coalesced, 13)
	want(s, "state", j.State, event.Queued)
	want(s, "taken", s.takeOne().Job.ID, last)
	next := s.accept(coalesce("k"))
	want(s, "a new flurry begins anew", s.state(next, event.Queued, event.QuietPeriod).Until, s.clock().Add(30*time.Second))
}

func testCoalesceOnlyItsOwn(s *suite) {
	other := s.accept(coalesce("other"))
	hook := s.accept(coalesce("k"), func(a *event.Accept) { a.Event.Hook = "other" })
	plain := s.accept()
	running := s.accept(coalesce("k"))
	s.pass(time.Minute)
	jobs := s.take("w1", 10).Jobs
	want(s, "taken", len(jobs), 4)
	newest := s.accept(coalesce("k"))
	for _, id := range []string{other, hook, plain, running} {
		s.state(id, event.Running, "")
	}
	want(s, "coalesced", s.job(newest).Coalesced, 0)
}
