package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// Figures are what an audit found.
type figures struct {
	acked, jobs, lost, unfinished, dead int
	comments, callbacks                 int // in all
	missing, doubled, again             int // jobs with neither; with several comments or webhook-ids; callbacks sent once more under their id
	calls, extra, unseen                int // at Claude; beyond one per job; rows of calls whose end nobody saw
}

func (f figures) String() string {
	return fmt.Sprintf("acked %d, lost %d, jobs %d (unfinished %d, dead %d), comments %d, callbacks %d (missing %d, doubled %d, sent again under the same id %d), calls %d (extra %d, in flight when killed %d)",
		f.acked, f.lost, f.jobs, f.unfinished, f.dead, f.comments, f.callbacks, f.missing, f.doubled, f.again, f.calls, f.extra, f.unseen)
}

// drain waits until nothing is queued or running.
func (s *stand) drain(limit time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for {
		left := 0
		for _, state := range []string{"queued", "running"} {
			page, err := s.page(ctx, "&state="+state)
			if err != nil {
				s.t.Fatalf("not drained after %v: %v\n%s", limit, err, s.log())
			}
			left += len(page.Jobs)
		}
		if left == 0 {
			return
		}
		wait(ctx, 100*time.Millisecond)
	}
}

func (s *stand) page(ctx context.Context, query string) (api.JobList, error) {
	var page api.JobList
	raw, err := s.get(ctx, "/v1/jobs?limit=500"+query)
	if err == nil {
		err = json.Unmarshal(raw, &page)
	}
	return page, err
}

// jobs lists every job.
func (s *stand) jobs() map[string]api.JobHead {
	s.t.Helper()
	all, cursor := map[string]api.JobHead{}, ""
	for {
		page, err := s.page(s.t.Context(), cursor)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, j := range page.Jobs {
			all[j.ID] = j
		}
		if page.NextCursor == "" {
			return all
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

// job reads one job whole.
func (s *stand) job(ctx context.Context, id string) (api.JobView, error) {
	var j api.JobView
	raw, err := s.get(ctx, "/v1/jobs/"+id)
	if err == nil {
		err = json.Unmarshal(raw, &j)
	}
	return j, err
}

// delivered reads a succeeded job once its deliveries are over.
func (s *stand) delivered(ctx context.Context, id string) (api.JobView, error) {
	for {
		j, err := s.job(ctx, id)
		if err != nil {
			return j, fmt.Errorf("job %s: %w (its deliveries: %+v)", id, err, j.Deliveries)
		}
		pending := false
		for _, d := range j.Deliveries {
			pending = pending || d.State == event.DeliveryPending
		}
		if !pending {
			return j, nil
		}
		wait(ctx, 50*time.Millisecond)
	}
}

// audit compares what the senders were told with the ledger, with what Claude
// was asked, what people see on GitHub and what the callbacks' receiver got.
func (s *stand) audit(acked map[string]string) figures {
	s.t.Helper()
	heads := s.jobs()
	f := figures{acked: len(acked), jobs: len(heads)}
	for name, id := range acked {
		if _, ok := heads[id]; !ok {
			f.lost++
			s.t.Errorf("%s was acknowledged as job %s, and there is no such job", name, id)
		}
	}
	whole := s.whole(heads) // waits for the deliveries
	calls, effects := s.callsByCase(time.Time{}), s.effects(&f)
	for _, n := range calls {
		f.calls += n
	}
	for _, j := range whole {
		s.auditJob(&f, j, calls, effects)
	}
	return f
}

// effects counts, by case, what people and receivers see: comments, and
// callbacks that differ in their id.
func (s *stand) effects(f *figures) map[string]int {
	count := map[string]int{}
	for _, c := range s.github.AllComments() {
		count[casePattern.FindString(c.Body)]++
		f.comments++
	}
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for name, ids := range s.sink.posts {
		count[name] += len(ids)
		for _, n := range ids {
			f.callbacks++
			f.again += n - 1
		}
	}
	return count
}

// auditJob adds one job to the figures.
func (s *stand) auditJob(f *figures, j api.JobView, calls, effects map[string]int) {
	unseen := 0
	for _, c := range j.Calls {
		if c.Outcome == event.CallUnknown {
			unseen++
		}
	}
	f.unseen += unseen
	switch {
	case !j.State.Terminal():
		f.unfinished++
		s.t.Errorf("job %s is %s", j.ID, j.State)
		return
	case j.State != event.Succeeded || j.Result == nil:
		f.dead++
		s.t.Errorf("job %s is %s: %+v", j.ID, j.State, j.LastError)
		return
	}
	name := casePattern.FindString(j.Result.Text)
	extra := calls[name] - 1
	f.extra += extra
	if extra > unseen+s.doubted[name] {
		s.t.Errorf("job %s (%s): %d extra calls, but only %d were in flight when the server was killed", j.ID, name, extra, unseen)
	}
	switch n := effects[name]; {
	case n == 0:
		f.missing++
		s.t.Errorf("job %s (%s) was not delivered: %+v", j.ID, name, j.Deliveries)
	case n > 1:
		f.doubled++
		s.t.Errorf("job %s (%s) was delivered %d times", j.ID, name, n)
	}
}

// whole reads every job whole, a few at a time.
func (s *stand) whole(heads map[string]api.JobHead) []api.JobView {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []api.JobView
	ids := make(chan string)
	for range 4 {
		wg.Go(func() {
			for id := range ids {
				j, err := s.delivered(ctx, id)
				mu.Lock()
				if err != nil {
					s.t.Error(err)
				} else {
					all = append(all, j)
				}
				mu.Unlock()
			}
		})
	}
	for id := range heads {
		ids <- id
	}
	close(ids)
	wg.Wait()
	return all
}

// callsByCase counts the calls that have arrived since a moment.
func (s *stand) callsByCase(since time.Time) map[string]int {
	count := map[string]int{}
	for _, c := range s.claude.MessageCalls() {
		if !c.At.Before(since) {
			count[casePattern.FindString(c.Prompt)]++
		}
	}
	return count
}

// open are the calls that Claude is at work on.
func (s *stand) open() []claudetest.Call {
	var open []claudetest.Call
	for _, c := range s.claude.MessageCalls() {
		if c.End.IsZero() {
			open = append(open, c)
		}
	}
	return open
}
