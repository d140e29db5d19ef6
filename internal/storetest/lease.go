package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

var leaseTests = []test{
	{name: "a lease that runs out queues the job again", run: testLeaseExpires},
	{name: "a lease that is renewed holds", run: testLeaseExtends},
	{name: "a lease that the taker still carries stands", run: testLeaseHeld},
	{name: "a zombie writes nothing", run: testLeaseZombie},
	{name: "of two settlements at once one counts", run: testLeaseRace},
	{name: "tokens grow", run: testLeaseTokens},
	{name: "a draft streams in", run: testDraft},
}

func testLeaseExpires(s *suite) {
	id := s.accept()
	l := s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_1", Model: "m", StartedAt: s.clock()}))
	s.pass(lease - time.Microsecond)
	want(s, "taken before the end", len(s.take("w2", 10).Jobs), 0)
	s.pass(time.Microsecond)
	got := s.take("w2", 10)
	if len(got.Jobs) != 1 {
		s.Fatalf("after the end: got %d jobs, want 1", len(got.Jobs))
	}
	want(s, "attempts: the crashed one counts", got.Jobs[0].Job.Attempts, 2)
	j := s.job(id)
	if len(j.Calls) != 1 || j.Calls[0].Outcome != event.CallUnknown || !j.Calls[0].EndedAt.IsZero() {
		s.Errorf("calls: got %+v, want one whose end is unknown", j.Calls)
	}
	costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(costs) != 1 || costs[0].UnknownEnds != 1 || costs[0].Calls != 1 || costs[0].Unpriced != 1 {
		s.Errorf("costs: got %+v, want one call of unknown end", costs)
	}
}

func testLeaseExtends(s *suite) {
	s.accept()
	s.accept()
	jobs := s.take("w1", 2).Jobs
	s.pass(20 * time.Second)
	stale := jobs[1].Lease
	stale.Token--
	lost, err := s.Extend(s.Context(), []event.Lease{jobs[0].Lease, stale, {ID: "job_nowhere", Token: 1}}, s.clock().Add(lease), s.clock())
	s.must(err)
	if len(lost) != 2 || lost[0] != stale || lost[1].ID != "job_nowhere" {
		s.Errorf("lost: got %+v", lost)
	}
	s.pass(20 * time.Second)
	got := s.take("w2", 10)
	want(s, "taken", ids(got.Jobs), jobs[1].Job.ID)
	lost, err = s.Extend(s.Context(), []event.Lease{jobs[0].Lease, jobs[1].Lease}, s.clock().Add(lease), s.clock())
	s.must(err)
	if len(lost) != 1 || lost[0] != jobs[1].Lease {
		s.Errorf("lost: got %+v, want the one that ran out", lost)
	}
	lost, err = s.Extend(s.Context(), nil, s.clock(), s.clock())
	if lost != nil || err != nil {
		s.Errorf("nothing to extend: got %v, %v", lost, err)
	}
}

// A worker that could not renew its leases for a while, as on a full disk, does
// not take its own jobs away. Another worker may, and then the lease is gone.
func testLeaseHeld(s *suite) {
	held, dropped, stolen := s.accept(), s.accept(), s.accept()
	jobs := s.take("w1", 3).Jobs
	names := []event.Lease{jobs[0].Lease, jobs[2].Lease, {ID: dropped, Token: jobs[1].Lease.Token - 1}, {ID: "job_nowhere", Token: 1}}
	look := func(worker string, held []event.Lease, most int) []event.Leased {
		s.Helper()
		got, err := s.Take(s.Context(), event.Take{
			Worker: worker, Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: most, PerHook: 10, Admit: everyone, Held: held,
		})
		s.must(err)
		return got.Jobs
	}
	s.pass(2 * lease)
	want(s, "taken by the owner itself", ids(look("w1", names, 10)), dropped)
	s.pass(lease - time.Microsecond)
	want(s, "it was renewed", ids(look("w2", nil, 10)), "")
	s.pass(time.Microsecond)
	if got := look("w2", names[:1], 1); len(got) != 1 || got[0].Job.ID == held {
		s.Fatalf("got %v, want the first job of those that w2 does not hold", ids(got))
	}
	s.succeed(event.Leased{Lease: jobs[0].Lease, Job: event.Job{ID: held}})
	s.pass(lease)
	look("w2", nil, 10)
	err := s.Settle(s.Context(), event.Settlement{Lease: jobs[2].Lease, Now: s.clock(), Dead: &event.Failure{Code: "x"}})
	if !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("%s was taken by another: got %v, want ErrLeaseLost", stolen, err)
	}
	want(s, "a stale name brings nothing back", ids(look("w1", names, 10)), "")
}

