package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/forebayhq/forebay/event"
)

var laneTests = []test{
	{name: "a ready job says why its lane holds it", run: testLaneReason},
	{name: "pause and resume", run: testLanePause},
	{name: "changes at once all count", run: testLaneRace},
}

func testLaneReason(s *suite) {
	id := s.accept()
	due := s.accept(coalesce("k"))
	until := s.clock().Add(time.Minute)
	for _, tt := range []struct {
		why    string
		reason event.Reason
	}{
		{"rate_limited", event.RateLimited}, {"ramp_limited", event.RateLimited}, {"budget", event.Budget},
		{"spend_cap", event.LanePaused}, {"operator", event.LanePaused},
	} {
		s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "haiku", Reason: tt.why, Until: until}, s.clock()))
		want(s, tt.why, s.state(id, event.Queued, tt.reason).Until, until)
	}
	s.state(due, event.Queued, event.QuietPeriod) // its own reason comes first
	page, err := s.Jobs(s.Context(), event.JobFilter{State: event.Queued})
	s.must(err)
	want(s, "in the list", page.Jobs[1].Reason, event.LanePaused)
	s.pass(time.Minute)
	s.state(id, event.Queued, event.WaitingTurn) // the pause is over by itself
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "haiku", Reason: "operator"}, s.clock()))
	s.pass(1000 * time.Hour)
	want(s, "until somebody resumes it", s.state(id, event.Queued, event.LanePaused).Until, time.Time{})
	s.must(s.ResumeLane(s.Context(), "haiku", s.clock()))
	s.state(id, event.Queued, event.WaitingTurn)
}

func testLanePause(s *suite) {
	if err := s.ResumeLane(s.Context(), "nowhere", s.clock()); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("resume a lane that is not there: got %v, want ErrNotFound", err)
	}
	s.must(s.UpdateLane(s.Context(), "haiku", s.clock(), func(l event.Lane) event.Lane {
		l.State = []byte(`{"a":1}`)
		return l
	}))
	s.must(s.PauseLane(s.Context(), event.LanePause{Lane: "haiku", Reason: "operator", Detail: "lunch"}, s.clock()))
	s.pass(time.Second)
	s.must(s.ResumeLane(s.Context(), "haiku", s.clock()))
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	want(s, "lanes", len(lanes), 1)
	l := lanes[0]
	one, err := s.Lane(s.Context(), "haiku")
	s.must(err)
	want(s, "the lane by its name", string(one.State), string(l.State))
	if _, err := s.Lane(s.Context(), "nowhere"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("read a lane that is not there: got %v, want ErrNotFound", err)
	}
	if l.Paused || l.Reason != "" || l.Detail != "" || !l.Until.IsZero() || string(l.State) != `{"a":1}` || !l.UpdatedAt.Equal(s.clock()) {
		s.Errorf("got %+v", l)
	}
}

func testLaneRace(s *suite) {
	const n = 100
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := s.UpdateLane(s.Context(), "haiku", s.clock(), func(l event.Lane) event.Lane {
				count := 0
				_, _ = fmt.Sscanf(string(l.State), "%d", &count) // the first finds nothing
				l.State = fmt.Append(nil, count+1)
				return l
			})
			if err != nil {
				s.Error(err)
			}
		})
	}
	all.Wait()
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	want(s, "changes", string(lanes[0].State), fmt.Sprint(n))
}
