package storetest

import (
	"errors"

	"github.com/forebayhq/forebay/event"
)

var adminTests = []test{
	{name: "cancel a queued job", run: testCancelQueued},
	{name: "cancel a running job", run: testCancelRunning},
	{name: "what is over cannot be cancelled", run: testCancelOver},
	{name: "rerun makes a new job of the same event", run: testRerun},
	{name: "rerun wants an event that is kept and a job that is over", run: testRerunState},
	{name: "a copy of an event that was rerun finds the newest job", run: testRerunCopy},
	{name: "rerun keeps to the bound", run: testRerunFull, config: Config{MaxJobs: 1}},
}

func testCancelQueued(s *suite) {
	ready := s.accept()
	quiet := s.accept(coalesce("k"))
	for _, id := range []string{ready, quiet} {
		s.must(s.Cancel(s.Context(), id, s.clock()))
		j := s.state(id, event.Cancelled, "")
		want(s, "finished", j.FinishedAt, s.clock())
		want(s, "until", j.Until.IsZero(), true)
	}
	s.pass(lease)
	want(s, "taken", len(s.take("w1", 10).Jobs), 0)
}

func testCancelRunning(s *suite) {
	id := s.accept()
	l := s.takeOne()
	changed, stop := s.Watch(id)
	defer stop()
	s.must(s.Cancel(s.Context(), id, s.clock()))
	want(s, "told", ready(changed), true)
	for write, err := range s.zombieWrites(l.Lease) {
		if !errors.Is(err, event.ErrLeaseLost) {
			s.Errorf("%s: got %v, want ErrLeaseLost", write, err)
		}
	}
	s.state(id, event.Cancelled, "")
	d, err := s.Draft(s.Context(), id)
	s.must(err)
	want(s, "draft", d, event.Draft{})
}

func testCancelOver(s *suite) {
	if err := s.Cancel(s.Context(), "job_nowhere", s.clock()); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("got %v, want ErrNotFound", err)
	}
	id := s.outbox()
	if err := s.Cancel(s.Context(), id, s.clock()); !errors.Is(err, event.ErrState) {
		s.Errorf("got %v, want ErrState", err)
	}
	s.state(id, event.Succeeded, "")
}

func spec(id string) event.JobSpec {
	return event.JobSpec{ID: id, Lane: "sonnet", Model: "claude-sonnet-5-5", Chosen: "hook", Priority: 3}
}

func testRerun(s *suite) {
	old := s.accept()
	s.die(s.takeOne())
	s.pass(lease)
	s.must(s.Rerun(s.Context(), old, spec("job_again"), s.clock()))
	j := s.state("job_again", event.Queued, event.WaitingTurn)
	want(s, "rerun of", j.RerunOf, old)
	want(s, "event", j.EventID, s.job(old).EventID)
	want(s, "hook", j.Hook, "h")
	want(s, "lane", j.Lane, "sonnet")
	want(s, "created", j.CreatedAt, s.clock())
	l := s.takeOne()
	want(s, "body", string(l.Event.Body), `{"number":1}`)
	s.succeed(l)
	s.state(old, event.Dead, "")
	s.must(s.Rerun(s.Context(), "job_again", spec("job_third"), s.clock()))
	want(s, "rerun of", s.job("job_third").RerunOf, "job_again")
}

func testRerunState(s *suite) {
	check := func(id string, wanted error) {
		s.Helper()
		if err := s.Rerun(s.Context(), id, spec("job_again"), s.clock()); !errors.Is(err, wanted) {
			s.Errorf("%s: got %v, want %v", id, err, wanted)
		}
	}
	check("job_nowhere", event.ErrNotFound)
	id := s.accept()
	check(id, event.ErrState)
	l := s.takeOne()
	check(id, event.ErrState)
	s.succeed(l)
	_, err := s.Purge(s.Context(), event.Purge{Now: s.clock(), EventsBefore: s.clock().Add(1), Limit: 10})
	s.must(err)
	s.pass(lease)
	_, err = s.Purge(s.Context(), event.Purge{Now: s.clock(), EventsBefore: s.clock(), Limit: 10})
	s.must(err)
	check(id, event.ErrState)
}

func testRerunCopy(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.die(s.takeOne())
	s.must(s.Rerun(s.Context(), a.Job.ID, spec("job_again"), s.clock()))
	got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "while it is queued", got, event.Receipt{Outcome: event.Duplicate, EventID: a.Event.ID, JobID: "job_again"})
	s.die(s.takeOne())
	got, err = s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "once it is dead", got, event.Receipt{Outcome: event.Requeued, EventID: a.Event.ID, JobID: "job_again"})
}

func testRerunFull(s *suite) {
	id := s.outbox()
	s.accept()
	if err := s.Rerun(s.Context(), id, spec("job_again"), s.clock()); !errors.Is(err, event.ErrFull) {
		s.Errorf("got %v, want ErrFull", err)
	}
}
