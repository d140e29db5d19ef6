package governor

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

var notFound = Outcome{Code: "model_not_found", Detail: "model: m-haiku"}

// candidate is a job of the hook h in the lane haiku.
func haikuJob(id, hook string) event.Candidate {
	return event.Candidate{JobID: id, Hook: hook, Lane: "haiku", Model: "m-haiku", Chosen: "hook", Priority: 5, Size: 100, ReadyAt: noon}
}

// TestGone: a model that the API does not know costs one call and not one of
// each job: the others go to the next model, and say why. After a while that
// doubles one job asks again, and an answer ends it.
func TestGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Hooks: map[string]Hook{"h": {Instead: instead}}})
	d.open("haiku")
	d.open("sonnet")
	ask := func(why string) *Grant {
		t.Helper()
		d.waiting = append(d.waiting, haikuJob("job_"+d.now.String(), "h"))
		a := d.take(1)
		if len(a.Plan.Take) != 1 {
			t.Fatalf("granted %v, want one", a.Plan.Take)
		}
		gr := a.Grants[a.Plan.Take[0]]
		if got := a.Plan.Moves[gr.Job].Chosen; got != why {
			t.Fatalf("at %v: chosen by %q, want %q", d.now.Sub(noon), got, why)
		}
		return gr
	}
	const moved = "hook > fallback: m-haiku not found"
	for _, pause := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		first := ask("")
		d.now = d.now.Add(time.Second)
		d.settle(first, notFound)
		if v := d.g.Look(d.lanes["haiku"], d.now).Gone(); len(v) != 1 || v[0] != (GoneModel{"m-haiku", d.now.Add(pause)}) {
			t.Fatalf("got %v, want m-haiku gone for %v", v, pause)
		}
		d.settle(ask(moved), ok(100, 100))
		d.now = d.now.Add(pause - time.Millisecond)
		d.settle(ask(moved), ok(100, 100))
		d.now = d.now.Add(time.Millisecond)
	}
	probe := ask("")
	d.settle(ask(moved), ok(100, 100)) // while the probe is under way
	d.begun(probe)
	if v := d.g.Look(d.lanes["haiku"], d.now).Gone(); len(v) != 0 {
		t.Errorf("got %v after an answer, want none gone", v)
	}
	ask("")
}

// TestGoneTogether: calls that were under way together say it once, jobs without
// a stand-in ask for themselves, and the lane stays open for its other models.
func TestGoneTogether(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Hooks: map[string]Hook{"h": {Instead: instead}}})
	d.open("haiku")
	d.waiting = []event.Candidate{haikuJob("a", "h"), haikuJob("b", "h"), haikuJob("c", "h")}
	for _, gr := range d.take(3).Grants {
		d.now = d.now.Add(time.Second)
		d.settle(gr, notFound)
	}
	if v := d.g.Look(d.lanes["haiku"], d.now).Gone(); len(v) != 1 || v[0].Until.Sub(d.now) > time.Minute {
		t.Errorf("gone: %v, want one for a minute", v)
	}
	other := haikuJob("e", "h")
	other.Model = "m-haiku-dated"
	d.waiting = []event.Candidate{haikuJob("d", "plain"), other}
	a := d.take(3)
	if len(a.Plan.Take) != 2 || len(a.Plan.Moves) != 0 {
		t.Errorf("granted %v, moved %v; want both, where they are", a.Plan.Take, a.Plan.Moves)
	}
}

// TestGoneIsBounded: neither many models nor a clock that was ahead fill a lane,
// or keep a model away for long.
func TestGoneIsBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.now = noon.Add(24 * time.Hour)
	for i := range 30 {
		gr := &Grant{Lane: "haiku", Model: string(rune('a'+i)) + "-model", At: d.now}
		d.change("haiku", d.g.Settled(gr, notFound, d.now))
	}
	if v := d.g.Look(d.lanes["haiku"], d.now).Gone(); len(v) != maxGone {
		t.Errorf("%d models are remembered, want %d", len(v), maxGone)
	}
	if v := d.g.Look(d.lanes["haiku"], noon).Gone(); len(v) != 0 {
		t.Errorf("got %v by the right clock, want none", v)
	}
}
