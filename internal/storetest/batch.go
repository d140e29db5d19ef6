package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

var batchTests = []test{
	{name: "a parked job waits for a batch", run: testBatchPark},
	{name: "a zombie parks nothing", run: testBatchParkZombie},
	{name: "requests are collected for a while", run: testBatchCollect},
	{name: "a batch is no larger than allowed", run: testBatchBounds},
	{name: "the queue of the API is not overfilled", run: testBatchQueue},
	{name: "one model to a batch", run: testBatchModels},
	{name: "a batch is looked at by one", run: testBatchLease},
	{name: "one batch is in doubt at a time", run: testBatchDoubt},
	{name: "an answer is settled once", run: testBatchSettle},
	{name: "a failed request comes again in another batch", run: testBatchAgain},
	{name: "a cancelled job is paid for and gets nothing", run: testBatchCancel},
	{name: "a job that is cancelled early is in no batch", run: testBatchCancelEarly},
	{name: "what has left in a batch is not superseded", run: testBatchCoalesce},
	{name: "a request that has not left can still be taken back", run: testBatchTakeBack},
	{name: "a request in a closed lane does not wait for ever", run: testBatchStale},
	{name: "a paused lane makes no batch", run: testBatchPaused},
	{name: "batches survive a restart", run: testBatchReopen},
	{name: "batches are forgotten with their jobs", run: testBatchPurge},
	{name: "a job is not forgotten while its request is out", run: testBatchPurgeOpen},
	{name: "a copy of a batch is paid for, once", run: testBatchCopy},
	{name: "a large batch is handed out whole", run: testBatchLarge},
}

// park accepts and parks n jobs and returns their ids.
func (s *suite) park(n int, changes ...func(*event.Accept)) []string {
	s.Helper()
	var all []string
	for range n {
		s.accept(changes...)
	}
	for _, l := range s.take("w1", n).Jobs {
		s.must(s.ParkJob(s.Context(), s.parking(l)))
		all = append(all, l.Job.ID)
	}
	want(s, "parked", len(all), n)
	return all
}

func (s *suite) parking(l event.Leased) event.Parking {
	id := l.Job.ID
	return event.Parking{Lease: l.Lease, Now: s.clock(), Item: event.BatchItem{
		JobID: id, CallID: fmt.Sprintf("call_%s_%d", id, l.Lease.Token), Model: l.Job.Model, Attempt: l.Job.Attempts,
		Params:     fmt.Appendf(nil, `{"model":%q,"of":%q}`, l.Job.Model, id),
		Deliveries: []event.Delivery{{ID: "dlv_" + id, JobID: id, Target: "callback", Spec: []byte(`{}`)}},
		Notes:      []string{"a note"},
	}}
}

// form makes batches of what is there, without waiting.
func (s *suite) form() int {
	s.Helper()
	made, _, err := s.FormBatches(s.Context(), event.FormBatches{Now: s.clock(), MaxRequests: 100, MaxBytes: 1 << 20, MaxQueued: 1000})
	s.must(err)
	return made
}

func (s *suite) takeBatches() []event.LeasedBatch {
	s.Helper()
	got, err := s.TakeBatches(s.Context(), event.TakeBatches{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 10})
	s.must(err)
	return got.Batches
}

// batch forms and takes the one batch that there is.
func (s *suite) batch() event.LeasedBatch {
	s.Helper()
	s.form()
	got := s.takeBatches()
	if len(got) != 1 {
		s.Fatalf("got %d batches, want 1", len(got))
	}
	return got[0]
}

// send makes a batch sent under the API's id, and keeps its lease.
func (s *suite) send(b event.LeasedBatch, id string) event.LeasedBatch {
	s.Helper()
	b.Batch.State, b.Batch.ProviderID, b.Batch.PostedAt = event.BatchSent, id, time.Time{}
	b.Batch.CreatedAt, b.Batch.ExpectedAt = s.clock(), s.clock().Add(time.Hour)
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch, Keep: true}))
	return b
}

