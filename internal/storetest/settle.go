package storetest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/forebayhq/forebay/event"
)

var settleTests = []test{
	{name: "a result is stored whole", run: testSettleDone},
	{name: "an attempt that failed waits and comes again", run: testSettleAgain},
	{name: "an attempt that does not count", run: testSettleFree},
	{name: "a job can change its lane and model", run: testSettleMoves},
	{name: "dead is dead", run: testSettleDead},
	{name: "exactly one end", run: testSettleEnds},
	{name: "the lane changes with the job", run: testSettleLane},
	{name: "money is summed by day, hook and model", run: testSettleCosts},
	{name: "a call without an end is counted as such", run: testSettleUnknown},
	{name: "those who watch are told", run: testSettleSignals},
}

func testSettleDone(s *suite) {
	id := s.accept()
	l := s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_1", JobID: id, Attempt: 1, Lane: "haiku", Model: "asked", StartedAt: s.clock()}))
	s.pass(3 * time.Second)
	usage := event.Usage{InputTokens: 1, CacheWrite5m: 2, CacheWrite1h: 3, CacheRead: 4, OutputTokens: 5, ThinkingTokens: 2, ServiceTier: "standard"}
	call := event.Call{
		ID: "call_1", JobID: id, Attempt: 1, Lane: "haiku", Model: "answered", StartedAt: start, EndedAt: s.clock(), Outcome: event.CallOK,
		StopReason: "end_turn", RequestID: "req_1", Usage: usage, Cost: new(event.NanoUSD(42)),
	}
	result := event.Result{
		Text: "hello", JSON: []byte(`{"a": 1}`), Model: "answered", StopReason: "end_turn", Usage: usage, Cost: new(event.NanoUSD(42)),
		RequestID: "req_1", CreatedAt: s.clock(), Notes: []string{"two files were left out"},
	}
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Call: &call, Done: &event.Done{Result: result, Deliveries: []event.Delivery{
		{ID: "dlv_2", Target: "callback", Index: 1, Spec: []byte(`{"url":"https://example.com"}`)},
		{ID: "dlv_1", Target: "github_comment", Index: 0, Spec: []byte(`{"repo":"octo/repo"}`), SerialKey: "octo/repo#1"},
	}}}))
	j := s.state(id, event.Succeeded, "")
	want(s, "model", j.Model, "answered")
	want(s, "finished", j.FinishedAt, s.clock())
	want(s, "cost", *j.Cost, 42)
	if !reflect.DeepEqual(*j.Result, result) {
		s.Errorf("result: got %+v, want %+v", *j.Result, result)
	}
	if len(j.Calls) != 1 || !reflect.DeepEqual(j.Calls[0], call) {
		s.Errorf("calls: got %+v, want %+v", j.Calls, call)
	}
	if len(j.Deliveries) != 2 {
		s.Fatalf("got %d deliveries, want 2", len(j.Deliveries))
	}
	first := event.Delivery{
		ID: "dlv_1", JobID: id, Target: "github_comment", Spec: []byte(`{"repo":"octo/repo"}`), SerialKey: "octo/repo#1",
		State: event.DeliveryPending, NextAt: s.clock(), UpdatedAt: s.clock(),
	}
	if !reflect.DeepEqual(j.Deliveries[0], first) {
		s.Errorf("delivery: got %+v, want %+v", j.Deliveries[0], first)
	}
	want(s, "taken", len(s.take("w1", 10).Jobs), 0)
}

func testSettleAgain(s *suite) {
	id := s.accept()
	l := s.takeOne()
	until := s.clock().Add(10 * time.Second)
	failure := event.Failure{Code: "overloaded", Message: "529", Hint: "wait"}
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Reason: event.RetryBackoff, Until: until, Failure: &failure}}))
	j := s.state(id, event.Queued, event.RetryBackoff)
	want(s, "until", j.Until, until)
	want(s, "attempts", j.Attempts, 1)
	want(s, "last error", *j.LastError, failure)
	got := s.take("w1", 10)
	want(s, "taken early", len(got.Jobs), 0)
	want(s, "next due", got.NextDue, until)
	s.pass(10 * time.Second)
	l = s.takeOne()
	want(s, "attempts", l.Job.Attempts, 2)
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Reason: event.CacheWarming}}))
	j = s.state(id, event.Queued, event.WaitingTurn) // nothing holds it back
	want(s, "last error", *j.LastError, failure)
	s.takeOne()
}

