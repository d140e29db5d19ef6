package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

var moneyTests = []test{
	{name: "what is reserved goes however the job leaves its worker", run: testReserved},
	{name: "a raise must fit, and never counts the job's own twice", run: testReserveFits},
	{name: "a call of which nobody knows the cost keeps its reservation for the day", run: testEstimated},
	{name: "tenants are counted for themselves and for their hook", run: testTenantsMoney},
	{name: "a day has its own purses", run: testPursesByDay},
	{name: "jobs that wait for money say so", run: testHolds},
	{name: "what a job that was sent back needs is known, until the ledger is opened again", run: testNeeds},
	{name: "an answer is used again while it is fresh", run: testReuse},
	{name: "of two requests at once the second waits for the first", run: testReuseWaits},
	{name: "what was not called for is counted", run: testThrift},
}

// takeFor leases all ready jobs and reserves for each.
func (s *suite) takeFor(amount event.NanoUSD) []event.Leased {
	s.Helper()
	got, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 10, PerHook: 10, Admit: func(d event.Desk) event.Plan {
		p := everyone(d)
		p.Reserve = map[string]event.NanoUSD{}
		for _, id := range p.Take {
			p.Reserve[id] = amount
		}
		return p
	}})
	s.must(err)
	return got.Jobs
}

// purse reads an account.
func (s *suite) purse(hook, tenant string) event.Purse {
	s.Helper()
	return s.desk(10, nobody).Purses[event.Account{Hook: hook, Tenant: tenant}]
}

func (s *suite) begin(l event.Leased, reserved event.NanoUSD) {
	s.Helper()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_of_" + l.Job.ID, Model: "m", StartedAt: s.clock(), Reserved: reserved}))
}

func testReserved(s *suite) {
	for name, leave := range map[string]func(event.Leased){
		"done": func(l event.Leased) { s.succeed(l) },
		"dead": s.die,
		"again": func(l event.Leased) {
			s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Until: s.clock().Add(24 * time.Hour)}}))
		},
		"cancelled": func(l event.Leased) {
			s.must(s.Cancel(s.Context(), l.Job.ID, s.clock()))
		},
		"lost": func(l event.Leased) {
			s.pass(lease)
			s.desk(10, nobody)
			s.must(s.Cancel(s.Context(), l.Job.ID, s.clock()))
		},
	} {
		s.accept(hook(name))
		l := s.takeFor(700)[0]
		want(s, name+": reserved", s.purse(name, "").Reserved, 700)
		leave(l)
		want(s, name+": after", s.purse(name, "").Reserved, 0)
	}
}

func testReserveFits(s *suite) {
	s.accept()
	s.accept(hook("other"))
	jobs := s.takeFor(100)
	l := jobs[0]
	var seen event.Purses
	reserve := func(amount event.NanoUSD, fits bool) error {
		return s.Reserve(s.Context(), event.Reserve{Lease: l.Lease, Now: s.clock(), Amount: amount, Fits: func(p event.Purses) bool {
			seen = p
			return fits
		}})
	}
	if err := reserve(900, false); !errors.Is(err, event.ErrBudget) {
		s.Errorf("got %v, want ErrBudget", err)
	}
	want(s, "shown", fmt.Sprint(seen[event.Account{Hook: l.Job.Hook}], seen.All()), "{0 0} {0 100}")
	want(s, "refused: kept", s.purse(l.Job.Hook, "").Reserved, 100)
	s.must(reserve(900, true))
	want(s, "raised", s.purse(l.Job.Hook, "").Reserved, 900)
	seen = nil
	s.must(reserve(50, false)) // less always fits
	want(s, "asked for less", seen == nil, true)
	want(s, "lowered", s.purse(l.Job.Hook, "").Reserved, 50)
	s.begin(l, 60)
	want(s, "begun", s.purse(l.Job.Hook, "").Reserved, 60)
	stale := l.Lease
	stale.Token--
	if err := s.Reserve(s.Context(), event.Reserve{Lease: stale, Now: s.clock(), Amount: 1}); !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("a zombie: got %v, want ErrLeaseLost", err)
	}
}