// answered is the settlement of a request that was answered at half price.
func (s *suite) answered(b event.LeasedBatch, job string) event.ItemSettlement {
	s.Helper()
	w, err := s.BatchItem(s.Context(), b.Batch.ID, job)
	s.must(err)
	usage := event.Usage{InputTokens: 10, OutputTokens: 5, ServiceTier: "batch"}
	return event.ItemSettlement{BatchID: b.Batch.ID, Settlement: event.Settlement{
		Lease: event.Lease{ID: job, Token: w.Token}, Now: s.clock(),
		Call: &event.Call{ID: w.Item.CallID, Model: w.Item.Model, EndedAt: s.clock(), Lane: event.BatchLane, Outcome: event.CallOK, Usage: usage, Cost: new(event.NanoUSD(21)), Saved: 20},
		Done: &event.Done{Result: event.Result{Text: "answer to " + job, Model: w.Item.Model, Usage: usage, Cost: new(event.NanoUSD(21)), CreatedAt: s.clock()}, Deliveries: w.Item.Deliveries},
	}}
}

func (s *suite) params(batch string) map[string]string {
	s.Helper()
	all := map[string]string{}
	s.must(s.BatchParams(s.Context(), batch, func(job string, params []byte) error {
		all[job] = string(params)
		return nil
	}))
	return all
}

func testBatchPark(s *suite) {
	id := s.park(1)[0]
	j := s.state(id, event.Queued, event.Batch)
	want(s, "lane", j.Lane, event.BatchLane)
	want(s, "until, while no batch was made", j.Until, time.Time{})
	want(s, "attempts", j.Attempts, 1)
	want(s, "calls before the batch is stored", len(j.Calls), 0)
	s.pass(365 * 24 * time.Hour)
	got := s.take("w1", 10)
	want(s, "taken", len(got.Jobs), 0)
	s.pass(-365 * 24 * time.Hour)
	b := s.send(s.batch(), "msgbatch_1")
	want(s, "waiting", b.Waiting, true)
	j = s.job(id)
	want(s, "until", j.Until, s.clock().Add(time.Hour))
	if len(j.Calls) != 1 || j.Calls[0].Outcome != event.CallUnknown || j.Calls[0].Lane != event.BatchLane {
		s.Errorf("calls: got %+v, want one whose end is unknown", j.Calls)
	}
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	if len(lanes) != 1 || lanes[0].Name != event.BatchLane || lanes[0].Queued != 1 {
		s.Errorf("lanes: got %+v, want batch with one job queued", lanes)
	}
}

func testBatchParkZombie(s *suite) {
	id := s.accept()
	l := s.takeOne()
	s.pass(lease)
	s.take("w2", 10)
	if err := s.ParkJob(s.Context(), s.parking(l)); !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("got %v, want ErrLeaseLost", err)
	}
	s.state(id, event.Running, "")
	want(s, "batches", s.form(), 0)
}

func testBatchCollect(s *suite) {
	f := event.FormBatches{Now: s.clock(), Collect: time.Minute, MaxRequests: 3, MaxBytes: 1 << 20, MaxQueued: 100}
	s.park(2)
	made, next, err := s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made at once", made, 0)
	want(s, "next", next, f.Now.Add(time.Minute))
	s.park(1)
	made, _, err = s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made when there are enough", made, 1)
	s.park(1)
	f.Now = f.Now.Add(time.Minute)
	made, _, err = s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made after a while", made, 1)
}

func testBatchBounds(s *suite) {
	s.park(5)
	sizes := func(f event.FormBatches) (all []int) {
		f.Now, f.MaxQueued = s.clock(), 1000
		for {
			made, _, err := s.FormBatches(s.Context(), f)
			s.must(err)
			if made == 0 {
				break
			}
		}
		for _, b := range s.takeBatches() {
			all = append(all, b.Batch.Requests)
		}
		slices.Sort(all)
		return all
	}
	want(s, "by number", fmt.Sprint(sizes(event.FormBatches{MaxRequests: 2, MaxBytes: 1 << 20})), "[1 2 2]")
	s.park(2)
	want(s, "by bytes, one at least", fmt.Sprint(sizes(event.FormBatches{MaxRequests: 100, MaxBytes: 1})), "[1 1]")
}