func testSettleFree(s *suite) {
	s.accept()
	for range 3 {
		l := s.takeOne()
		want(s, "attempt", l.Job.Attempts, 1)
		s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Free: true}}))
	}
	want(s, "attempts", s.job("job_001").Attempts, 0)
}

func testSettleMoves(s *suite) {
	id := s.accept()
	l := s.takeOne()
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Lane: "sonnet", Model: "claude-sonnet-5-5", Chosen: "fallback: overloaded"}}))
	j := s.job(id)
	want(s, "lane", j.Lane, "sonnet")
	want(s, "model", j.Model, "claude-sonnet-5-5")
	want(s, "chosen", j.Chosen, "fallback: overloaded")
	l = s.takeOne()
	want(s, "lane", l.Job.Lane, "sonnet")
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{}}))
	want(s, "chosen stays", s.job(id).Chosen, "fallback: overloaded")
}

func testSettleDead(s *suite) {
	id := s.accept()
	s.die(s.takeOne())
	j := s.state(id, event.Dead, "")
	want(s, "last error", *j.LastError, event.Failure{Code: "refused", Message: "no", Hint: "ask otherwise"})
	want(s, "finished", j.FinishedAt, start)
	want(s, "result", j.Result == nil, true)
	want(s, "cost", j.Cost == nil, true)
	s.pass(time.Hour)
	want(s, "taken", len(s.take("w1", 10).Jobs), 0)
}

func testSettleEnds(s *suite) {
	id := s.accept()
	l := s.takeOne()
	for _, end := range []event.Settlement{{}, {Done: &event.Done{}, Dead: &event.Failure{}}, {Again: &event.Again{}, Dead: &event.Failure{}}} {
		end.Lease, end.Now = l.Lease, s.clock()
		if err := s.Settle(s.Context(), end); err == nil {
			s.Errorf("settled with %+v", end)
		}
	}
	s.state(id, event.Running, "")
}

func testSettleLane(s *suite) {
	s.accept()
	l := s.takeOne()
	var saw event.Lane
	until := s.clock().Add(time.Minute)
	s.must(s.Settle(s.Context(), event.Settlement{
		Lease: l.Lease, Now: s.clock(),
		Lane: func(l event.Lane) event.Lane {
			saw = l
			l.State, l.Name = []byte(`{"used":5}`), "renamed in vain"
			return l
		},
		Pause: &event.LanePause{Lane: "haiku", Reason: "rate_limited", Detail: "429", Until: until},
		Again: &event.Again{Free: true},
	}))
	if !reflect.DeepEqual(saw, event.Lane{Name: "haiku"}) {
		s.Errorf("the function saw %+v", saw)
	}
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	wanted := []event.Lane{{Name: "haiku", Paused: true, Reason: "rate_limited", Detail: "429", Until: until, UpdatedAt: s.clock(), State: []byte(`{"used":5}`), Queued: 1}}
	if !reflect.DeepEqual(lanes, wanted) {
		s.Errorf("lanes: got %+v, want %+v", lanes, wanted)
	}
}