func testEstimated(s *suite) {
	known, free := new(event.NanoUSD(40)), new(event.NanoUSD(0))
	for _, tt := range []struct {
		name            string
		call            *event.Call // nil: the worker dies
		spent           event.NanoUSD
		cost, estimated event.NanoUSD
	}{
		{"priced", &event.Call{Outcome: event.CallOK, Usage: event.Usage{OutputTokens: 1}, Cost: known}, 40, 40, 0},
		{"free", &event.Call{Outcome: event.CallFailed, Code: "overloaded", Cost: free}, 0, 0, 0},
		{"unpriced", &event.Call{Outcome: event.CallOK, Usage: event.Usage{OutputTokens: 1}}, 700, 0, 700},
		{"partly-seen", &event.Call{Outcome: event.CallFailed, Usage: event.Usage{OutputTokens: 1, BilledAsEstimate: true}, Cost: known}, 700, 40, 660},
		{"doubtful", &event.Call{Outcome: event.CallFailed, Code: "call_timeout", Doubtful: true}, 700, 0, 700},
		{"never-seen", nil, 700, 0, 700},
	} {
		s.accept(hook(tt.name))
		l := s.takeFor(100)[0]
		s.begin(l, 700)
		if tt.call == nil {
			s.pass(lease)
			s.desk(10, nobody)
			s.must(s.Cancel(s.Context(), l.Job.ID, s.clock()))
		} else {
			c := *tt.call
			c.ID, c.Model, c.EndedAt = "call_of_"+l.Job.ID, "m", s.clock()
			s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Call: &c, Dead: &event.Failure{Code: "x"}}))
		}
		want(s, tt.name+": purse", s.purse(tt.name, ""), event.Purse{Spent: tt.spent})
		costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
		s.must(err)
		for _, row := range costs {
			if row.Hook == tt.name {
				want(s, tt.name+": cost", row.Cost, tt.cost)
				want(s, tt.name+": estimated", row.Estimated, tt.estimated)
			}
		}
	}
}

func testTenantsMoney(s *suite) {
	s.accept(tenant("a"))
	s.accept(tenant("b"))
	s.accept()
	jobs := s.takeFor(100)
	for _, l := range jobs {
		if l.Job.Tenant == "a" {
			s.begin(l, 100)
			s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Dead: &event.Failure{Code: "x"}, Call: &event.Call{
				ID: "call_of_" + l.Job.ID, Model: "m", Outcome: event.CallOK, EndedAt: s.clock(), Cost: new(event.NanoUSD(30)),
			}}))
		}
	}
	s.accept(tenant("a"))
	s.accept(tenant("b"))
	want(s, "hook", s.purse("h", ""), event.Purse{Spent: 30, Reserved: 200})
	want(s, "a", s.purse("h", "a"), event.Purse{Spent: 30})
	want(s, "b", s.purse("h", "b"), event.Purse{Reserved: 100})
	want(s, "all", s.desk(10, nobody).Purses.All(), event.Purse{Spent: 30, Reserved: 200})
}

func testPursesByDay(s *suite) {
	s.accept()
	s.accept()
	jobs := s.takeFor(100)
	s.begin(jobs[0], 100)
	s.must(s.Settle(s.Context(), event.Settlement{Lease: jobs[0].Lease, Now: s.clock(), Dead: &event.Failure{Code: "x"}, Call: &event.Call{
		ID: "call_of_" + jobs[0].Job.ID, Model: "m", Outcome: event.CallOK, EndedAt: s.clock(), Cost: new(event.NanoUSD(30)),
	}}))
	want(s, "today", s.purse("h", ""), event.Purse{Spent: 30, Reserved: 100})
	until := s.clock().Add(24 * time.Hour)
	_, err := s.Extend(s.Context(), []event.Lease{jobs[1].Lease}, until.Add(lease), s.clock())
	s.must(err)
	s.pass(24 * time.Hour)
	want(s, "tomorrow: what is under way counts, what ended does not", s.purse("h", ""), event.Purse{Reserved: 100})
}

func testHolds(s *suite) {
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	id, other := s.accept(tenant("a")), s.accept(tenant("b"))
	hold := func(until time.Time) func(event.Desk) event.Plan {
		return func(event.Desk) event.Plan {
			return event.Plan{Holds: []event.Hold{{Hook: "h", Lane: "haiku", Tenant: "a", Until: until}}}
		}
	}
	s.desk(10, hold(midnight))
	want(s, "until", s.state(id, event.Queued, event.Budget).Until, midnight)
	s.state(other, event.Queued, event.WaitingTurn)
	s.desk(10, hold(time.Time{}))
	want(s, "until is not known", s.state(id, event.Queued, event.Budget).Until, time.Time{})
	s.desk(10, hold(midnight))
	s.pass(12 * time.Hour) // a hold does not outlive its end, whoever looks
	s.state(id, event.Queued, event.WaitingTurn)
	s.desk(10, hold(midnight.Add(24*time.Hour)))
	s.desk(10, nobody) // and ends when it is not repeated
	s.state(id, event.Queued, event.WaitingTurn)
}