func testBatchQueue(s *suite) {
	s.park(5)
	f := event.FormBatches{Now: s.clock(), MaxRequests: 100, MaxBytes: 1 << 20, MaxQueued: 3}
	made, _, err := s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made", made, 1)
	made, _, err = s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made beyond the bound", made, 0)
	b := s.takeBatches()[0]
	want(s, "requests", b.Batch.Requests, 3)
	b = s.send(b, "msgbatch_1")
	for job := range s.params(b.Batch.ID) {
		s.must(s.SettleItem(s.Context(), s.answered(b, job)))
	}
	b.Batch.State, b.Batch.EndedAt = event.BatchEnded, s.clock()
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch}))
	made, _, err = s.FormBatches(s.Context(), f)
	s.must(err)
	want(s, "made once there is room", made, 1)
}

func testBatchModels(s *suite) {
	a := s.park(2)
	b := s.park(1, func(a *event.Accept) { a.Job.Model = "claude-sonnet-5-5" })
	want(s, "made", s.form(), 2)
	got := map[string][]string{}
	for _, t := range s.takeBatches() {
		for job, params := range s.params(t.Batch.ID) {
			got[t.Batch.Model] = append(got[t.Batch.Model], job)
			want(s, "params", params, fmt.Sprintf(`{"model":%q,"of":%q}`, t.Batch.Model, job))
		}
		slices.Sort(got[t.Batch.Model])
	}
	want(s, "batches", fmt.Sprint(got), fmt.Sprint(map[string][]string{"claude-haiku-5-5": a, "claude-sonnet-5-5": b}))
}

func testBatchLease(s *suite) {
	s.park(1)
	first := s.batch()
	want(s, "taken twice", len(s.takeBatches()), 0)
	s.pass(lease)
	second := s.takeBatches()[0]
	first.Batch.LastError = "from the grave"
	if err := s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: first.Lease, Now: s.clock(), Batch: first.Batch}); !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("got %v, want ErrLeaseLost", err)
	}
	second.Batch.NextAt, second.Batch.Failures, second.Batch.Foreign = s.clock().Add(time.Minute), 2, []string{"msgbatch_other"}
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: second.Lease, Now: s.clock(), Batch: second.Batch}))
	got, err := s.TakeBatches(s.Context(), event.TakeBatches{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 10})
	s.must(err)
	want(s, "taken before it is due", len(got.Batches), 0)
	want(s, "next", got.NextDue, s.clock().Add(time.Minute))
	s.pass(time.Minute)
	third := s.takeBatches()[0]
	want(s, "as stored", fmt.Sprint(third.Batch), fmt.Sprint(second.Batch))
}

func testBatchDoubt(s *suite) {
	s.park(1)
	s.form()
	s.park(1)
	s.form()
	all := s.takeBatches()
	post := func(i int, at time.Time) error {
		all[i].Batch.PostedAt = at
		return s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: all[i].Lease, Now: s.clock(), Batch: all[i].Batch, Keep: true})
	}
	s.must(post(0, s.clock()))
	if err := post(1, s.clock()); !errors.Is(err, event.ErrState) {
		s.Errorf("a second batch in doubt: got %v, want ErrState", err)
	}
	s.must(post(0, s.clock()))
	s.must(post(0, time.Time{}))
	s.must(post(1, s.clock()))
}

