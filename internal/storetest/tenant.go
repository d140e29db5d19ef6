package storetest

import (
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

func tenant(name string) func(*event.Accept) {
	return func(a *event.Accept) { a.Job.Tenant, a.Job.Note = name, "a note" }
}

// desk returns what admission is shown, and takes what choose says.
func (s *suite) desk(perHook int, choose func(event.Desk) event.Plan) event.Desk {
	s.Helper()
	var desk event.Desk
	_, err := s.Take(s.Context(), event.Take{Worker: "w1", Now: s.clock(), LeaseUntil: s.clock().Add(lease), Max: 100, PerHook: perHook, Admit: func(d event.Desk) event.Plan {
		desk = d
		return choose(d)
	}})
	s.must(err)
	return desk
}

func nobody(event.Desk) event.Plan { return event.Plan{} }

func testTakeTenants(s *suite) {
	for range 60 {
		s.accept(tenant("noisy"))
	}
	s.accept(tenant("quiet"), inLane("sonnet"))
	quiet := s.accept(tenant("quiet"))
	s.accept()
	s.accept(hook("other"), tenant("noisy"))
	got := map[string]int{}
	for _, c := range s.desk(4, nobody).Candidates {
		got[c.Hook+"/"+c.Lane+"/"+c.Tenant]++
	}
	want(s, "shown", fmt.Sprint(got), "map[h/haiku/:1 h/haiku/noisy:2 h/haiku/quiet:1 h/sonnet/quiet:1 other/haiku/noisy:1]")
	j := s.job(quiet)
	want(s, "tenant", j.Tenant, "quiet")
	want(s, "note", j.Note, "a note")
	lanes, err := s.Lanes(s.Context())
	s.must(err)
	want(s, "lanes without a row", len(lanes), 0)
	page, err := s.Jobs(s.Context(), event.JobFilter{State: event.Queued, Limit: 100})
	s.must(err)
	want(s, "listed", len(page.Jobs), 64)
	stats, err := s.Stats(s.Context())
	s.must(err)
	want(s, "oldest", stats.OldestQueued, start)
}

// More tenants wait than are shown at once: whoever is served makes room for
// the next.
func testTakeManyTenants(s *suite) {
	const tenants, shown = 20, 3
	for i := range tenants {
		for range 5 {
			s.accept(tenant(fmt.Sprintf("tenant-%02d", i)))
		}
		s.pass(time.Millisecond)
	}
	served := map[string]int{}
	for range 2 * tenants {
		d := s.desk(shown, func(d event.Desk) event.Plan { return event.Plan{Take: []string{d.Candidates[0].JobID}} })
		seen := map[string]bool{}
		for _, c := range d.Candidates {
			seen[c.Tenant] = true
		}
		if len(seen) != shown || len(d.Candidates) > 2*shown {
			s.Fatalf("got %d tenants and %d candidates, want %d tenants and at most %d candidates", len(seen), len(d.Candidates), shown, 2*shown)
		}
		served[d.Candidates[0].Tenant]++
	}
	want(s, "tenants that were served", len(served), tenants)
	for name, n := range served {
		want(s, name, n, 2)
	}
}