func testNeeds(s *suite) {
	s.accept()
	needs := func() (n event.NanoUSD) {
		s.desk(10, func(d event.Desk) event.Plan {
			n = d.Candidates[0].Needs
			return event.Plan{}
		})
		return n
	}
	back := func(a event.Again) {
		s.must(s.Settle(s.Context(), event.Settlement{Lease: s.takeOne().Lease, Now: s.clock(), Again: &a}))
	}
	want(s, "at first", needs(), 0)
	back(event.Again{Reason: event.Budget, Needs: 70})
	want(s, "sent back", needs(), 70)
	back(event.Again{})
	want(s, "sent back for another reason", needs(), 0)
	back(event.Again{Needs: 80})
	s.reopen()
	want(s, "a new process", needs(), 0)
}

// ask looks up an answer for a job.
func (s *suite) ask(l event.Leased, key string, fresh bool) event.Reusable {
	s.Helper()
	got, err := s.Reuse(s.Context(), event.Reuse{Lease: l.Lease, Key: []byte(key), For: time.Hour, Fresh: fresh, Now: s.clock()})
	s.must(err)
	return got
}

func testReuse(s *suite) {
	first := s.accept()
	l := s.takeOne()
	want(s, "nothing yet", s.ask(l, "k", false), event.Reusable{})
	s.succeed(l)
	s.pass(time.Minute)
	second := s.accept()
	l = s.takeOne()
	want(s, "another request", s.ask(l, "other", false).JobID, "")
	got := s.ask(l, "k", false)
	if got.JobID != first || got.Wait || got.Result == nil || got.Result.Text != "answer to "+first {
		s.Fatalf("got %+v, want the answer of %s", got, first)
	}
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Done: &event.Done{Result: *got.Result, ReusedFrom: first, Saved: 7}}))
	j := s.state(second, event.Succeeded, "")
	want(s, "from", j.ReusedFrom, first)
	want(s, "cost", *j.Cost, 0)
	s.accept()
	l = s.takeOne()
	want(s, "a rerun takes none", s.ask(l, "k", true), event.Reusable{})
	s.succeed(l)
	s.accept()
	l = s.takeOne()
	want(s, "the newest", s.ask(l, "k", false).JobID, "job_003")
	s.die(l)
	s.pass(time.Hour)
	s.accept()
	l = s.takeOne()
	want(s, "too old", s.ask(l, "k", false), event.Reusable{})
	stale := l
	stale.Lease.Token--
	if _, err := s.Reuse(s.Context(), event.Reuse{Lease: stale.Lease, Key: []byte("k"), For: time.Hour, Now: s.clock()}); !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("a zombie: got %v, want ErrLeaseLost", err)
	}
}

func testReuseWaits(s *suite) {
	for name, end := range map[string]func(event.Leased){
		"done": func(l event.Leased) { s.succeed(l) },
		"dead": s.die,
		"cancelled": func(l event.Leased) {
			s.must(s.Cancel(s.Context(), l.Job.ID, s.clock()))
		},
	} {
		s.accept(hook(name))
		first := s.takeOne()
		want(s, name+": the first", s.ask(first, name, false), event.Reusable{})
		s.accept(hook(name))
		second := s.takeOne()
		want(s, name+": the second", s.ask(second, name, false), event.Reusable{JobID: first.Job.ID, Wait: true})
		s.must(s.Settle(s.Context(), event.Settlement{Lease: second.Lease, Now: s.clock(), Again: &event.Again{
			Reason: event.WaitingTurn, Until: s.clock().Add(time.Hour), Free: true, Behind: first.Job.ID,
		}}))
		want(s, name+": taken while the first is under way", len(s.take("w1", 10).Jobs), 0)
		end(first)
		second = s.takeOne()
		got := s.ask(second, name, false)
		want(s, name+": found", got.JobID != "", name == "done")
		s.die(second)
	}
}

func testThrift(s *suite) {
	a := s.order(coalesce("k"))
	for range 3 {
		_, err := s.Accept(s.Context(), a)
		s.must(err)
	}
	s.accept(coalesce("k"))
	s.pass(time.Minute)
	l := s.takeOne()
	s.succeed(l)
	s.accept()
	l = s.takeOne()
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Done: &event.Done{ReusedFrom: "job_x", Saved: 70}}))
	got, err := s.Thrift(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(got) != 1 {
		s.Fatalf("got %+v, want one row", got)
	}
	want(s, "thrift", got[0], event.ThriftRow{Day: "2026-11-25", Hook: "h", Answered: 1, Superseded: 1, Duplicates: 2, Reused: 1, Saved: 70})
	got, err = s.Thrift(s.Context(), "2026-11-26", "2026-11-27")
	s.must(err)
	want(s, "another day", len(got), 0)
}
