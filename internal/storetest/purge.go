package storetest

import (
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
)

var purgeTests = []test{
	{name: "bodies go first, then the rest", run: testPurge},
	{name: "what is not over stays", run: testPurgeKeeps},
	{name: "a little at a time", run: testPurgeLimit},
	{name: "a copy is known longer than its job", run: testPurgeCopy},
	{name: "an event stays for its newest job", run: testPurgeRerun},
	{name: "anchors go when they are old", run: testPurgeAnchors},
}

const dayLong = 24 * time.Hour

func (s *suite) purge(events, results time.Duration) int {
	s.Helper()
	now := s.clock()
	n, err := s.Purge(s.Context(), event.Purge{Now: now, EventsBefore: now.Add(-events), ResultsBefore: now.Add(-results), Limit: 100})
	s.must(err)
	return n
}

func testPurge(s *suite) {
	id := s.outbox("")
	s.settleDelivery(s.takeDelivery(), event.DeliveryDone, time.Time{})
	s.pass(10 * dayLong)
	want(s, "nothing is old", s.purge(11*dayLong, 11*dayLong), 0)
	want(s, "bodies", s.purge(9*dayLong, 11*dayLong), 1)
	j := s.state(id, event.Succeeded, "")
	want(s, "body", len(j.Event.Body), 0)
	want(s, "headers", len(j.Event.Header), 0)
	want(s, "type", j.Event.Type, "pull_request")
	want(s, "text", j.Result.Text, "answer to job_001")
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "bytes", stats.EventBytes, 0)

	want(s, "the job", s.purge(9*dayLong, 9*dayLong), 1)
	if _, err := s.Job(s.Context(), id); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("got %v, want ErrNotFound", err)
	}
	stats, err = s.Stats(s.Context())
	s.must(err)
	want(s, "succeeded", stats.Jobs[event.Succeeded], 0)
	want(s, "done", stats.Deliveries[event.DeliveryDone], 0)
	want(s, "keys", stats.DedupeKeys, 2)

	s.pass(21 * dayLong)
	for s.purge(9*dayLong, 9*dayLong) > 0 {
	}
	stats, err = s.Stats(s.Context())
	s.must(err)
	want(s, "keys", stats.DedupeKeys, 0)
}

func testPurgeKeeps(s *suite) {
	queued := s.accept(coalesce("k"))
	pending := s.outbox("")
	running := s.accept()
	l := s.takeOne()
	s.pass(100 * dayLong)
	for s.purge(dayLong, dayLong) > 0 {
	}
	want(s, "body of a queued job", len(s.job(queued).Event.Body) > 0, true)
	want(s, "body of a running job", len(s.job(running).Event.Body) > 0, true)
	s.succeed(l)
	j := s.job(pending)
	want(s, "deliveries", len(j.Deliveries), 1)
	want(s, "delivery", s.takeDelivery().Delivery.ID, "dlv_002_1")
}

func testPurgeLimit(s *suite) {
	for range 5 {
		s.outbox()
	}
	s.pass(10 * dayLong)
	for _, wanted := range []int{4, 4, 2, 0} { // two bodies and two jobs, two and two, one and one
		n, err := s.Purge(s.Context(), event.Purge{Now: s.clock(), EventsBefore: s.clock(), ResultsBefore: s.clock(), Limit: 2})
		s.must(err)
		want(s, "purged", n, wanted)
	}
}

func testPurgeCopy(s *suite) {
	a := s.order()
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	s.die(s.takeOne())
	s.pass(10 * dayLong)
	for s.purge(dayLong, dayLong) > 0 {
	}
	got, err := s.Accept(s.Context(), s.order(func(b *event.Accept) { b.Keys = a.Keys }))
	s.must(err)
	want(s, "copy", got, event.Receipt{Outcome: event.Duplicate, EventID: a.Event.ID, JobID: a.Job.ID})
}

func testPurgeRerun(s *suite) {
	old := s.accept()
	s.die(s.takeOne())
	s.pass(10 * dayLong)
	s.must(s.Rerun(s.Context(), old, spec("job_again"), s.clock()))
	for s.purge(dayLong, dayLong) > 0 {
	}
	if _, err := s.Job(s.Context(), old); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("got %v, want ErrNotFound", err)
	}
	want(s, "body", string(s.takeOne().Event.Body), `{"number":1}`)
}

func testPurgeAnchors(s *suite) {
	for i, key := range []string{"old", "kept", "new"} {
		id := s.outbox("")
		a := event.Anchor{Key: key, ExternalID: key, JobID: id, UpdatedAt: s.clock()}
		s.must(s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: s.takeDelivery().Lease, Now: s.clock(), State: event.DeliveryDone, Anchor: &a}))
		if i == 1 {
			s.pass(10 * dayLong)
		}
	}
	id := s.outbox("")
	again := event.Anchor{Key: "kept", ExternalID: "kept", JobID: id, UpdatedAt: s.clock()}
	s.must(s.SettleDelivery(s.Context(), event.DeliverySettlement{Lease: s.takeDelivery().Lease, Now: s.clock(), State: event.DeliveryDone, Anchor: &again}))
	for s.purge(9*dayLong, 9*dayLong) > 0 {
	}
	for key, kept := range map[string]bool{"old": false, "kept": true, "new": true} {
		_, err := s.Anchor(s.Context(), key)
		if errors.Is(err, event.ErrNotFound) == kept {
			s.Errorf("anchor %s: got %v, want it kept %v", key, err, kept)
		}
	}
}