// zombieWrites is everything that a worker may write.
func (s *suite) zombieWrites(l event.Lease) map[string]error {
	now := s.clock()
	ctx := s.Context()
	lost, err := s.Extend(ctx, []event.Lease{l}, now.Add(time.Hour), now)
	s.must(err)
	extend := event.ErrLeaseLost
	if len(lost) == 0 {
		extend = nil
	}
	pause := &event.LanePause{Lane: "haiku", Reason: "rate_limited"}
	return map[string]error{
		"extend": extend,
		"begin":  s.BeginCall(ctx, l, event.Call{ID: "call_zombie", StartedAt: now}),
		"draft":  s.SaveDraft(ctx, l, event.DraftChunk{Attempt: 1, Text: "zombie"}),
		"dead":   s.Settle(ctx, event.Settlement{Lease: l, Now: now, Pause: pause, Dead: &event.Failure{Code: "x"}}),
		"again":  s.Settle(ctx, event.Settlement{Lease: l, Now: now, Pause: pause, Again: &event.Again{}}),
		"done": s.Settle(ctx, event.Settlement{Lease: l, Now: now, Pause: pause, Call: &event.Call{ID: "call_1", Outcome: event.CallOK},
			Lane: func(l event.Lane) event.Lane { l.State = []byte("{}"); return l },
			Done: &event.Done{Deliveries: []event.Delivery{{ID: "dlv_zombie"}}}}),
	}
}

func testLeaseZombie(s *suite) {
	id := s.accept()
	zombie := s.takeOne()
	s.must(s.BeginCall(s.Context(), zombie.Lease, event.Call{ID: "call_1", StartedAt: s.clock()}))
	refused := func(when string) {
		s.Helper()
		for write, err := range s.zombieWrites(zombie.Lease) {
			if !errors.Is(err, event.ErrLeaseLost) {
				s.Errorf("%s, %s: got %v, want ErrLeaseLost", when, write, err)
			}
		}
	}
	s.pass(2 * lease)
	owner := s.takeOne()
	refused("owned by another")
	s.must(s.SaveDraft(s.Context(), owner.Lease, event.DraftChunk{Attempt: 2, Text: "mine"}))
	refused("while another streams")
	d, err := s.Draft(s.Context(), id)
	s.must(err)
	want(s, "draft", d, event.Draft{Attempt: 2, Text: "mine"})
	s.succeed(owner, event.Delivery{ID: "dlv_1", Target: "callback"})
	refused("over")
	j := s.state(id, event.Succeeded, "")
	want(s, "deliveries", len(j.Deliveries), 1)
	want(s, "calls", len(j.Calls), 1)
	want(s, "outcome", j.Calls[0].Outcome, event.CallUnknown)
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	want(s, "lanes", len(lanes), 0)
	for write, err := range s.zombieWrites(event.Lease{ID: "job_nowhere", Token: 1}) {
		if !errors.Is(err, event.ErrLeaseLost) {
			s.Errorf("a job that is not there, %s: got %v, want ErrLeaseLost", write, err)
		}
	}
}

func testLeaseRace(s *suite) {
	s.accept()
	l := s.takeOne()
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 50 {
		end := event.Settlement{Lease: l.Lease, Now: s.clock()}
		switch i % 3 {
		case 0:
			end.Done = &event.Done{Result: event.Result{Text: "x"}}
		case 1:
			end.Dead = &event.Failure{Code: "x"}
		default:
			end.Again = &event.Again{Reason: event.RetryBackoff, Until: s.clock().Add(time.Hour)}
		}
		all.Go(func() {
			err := s.Settle(s.Context(), end)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, event.ErrLeaseLost) {
				s.Error(err)
			}
		})
	}
	all.Wait()
	want(s, "settled", won, 1)
}

func testLeaseTokens(s *suite) {
	s.accept()
	last := int64(-1)
	for range 5 {
		l := s.takeOne()
		if l.Lease.Token <= last {
			s.Fatalf("token %d after %d", l.Lease.Token, last)
		}
		last = l.Lease.Token
		s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{}}))
	}
}

func testDraft(s *suite) {
	id := s.accept()
	if _, err := s.Draft(s.Context(), "job_nowhere"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("no such job: got %v, want ErrNotFound", err)
	}
	read := func(want event.Draft) {
		s.Helper()
		got, err := s.Draft(s.Context(), id)
		s.must(err)
		if got != want {
			s.Errorf("got %+v, want %+v", got, want)
		}
	}
	read(event.Draft{})
	l := s.takeOne()
	changed, stop := s.Watch(id)
	defer stop()
	save := func(attempt, offset int, text string) {
		s.Helper()
		s.must(s.SaveDraft(s.Context(), l.Lease, event.DraftChunk{Attempt: attempt, Offset: offset, Text: text}))
	}
	save(1, 0, "Hel")
	if !ready(changed) {
		s.Error("nobody was told of the draft")
	}
	save(1, 3, "lo, w\u00f6")
	save(1, 10, "rld") // behind the two bytes of the ö
	read(event.Draft{Attempt: 1, Text: "Hello, w\u00f6rld"})
	save(1, 10, "rld") // the same piece once more
	read(event.Draft{Attempt: 1, Text: "Hello, w\u00f6rld"})
	s.pass(2 * lease)
	l = s.takeOne()
	save(2, 0, "Again")
	read(event.Draft{Attempt: 2, Text: "Again"})
	s.succeed(l)
	read(event.Draft{})
}
