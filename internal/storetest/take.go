package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

var takeTests = []test{
	{name: "by priority, then by age", run: testTakeOrder},
	{name: "admission sees the desk", run: testTakeDesk},
	{name: "of each hook and lane the first few", run: testTakePerHook},
	{name: "a noisy tenant hides nobody", run: testTakeTenants},
	{name: "of many tenants all get their turn", run: testTakeManyTenants},
	{name: "only candidates, and no more than asked for", run: testTakePlan},
	{name: "a job that is taken may be moved", run: testTakeMove},
	{name: "no admission, no jobs", run: testTakeNobody},
	{name: "what is due later says when", run: testTakeNextDue},
	{name: "many due at once all become ready", run: testTakeManyDue},
	{name: "many workers take every job once", run: testTakeRace},
}

func prio(p int) func(*event.Accept) { return func(a *event.Accept) { a.Job.Priority = p } }

func hook(name string) func(*event.Accept) { return func(a *event.Accept) { a.Event.Hook = name } }

func inLane(name string) func(*event.Accept) { return func(a *event.Accept) { a.Job.Lane = name } }

func ids(jobs []event.Leased) string {
	var list []string
	for _, l := range jobs {
		list = append(list, l.Job.ID)
	}
	return strings.Join(list, " ")
}

func testTakeOrder(s *suite) {
	for _, p := range []int{5, 9, 1, 5, 1, 0} { // 0 is the middle
		s.accept(prio(p))
		s.pass(time.Second)
	}
	want(s, "order", ids(s.take("w1", 4).Jobs), "job_003 job_005 job_001 job_004")
	want(s, "rest", ids(s.take("w1", 4).Jobs), "job_006 job_002")
}

func testTakeDesk(s *suite) {
	s.accept(prio(1))
	l := s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_1", Model: "m", StartedAt: s.clock()}))
	s.must(s.Settle(s.Context(), event.Settlement{
		Lease: l.Lease, Now: s.clock(), Dead: &event.Failure{Code: "x"},
		Call: &event.Call{ID: "call_1", Model: "m", Outcome: event.CallOK, EndedAt: s.clock(), Cost: new(event.NanoUSD(1500))},
	}))
	s.accept()
	s.takeOne()
	s.accept(inLane("sonnet"))
	s.take("w1", 1)
	id := s.accept(func(a *event.Accept) { a.Event.Body = make([]byte, 777) }, hook("big"))
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "opus", Reason: "operator", Until: start.Add(time.Hour)}, s.clock()))
	s.pass(time.Second)

	var desk event.Desk
	_, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 7, PerHook: 3, Admit: func(d event.Desk) event.Plan {
		desk = d
		return event.Plan{}
	}})
	s.must(err)
	want(s, "now", desk.Now, s.clock())
	want(s, "max", desk.Max, 7)
	want(s, "running", fmt.Sprint(desk.Running), "map[haiku:1 sonnet:1]")
	want(s, "spent", desk.SpentToday, 1500)
	want(s, "opus blocks", desk.Lanes["opus"].Blocks(s.clock()), true)
	if len(desk.Candidates) != 1 {
		s.Fatalf("got %d candidates, want 1", len(desk.Candidates))
	}
	want(s, "candidate", desk.Candidates[0], event.Candidate{
		JobID: id, Hook: "big", Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook", Priority: 5, Size: 777, ReadyAt: start,
	})
	tomorrow := start.Add(24 * time.Hour)
	_, err = s.Take(s.Context(), event.Take{Worker: "w1", Now: tomorrow, LeaseUntil: tomorrow.Add(lease), Max: 7, PerHook: 3, Admit: func(d event.Desk) event.Plan {
		desk = d
		return event.Plan{}
	}})
	s.must(err)
	want(s, "spent tomorrow", desk.SpentToday, 0)
}

func testTakePerHook(s *suite) {
	for range 5 {
		s.accept(hook("a"))
		s.accept(hook("a"), inLane("sonnet"))
		s.accept(hook("b"), prio(1))
	}
	s.accept(hook("a"), prio(1))
	var got []string
	_, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 100, PerHook: 2, Admit: func(d event.Desk) event.Plan {
		got = nil
		for _, c := range d.Candidates {
			got = append(got, c.Hook+"/"+c.Lane+"/"+c.JobID)
		}
		return event.Plan{}
	}})
	s.must(err)
	slices.Sort(got)
	want(s, "candidates", strings.Join(got, " "),
		"a/haiku/job_001 a/haiku/job_016 a/sonnet/job_002 a/sonnet/job_005 b/haiku/job_003 b/haiku/job_006")
}