func testBatchSettle(s *suite) {
	all := s.park(3)
	b := s.send(s.batch(), "msgbatch_1")
	b.Batch.State, b.Batch.EndedAt = event.BatchEnded, s.clock()
	end := func() error {
		return s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch, Keep: true})
	}
	if err := end(); !errors.Is(err, event.ErrState) {
		s.Errorf("an end with open requests: got %v, want ErrState", err)
	}
	s.pass(time.Minute)
	first := s.answered(b, all[1])
	s.must(s.SettleItem(s.Context(), first))
	if err := s.SettleItem(s.Context(), first); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("settled twice: got %v, want ErrNotFound", err)
	}
	j := s.state(all[1], event.Succeeded, "")
	want(s, "text", j.Result.Text, "answer to "+all[1])
	want(s, "deliveries", len(j.Deliveries), 1)
	want(s, "cost", *j.Cost, 21)
	if len(j.Calls) != 1 || j.Calls[0].Outcome != event.CallOK || j.Calls[0].Usage.ServiceTier != "batch" {
		s.Errorf("calls: got %+v, want one that went well at the batch tier", j.Calls)
	}
	if _, err := s.BatchItem(s.Context(), b.Batch.ID, all[1]); !errors.Is(err, event.ErrState) {
		s.Errorf("a settled request: got %v, want ErrState", err)
	}
	if _, err := s.BatchItem(s.Context(), b.Batch.ID, "job_of_another"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("a request that is not in it: got %v, want ErrNotFound", err)
	}
	open, err := s.OpenItems(s.Context(), b.Batch.ID, 10)
	s.must(err)
	want(s, "open", fmt.Sprint(open), fmt.Sprint([]string{all[0], all[2]}))
	for _, id := range open {
		s.must(s.SettleItem(s.Context(), s.answered(b, id)))
	}
	s.must(end())
	want(s, "looked at after the end", len(s.takeBatches()), 0)
	costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(costs) != 1 || costs[0].Calls != 3 || costs[0].Cost != 63 || costs[0].Batched != 3 || costs[0].BatchSaved != 60 || costs[0].UnknownEnds != 0 {
		s.Errorf("costs: got %+v, want three calls at 21 that saved 20 each", costs)
	}
}

func testBatchAgain(s *suite) {
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	st := s.answered(b, id)
	st.Settlement.Done = nil
	st.Settlement.Call.Outcome, st.Settlement.Call.Code, st.Settlement.Call.Cost, st.Settlement.Call.Usage = event.CallFailed, "batch_expired", nil, event.Usage{}
	st.Settlement.Again = &event.Again{Reason: event.RetryBackoff, Until: s.clock().Add(time.Second), Failure: &event.Failure{Code: "batch_expired"}}
	s.must(s.SettleItem(s.Context(), st))
	j := s.state(id, event.Queued, event.RetryBackoff)
	want(s, "attempts", j.Attempts, 1)
	s.pass(time.Second)
	again := s.takeOne()
	want(s, "attempts", again.Job.Attempts, 2)
	s.must(s.ParkJob(s.Context(), s.parking(again)))
	// The first batch's results are read again: they are not the second's.
	if err := s.SettleItem(s.Context(), st); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("a result of the first batch: got %v, want ErrNotFound", err)
	}
	s.form()
	for _, t := range s.takeBatches() {
		t = s.send(t, "msgbatch_2")
		s.must(s.SettleItem(s.Context(), s.answered(t, id)))
	}
	want(s, "calls", len(s.state(id, event.Succeeded, "").Calls), 2)
}

func testBatchCancel(s *suite) {
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	st := s.answered(b, id)
	s.must(s.Cancel(s.Context(), id, s.clock()))
	w, err := s.BatchItem(s.Context(), b.Batch.ID, id)
	s.must(err)
	want(s, "dropped", w.Dropped, true)
	s.must(s.SettleItem(s.Context(), st))
	j := s.state(id, event.Cancelled, "")
	if j.Result != nil || len(j.Deliveries) != 0 {
		s.Errorf("got a result %+v and deliveries %+v for a cancelled job", j.Result, j.Deliveries)
	}
	want(s, "cost", *j.Cost, 21)
	want(s, "call", j.Calls[0].Outcome, event.CallOK)
	costs, err := s.Costs(s.Context(), "2026-11-25", "2026-11-25")
	s.must(err)
	if len(costs) != 1 || costs[0].Calls != 1 || costs[0].Cost != 21 {
		s.Errorf("costs: got %+v, want one call at 21", costs)
	}
}

func testBatchCancelEarly(s *suite) {
	all := s.park(2)
	s.must(s.Cancel(s.Context(), all[0], s.clock()))
	b := s.batch()
	want(s, "in the batch", fmt.Sprint(slices.Collect(maps.Keys(s.params(b.Batch.ID)))), fmt.Sprint(all[1:]))
	want(s, "calls", len(s.state(all[0], event.Cancelled, "").Calls), 0)
}