func testSettleCosts(s *suite) {
	n := 0
	call := func(hookName, model string, cost *event.NanoUSD, outcome event.CallOutcome, usage event.Usage) {
		n++
		s.accept(hook(hookName))
		l := s.takeOne()
		id := fmt.Sprintf("call_%d", n)
		s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: id, Model: model, StartedAt: s.clock()}))
		s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Dead: &event.Failure{Code: "x"},
			Call: &event.Call{ID: id, Model: model, EndedAt: s.clock(), Outcome: outcome, Cost: cost, Usage: usage}}))
	}
	used := event.Usage{InputTokens: 10, OutputTokens: 3, CacheRead: 1}
	call("a", "m1", new(event.NanoUSD(100)), event.CallOK, used)
	call("a", "m1", new(event.NanoUSD(50)), event.CallOK, used)
	call("a", "m1", nil, event.CallFailed, event.Usage{}) // refused before it used anything
	call("a", "m2", nil, event.CallOK, used)              // a model without a price
	call("b", "m1", new(event.NanoUSD(7)), event.CallOK, used)
	s.pass(24 * time.Hour)
	call("a", "m1", new(event.NanoUSD(9)), event.CallOK, used)

	got, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	double := event.Usage{InputTokens: 20, OutputTokens: 6, CacheRead: 2}
	wanted := []event.CostRow{
		{Day: "2026-11-25", Hook: "a", Model: "m1", Calls: 3, Usage: double, Cost: 150},
		{Day: "2026-11-25", Hook: "a", Model: "m2", Calls: 1, Unpriced: 1, Usage: used},
		{Day: "2026-11-25", Hook: "b", Model: "m1", Calls: 1, Usage: used, Cost: 7},
	}
	if !reflect.DeepEqual(got, wanted) {
		s.Errorf("got  %+v\nwant %+v", got, wanted)
	}
	got, err = s.Costs(s.Context(), "2026-11-01", "2026-11-30")
	s.must(err)
	want(s, "rows of the month", len(got), 4)
}

func testSettleUnknown(s *suite) {
	id := s.accept()
	l := s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_1", Model: "m", StartedAt: s.clock()}))
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{}})) // says nothing of the call
	l = s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_2", Model: "m", StartedAt: s.clock()}))
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{},
		Call: &event.Call{ID: "call_2", Model: "m", Outcome: event.CallUnknown, Code: "connection_lost", Cost: new(event.NanoUSD(5)), Usage: event.Usage{InputTokens: 9, BilledAsEstimate: true}}}))
	l = s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_3", Model: "m", StartedAt: s.clock()}))
	s.must(s.Cancel(s.Context(), id, s.clock()))
	got, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(got) != 1 || got[0].Calls != 3 || got[0].UnknownEnds != 3 || got[0].Unpriced != 2 || got[0].Cost != 5 {
		s.Errorf("costs: got %+v", got)
	}
	j := s.job(id)
	want(s, "calls", len(j.Calls), 3)
	want(s, "attempt of the second", j.Calls[1].Attempt, 2)
	want(s, "lane of the second", j.Calls[1].Lane, "haiku")
	want(s, "cost", *j.Cost, 5)
}

func testSettleSignals(s *suite) {
	watch := func(topic string) <-chan struct{} {
		changed, stop := s.Watch(topic)
		s.Cleanup(stop)
		return changed
	}
	queue, outbox := watch(event.TopicQueue), watch(event.TopicOutbox)
	told := func(what string, changed <-chan struct{}) {
		s.Helper()
		if !ready(changed) {
			s.Errorf("%s: nobody was told", what)
		}
	}
	id := s.accept()
	told("accepted", queue)
	job := watch(id)
	l := s.takeOne()
	told("taken", job)
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Again: &event.Again{Until: s.clock().Add(time.Second), Reason: event.RetryBackoff}}))
	told("queued again", job)
	told("queued again", queue)
	s.pass(time.Second)
	l = s.takeOne()
	ready(queue)
	ready(job)
	s.succeed(l, event.Delivery{ID: "dlv_1"}, event.Delivery{ID: "dlv_2"})
	told("succeeded", job)
	told("succeeded", outbox)
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "haiku", Reason: "operator"}, s.clock()))
	told("paused", queue)
	s.must(s.ResumeLane(s.Context(), "haiku", s.clock()))
	told("resumed", queue)
	changed, stop := s.Watch(event.TopicQueue)
	stop()
	s.accept()
	if ready(changed) {
		s.Error("told after stop")
	}
}
