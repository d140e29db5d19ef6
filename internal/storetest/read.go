package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
)

var readTests = []test{
	{name: "there is no such job", run: testReadNothing},
	{name: "pages are newest first and do not shift", run: testListPages},
	{name: "lists are narrowed", run: testListFilters},
	{name: "a cursor that nobody made", run: testListCursor},
	{name: "verdicts are kept, newest first", run: testVerdicts},
	{name: "what is there is counted", run: testStats},
}

func testReadNothing(s *suite) {
	if _, err := s.Job(s.Context(), "job_nowhere"); !errors.Is(err, event.ErrNotFound) {
		s.Errorf("got %v, want ErrNotFound", err)
	}
	page, err := s.Jobs(s.Context(), event.JobFilter{})
	if err != nil || len(page.Jobs) != 0 || page.NextCursor != "" {
		s.Errorf("got %+v, %v", page, err)
	}
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "oldest", stats.OldestQueued.IsZero(), true)
}

func (s *suite) list(f event.JobFilter) (list string, next string) {
	s.Helper()
	page, err := s.Jobs(s.Context(), f)
	s.must(err)
	var all []string
	for _, j := range page.Jobs {
		all = append(all, strings.TrimPrefix(j.ID, "job_"))
		if j.Event != nil || j.Result != nil {
			s.Errorf("%s is whole in a list", j.ID)
		}
	}
	return strings.Join(all, " "), page.NextCursor
}

func testListPages(s *suite) {
	for range 7 {
		s.accept()
	}
	got, next := s.list(event.JobFilter{Limit: 3})
	want(s, "first page", got, "007 006 005")
	s.accept()
	got, next = s.list(event.JobFilter{Limit: 3, Cursor: next})
	want(s, "second page", got, "004 003 002")
	got, next = s.list(event.JobFilter{Limit: 3, Cursor: next})
	want(s, "last page", got, "001")
	want(s, "next", next, "")
	got, next = s.list(event.JobFilter{Limit: 8})
	want(s, "all", got, "008 007 006 005 004 003 002 001")
	want(s, "next", next, "")
}

func testListFilters(s *suite) {
	s.accept(hook("a"))                                                    // 1 succeeded
	s.accept(hook("b"), func(a *event.Accept) { a.Event.Type = "push" })   // 2 dead
	s.accept(func(a *event.Accept) { a.Event.Subject = "Octo/100%_sure" }) // 3 running
	s.accept(coalesce("k"))                                                // 4 superseded
	s.accept(coalesce("k"))                                                // 5 queued
	s.accept()                                                             // 6 cancelled
	jobs := s.take("w1", 4).Jobs
	byID := make(map[string]event.Leased)
	for _, l := range jobs {
		byID[l.Job.ID] = l
	}
	s.succeed(byID["job_001"])
	s.die(byID["job_002"])
	s.must(s.Cancel(s.Context(), "job_006", s.clock()))
	for _, tt := range []struct {
		f    event.JobFilter
		want string
	}{
		{event.JobFilter{State: event.Succeeded}, "001"},
		{event.JobFilter{State: event.Dead}, "002"},
		{event.JobFilter{State: event.Running}, "003"},
		{event.JobFilter{State: event.Superseded}, "004"},
		{event.JobFilter{State: event.Queued}, "005"},
		{event.JobFilter{State: event.Cancelled}, "006"},
		{event.JobFilter{Hook: "b"}, "002"},
		{event.JobFilter{Hook: "h", State: event.Dead}, ""},
		{event.JobFilter{Hook: "nowhere"}, ""},
		{event.JobFilter{Query: "PUSH"}, "002"},
		{event.JobFilter{Query: "delivery-3"}, "003"},
		{event.JobFilter{Query: "100%_s"}, "003"},
		{event.JobFilter{Query: "job_00"}, "006 005 004 003 002 001"},
		{event.JobFilter{Query: "_"}, "006 005 004 003 002 001"},
		{event.JobFilter{Query: "%"}, "003"},
		{event.JobFilter{Query: `\`}, ""},
		{event.JobFilter{Query: "octo/repo#5", State: event.Queued, Hook: "h"}, "005"},
	} {
		got, _ := s.list(tt.f)
		want(s, fmt.Sprintf("%+v", tt.f), got, tt.want)
	}
}

func testListCursor(s *suite) {
	s.accept()
	for _, cursor := range []string{"x", "1", "j", "j-1", "j0", "j01", "\x00", "j99999999999999999999", "' OR 1=1"} {
		if _, err := s.Jobs(s.Context(), event.JobFilter{Cursor: cursor}); !errors.Is(err, event.ErrCursor) {
			s.Errorf("%q: got %v, want ErrCursor", cursor, err)
		}
	}
}

func testVerdicts(s *suite) {
	for i := range 700 {
		s.Note(event.Verdict{At: start.Add(time.Duration(i) * time.Second), Hook: "h", Outcome: "refused", Code: fmt.Sprint(i), Bytes: int64(i)})
		if i%100 == 50 {
			s.accept()
		}
	}
	got, err := s.Verdicts(s.Context(), 650)
	s.must(err)
	want(s, "verdicts", len(got), 650)
	for i, v := range got {
		n := 699 - i
		if v.Code != fmt.Sprint(n) || v.Hook != "h" || !v.At.Equal(start.Add(time.Duration(n)*time.Second)) || i > 0 && v.ID >= got[i-1].ID {
			s.Fatalf("verdict %d: got %+v", i, v)
		}
	}
	got, err = s.Verdicts(s.Context(), 0)
	if len(got) != 0 || err != nil {
		s.Errorf("none: got %d, %v", len(got), err)
	}
}

func testStats(s *suite) {
	s.accept(func(a *event.Accept) { a.Event.Body = make([]byte, 1000) })
	s.pass(time.Second)
	s.accept(func(a *event.Accept) { a.Event.Body = make([]byte, 500) })
	s.pass(time.Second)
	s.accept(coalesce("k"), func(a *event.Accept) { a.Event.Body = nil })
	s.succeed(s.take("w1", 1).Jobs[0], event.Delivery{ID: "dlv_1"}, event.Delivery{ID: "dlv_2"})
	d := s.takeDeliveries(1).Deliveries[0]
	s.settleDelivery(d, event.DeliveryDone, time.Time{})
	got, err := s.Stats(s.Context())
	s.must(err)
	want(s, "queued", got.Jobs[event.Queued], 2)
	want(s, "running", got.Jobs[event.Running], 0)
	want(s, "succeeded", got.Jobs[event.Succeeded], 1)
	want(s, "pending", got.Deliveries[event.DeliveryPending], 1)
	want(s, "done", got.Deliveries[event.DeliveryDone], 1)
	want(s, "oldest", got.OldestQueued, start.Add(time.Second))
	want(s, "bytes", got.EventBytes, 1500)
	want(s, "keys", got.DedupeKeys, 6)
	if got.SchemaVersion < 1 {
		s.Errorf("schema version %d", got.SchemaVersion)
	}
}
