package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

// testBatchTakeBack: a batch that is not sent yet loses the requests of the jobs
// that are cancelled, and is gone with the last; one that is about to be sent
// keeps them.
func testBatchTakeBack(s *suite) {
	ids := s.park(3)
	want(s, "made", s.form(), 1)
	s.must(s.Cancel(s.Context(), ids[1], s.clock()))
	want(s, "calls of the cancelled one", len(s.job(ids[1]).Calls), 0)
	b := s.takeBatches()[0]
	want(s, "requests", b.Batch.Requests, 2)
	want(s, "parameters", len(s.params(b.Batch.ID)), 2)
	s.must(s.Cancel(s.Context(), ids[0], s.clock()))
	want(s, "parameters once it is about to be sent", len(s.params(b.Batch.ID)), 2)
	b.Batch.NextAt = s.clock()
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch}))
	s.must(s.Cancel(s.Context(), ids[2], s.clock()))
	b = s.takeBatches()[0]
	want(s, "requests", b.Batch.Requests, 1)
	want(s, "waiting", b.Waiting, false)
	other := s.park(1, func(a *event.Accept) { a.Job.Model = "other" })[0]
	want(s, "made", s.form(), 1)
	s.must(s.Cancel(s.Context(), other, s.clock()))
	want(s, "batches without a request", len(s.takeBatches()), 0)
}

func testBatchStale(s *suite) {
	id := s.park(1)[0]
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: event.BatchLane, Reason: "operator"}, s.clock()))
	want(s, "made", s.form(), 0)
	s.state(id, event.Queued, event.Batch)
	s.pass(time.Hour)
	want(s, "made", s.form(), 0)
	want(s, "attempts", s.state(id, event.Queued, event.LanePaused).Attempts, 0)
	s.must(s.ResumeLane(s.Context(), event.BatchLane, s.clock()))
	want(s, "taken", s.takeOne().Job.ID, id)
}

// testBatchPurgeOpen: a cancelled job whose request is still out is kept until
// it is known what that cost.
func testBatchPurgeOpen(s *suite) {
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	st := s.answered(b, id)
	s.must(s.Cancel(s.Context(), id, s.clock()))
	s.pass(10 * 24 * time.Hour)
	purge := func() {
		for range 3 {
			_, err := s.Purge(s.Context(), event.Purge{Now: s.clock(), EventsBefore: s.clock(), ResultsBefore: s.clock(), Limit: 100})
			s.must(err)
		}
	}
	purge()
	s.state(id, event.Cancelled, "")
	s.must(s.SettleItem(s.Context(), st))
	want(s, "cost", *s.state(id, event.Cancelled, "").Cost, 21)
	s.pass(time.Hour)
	purge()
	if _, err := s.Job(s.Context(), id); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("job: got %v, want ErrNotFound", err)
	}
}

func testBatchLarge(s *suite) {
	const n = 1100
	all := make([]event.Accept, n)
	for i := range all {
		all[i] = s.order()
	}
	_, err := s.AcceptAll(s.Context(), all)
	s.must(err)
	var parked sync.WaitGroup
	var leased []event.Leased
	for len(leased) < n {
		leased = append(leased, s.take("w1", n).Jobs...)
	}
	for _, l := range leased {
		p := s.parking(l)
		parked.Go(func() {
			if err := s.ParkJob(s.Context(), p); err != nil {
				s.Error(err)
			}
		})
	}
	parked.Wait()
	s.must(s.Cancel(s.Context(), all[0].Job.ID, s.clock()))
	f := event.FormBatches{Now: s.clock(), MaxRequests: n, MaxBytes: 1 << 30, MaxQueued: n}
	made, _, err := s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made", made, 1)
	b := s.takeBatches()[0]
	want(s, "requests", b.Batch.Requests, n-1)
	want(s, "parameters", len(s.params(b.Batch.ID)), n-1)
	want(s, "calls of the last", len(s.job(all[n-1].Job.ID).Calls), 1)
	s.must(s.SettleItem(s.Context(), s.answered(b, all[n-1].Job.ID)))
	want(s, "parameters once one is settled", len(s.params(b.Batch.ID)), n-2)
}

// testBatchCopy: what a second copy of a batch cost is added to its jobs, once.
func testBatchCopy(s *suite) {
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	s.must(s.SettleItem(s.Context(), s.answered(b, id)))
	c := event.BatchCopy{BatchID: b.Batch.ID, Now: s.clock(), Call: event.Call{
		ID: "call_msgbatch_2", JobID: id, Lane: event.BatchLane, Model: "m", StartedAt: s.clock(), EndedAt: s.clock(),
		Outcome: event.CallOK, Code: "made_twice", Cost: new(event.NanoUSD(9)),
	}}
	for range 2 {
		s.must(s.BookCopy(s.Context(), c))
	}
	j := s.state(id, event.Succeeded, "")
	want(s, "cost", *j.Cost, 30)
	want(s, "calls", len(j.Calls), 2)
	want(s, "code of the second", j.Calls[1].Code, "made_twice")
	costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	sum := event.NanoUSD(0)
	for _, r := range costs {
		sum += r.Cost
	}
	want(s, "costs", sum, 30)
	c.Call.JobID = "job_of_nobody"
	if err := s.BookCopy(s.Context(), c); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("a job of no batch: got %v, want ErrNotFound", err)
	}
}