func testBatchCoalesce(s *suite) {
	key := func(a *event.Accept) {
		a.Job.Coalesce = &event.Coalesce{Key: "k", Quiet: time.Second, MaxWait: time.Minute}
	}
	id := s.accept(key)
	s.pass(time.Second)
	l := s.takeOne()
	s.must(s.ParkJob(s.Context(), s.parking(l)))
	newer := s.accept(key)
	want(s, "superseded by", s.state(id, event.Superseded, "").SupersededBy, newer)
	s.pass(time.Second)
	s.must(s.ParkJob(s.Context(), s.parking(s.takeOne())))
	b := s.send(s.batch(), "msgbatch_1")
	want(s, "requests", b.Batch.Requests, 1)
	s.accept(key)
	s.state(newer, event.Queued, event.Batch)
}

func testBatchPaused(s *suite) {
	s.park(1)
	until := s.clock().Add(time.Hour)
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: event.BatchLane, Reason: "operator", Until: until}, s.clock()))
	made, next, err := s.FormBatches(s.Context(), event.FormBatches{Now: s.clock(), MaxRequests: 1, MaxBytes: 1, MaxQueued: 1})
	s.must(err)
	want(s, "made", made, 0)
	want(s, "next", next, until)
	s.must(s.ResumeLane(s.Context(), event.BatchLane, s.clock()))
	want(s, "made", s.form(), 1)
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: event.BatchLane, Reason: "operator"}, s.clock()))
	want(s, "intended batches of a paused lane", len(s.takeBatches()), 0)
	s.must(s.ResumeLane(s.Context(), event.BatchLane, s.clock()))
	b := s.send(s.takeBatches()[0], "msgbatch_1")
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{
		Lease: b.Lease, Now: s.clock(), Batch: b.Batch, Pause: &event.LanePause{Lane: event.BatchLane, Reason: "rate_limited"},
	}))
	want(s, "sent batches of a paused lane", len(s.takeBatches()), 1)
}

func testBatchReopen(s *suite) {
	if s.harness.Reopen == nil || s.features.SharedStore {
		s.Skip("a restart of this driver ends no lease")
	}
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	s.Ledger = s.harness.Reopen()
	s.state(id, event.Queued, event.Batch)
	got := s.takeBatches()
	if len(got) != 1 || got[0].Batch.ProviderID != "msgbatch_1" || !got[0].Waiting {
		s.Fatalf("got %+v, want the batch that was sent", got)
	}
	if err := s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch}); !errors.Is(err, event.ErrLeaseLost) {
		s.Errorf("the former process: got %v, want ErrLeaseLost", err)
	}
	s.must(s.SettleItem(s.Context(), s.answered(got[0], id)))
	s.state(id, event.Succeeded, "")
}

func testBatchPurge(s *suite) {
	id := s.park(1)[0]
	b := s.send(s.batch(), "msgbatch_1")
	s.must(s.SettleItem(s.Context(), s.answered(b, id)))
	b.Batch.State, b.Batch.EndedAt = event.BatchEnded, s.clock()
	s.must(s.UpdateBatch(s.Context(), event.BatchUpdate{Lease: b.Lease, Now: s.clock(), Batch: b.Batch}))
	names := func() int {
		all, err := s.BatchNames(s.Context(), time.Time{})
		s.must(err)
		return len(all)
	}
	want(s, "names", names(), 1)
	s.settleDelivery(s.takeDelivery(), event.DeliveryDone, time.Time{})
	s.pass(31 * 24 * time.Hour)
	for range 3 {
		_, err := s.Purge(s.Context(), event.Purge{Now: s.clock(), EventsBefore: s.clock(), ResultsBefore: s.clock().Add(-24 * time.Hour), Limit: 100})
		s.must(err)
	}
	if _, err := s.Job(s.Context(), id); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("job: got %v, want ErrNotFound", err)
	}
	want(s, "names after the purge", names(), 0)
}
