package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/forebayhq/forebay/event"
)

var reopenTests = []test{
	{name: "everything is still there", run: testReopen},
	{name: "what was in hand is taken up at once", run: testReopenOrphans},
	{name: "what was written to the old ledger is refused", run: testReopenOld},
	{name: "sequences go on", run: testReopenSequences},
}

// reopen opens the store again, as a new process would.
func (s *suite) reopen() {
	s.Helper()
	if s.harness.Reopen == nil {
		s.Skip("the driver cannot open its store again")
	}
	s.Ledger = s.harness.Reopen()
}

func testReopen(s *suite) {
	s.outbox("")
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.accept(coalesce("k"))
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "haiku", Reason: "spend_cap", Detail: "until December"}, s.clock()))
	s.Note(event.Verdict{At: s.clock(), Outcome: "refused", Code: "signature_mismatch"})
	type state struct {
		jobs     []event.Job
		lanes    []event.Lane
		stats    event.Stats
		verdicts []event.Verdict
	}
	look := func() (l state) {
		for _, id := range []string{"job_001", "job_002", "job_003"} {
			l.jobs = append(l.jobs, s.job(id))
		}
		var errs [3]error
		l.lanes, errs[0] = s.Lanes(s.Context())
		l.stats, errs[1] = s.Stats(s.Context())
		l.verdicts, errs[2] = s.Verdicts(s.Context(), 10)
		s.must(errors.Join(errs[:]...))
		return l
	}
	before := look()
	s.reopen()
	if after := look(); !reflect.DeepEqual(before, after) {
		s.Errorf("got  %+v\nwant %+v", after, before)
	}
	got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "copy", got.Outcome, event.Duplicate)
}

func testReopenOrphans(s *suite) {
	if s.features.SharedStore {
		s.Skip("others may hold the leases")
	}
	s.outbox("")
	s.takeDelivery()
	id := s.accept()
	l := s.takeOne()
	s.must(s.BeginCall(s.Context(), l.Lease, event.Call{ID: "call_1", Model: "m", StartedAt: s.clock()}))
	s.pass(time.Second)
	s.reopen()
	s.state(id, event.Queued, event.WaitingTurn)
	got := s.takeOne()
	want(s, "attempts: the crashed one counts", got.Job.Attempts, 2)
	want(s, "delivery attempts", s.takeDelivery().Delivery.Attempts, 2)
	costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(costs) != 1 || costs[0].UnknownEnds != 1 {
		s.Errorf("costs: got %+v, want one unknown end", costs)
	}
	for write, err := range s.zombieWrites(l.Lease) {
		if !errors.Is(err, event.ErrLeaseLost) {
			s.Errorf("%s: got %v, want ErrLeaseLost", write, err)
		}
	}
}

func testReopenOld(s *suite) {
	old := s.Ledger
	id := s.accept()
	s.reopen()
	if _, err := old.Accept(s.Context(), s.order()); !errors.Is(err, event.ErrClosed) {
		s.Errorf("accept: got %v, want ErrClosed", err)
	}
	if _, err := old.Job(s.Context(), id); !errors.Is(err, event.ErrClosed) {
		s.Errorf("read: got %v, want ErrClosed", err)
	}
	old.Note(event.Verdict{})
	s.state(id, event.Queued, event.WaitingTurn)
}

// A number that was given to an event must not be given to another one when the
// first is forgotten.
func testReopenSequences(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.die(s.takeOne())
	s.pass(10 * dayLong)
	for s.purge(dayLong, dayLong) > 0 {
	}
	s.reopen()
	b := s.order()
	_, err = s.Accept(s.Context(), b)
	s.must(err)
	got, err := s.Accept(s.Context(), s.order(func(c *event.Accept) { c.Keys = a.Keys }))
	s.must(err)
	want(s, "copy of the forgotten", got, event.Receipt{Outcome: event.Duplicate, EventID: a.Event.ID, JobID: a.Job.ID})
	for i := range 3 {
		s.Note(event.Verdict{At: s.clock(), Code: fmt.Sprint(i)})
	}
	s.reopen()
	s.Note(event.Verdict{At: s.clock(), Code: "3"})
	list, err := s.Verdicts(s.Context(), 10)
	s.must(err)
	want(s, "verdicts", len(list), 4)
	want(s, "newest", list[0].Code, "3")
}