func testTakePlan(s *suite) {
	for range 4 {
		s.accept()
	}
	got, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 2, PerHook: 100, Admit: func(event.Desk) event.Plan {
		return event.Plan{
			Take:  []string{"job_nowhere", "job_003", "job_003", "job_001", "job_002"},
			Lanes: []event.Lane{{Name: "haiku", State: []byte(`{"level":1}`)}},
		}
	}})
	s.must(err)
	want(s, "taken", ids(got.Jobs), "job_003 job_001")
	for _, l := range got.Jobs {
		want(s, "lease", l.Lease, event.Lease{ID: l.Job.ID, Token: l.Lease.Token, Worker: "w1", Until: s.clock().Add(lease)})
		want(s, "state", l.Job.State, event.Running)
	}
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	if len(lanes) != 1 || string(lanes[0].State) != `{"level":1}` || lanes[0].Running != 2 || lanes[0].Queued != 2 || !lanes[0].UpdatedAt.Equal(start) {
		s.Errorf("lanes: got %+v", lanes)
	}
}

func testTakeMove(s *suite) {
	moved, stays, left := s.accept(), s.accept(), s.accept()
	to := event.Move{Lane: "sonnet", Model: "claude-sonnet-5-5", Chosen: "hook > fallback: spend_cap"}
	got, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 2, PerHook: 100, Admit: func(event.Desk) event.Plan {
		return event.Plan{Take: []string{moved, stays}, Moves: map[string]event.Move{moved: to, left: to, "job_nowhere": to}}
	}})
	s.must(err)
	want(s, "taken", ids(got.Jobs), moved+" "+stays)
	for i, m := range []event.Move{to, {Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook"}, {Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook"}} {
		j := s.job([]string{moved, stays, left}[i])
		want(s, j.ID, event.Move{Lane: j.Lane, Model: j.Model, Chosen: j.Chosen}, m)
		if i < len(got.Jobs) {
			j = got.Jobs[i].Job
			want(s, j.ID+" as it was handed out", event.Move{Lane: j.Lane, Model: j.Model, Chosen: j.Chosen}, m)
		}
	}
	s.state(left, event.Queued, event.WaitingTurn)
	s.must(s.Settle(s.Context(), event.Settlement{Lease: got.Jobs[0].Lease, Now: s.clock(), Lane: func(l event.Lane) event.Lane {
		want(s, "the lane that is settled", l.Name, "sonnet")
		return l
	}, Again: &event.Again{Free: true, Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook"}}))
	j := s.state(moved, event.Queued, event.WaitingTurn)
	want(s, "moved back", event.Move{Lane: j.Lane, Model: j.Model, Chosen: j.Chosen}, event.Move{Lane: "haiku", Model: "claude-haiku-5-5", Chosen: "hook"})
}

func testTakeNobody(s *suite) {
	s.accept()
	got, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 2, PerHook: 1})
	s.must(err)
	want(s, "taken", len(got.Jobs), 0)
	s.state("job_001", event.Queued, event.WaitingTurn)
}

func testTakeNextDue(s *suite) {
	want(s, "empty", s.take("w1", 1).NextDue, time.Time{})
	s.accept(coalesce("a"))
	s.pass(time.Second)
	s.accept(coalesce("b"))
	want(s, "two", s.take("w1", 1).NextDue, start.Add(30*time.Second))
	s.pass(29 * time.Second)
	got := s.take("w1", 1)
	want(s, "taken", ids(got.Jobs), "job_001")
	want(s, "one left", got.NextDue, start.Add(31*time.Second))
	want(s, "ready since", got.Jobs[0].Job.Until, time.Time{})
}

// More become due at once than a driver may care to promote in one transaction.
func testTakeManyDue(s *suite) {
	const n = 1200
	var all sync.WaitGroup
	for i := range n {
		a := s.order(coalesce(fmt.Sprint(i)))
		all.Go(func() {
			if _, err := s.Accept(s.Context(), a); err != nil {
				s.Error(err)
			}
		})
	}
	all.Wait()
	s.pass(time.Minute)
	total := 0
	for range 20 {
		got := s.take("w1", n)
		total += len(got.Jobs)
		if got.NextDue.IsZero() && len(got.Jobs) == 0 {
			break
		}
	}
	want(s, "taken", total, n)
}

func testTakeRace(s *suite) {
	const jobs, workers = 200, 8
	for range jobs {
		s.accept()
	}
	var mu sync.Mutex
	seen := make(map[string]int)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for {
				now := s.clock()
				got, err := s.Take(s.Context(), event.Take{Worker: fmt.Sprint(w), Now: now, LeaseUntil: now.Add(lease), Max: 3, PerHook: 10, Admit: everyone})
				if err != nil {
					s.Error(err)
					return
				}
				if len(got.Jobs) == 0 {
					return
				}
				mu.Lock()
				for _, l := range got.Jobs {
					seen[l.Job.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	want(s, "jobs", len(seen), jobs)
	for id, n := range seen {
		want(s, id, n, 1)
	}
}
