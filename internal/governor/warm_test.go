package governor

import (
	"fmt"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

var shared = Prefix{Key: "shared", Tokens: 3000, TTL: 5 * time.Minute}

// warmDesk has a lane that is open and hooks with the shared prefix.
func warmDesk(t testing.TB, o Options, hooks ...string) *desk {
	o.Hooks = map[string]Hook{}
	for _, h := range hooks {
		o.Hooks[h] = Hook{ExtraTokens: 3000, Prefixes: map[string]Prefix{"m": shared}}
	}
	d := newDesk(t, o)
	d.open("a")
	return d
}

var (
	wrote = event.Usage{InputTokens: 100, CacheWrite5m: 3000, OutputTokens: 1}
	read  = event.Usage{InputTokens: 100, CacheRead: 3000, OutputTokens: 1}
	plain = event.Usage{InputTokens: 3100, OutputTokens: 1}
)

func (d *desk) heard(gr *Grant, u event.Usage) { d.change(gr.Lane, d.g.Begun(gr, u, nil, d.now)) }

func only(t *testing.T, a Admission) *Grant {
	t.Helper()
	if len(a.Plan.Take) != 1 {
		t.Fatalf("granted %d, want one", len(a.Plan.Take))
	}
	return a.Grants[a.Plan.Take[0]]
}

// TestOneWarms lets one job of a cold prefix go, and the others, of whatever
// hook, when its answer begins.
func TestOneWarms(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "h", "i")
	d.add("a", "h", 5, 20)
	d.add("a", "i", 5, 20)
	d.add("a", "other", 5, 3)
	first := d.take(64)
	if got := len(first.Plan.Take); got != 4 {
		t.Fatalf("granted %d, want one that warms and the 3 that have nothing to do with it", got)
	}
	w := first.Waits["a"]
	if w.Reason != event.CacheWarming || !w.Until.Equal(noon.Add(warmWithin*time.Millisecond)) || !first.Next.Equal(w.Until) {
		t.Errorf("the rest waits for %+v, next look %s; want cache_warming and its bound", w, first.Next)
	}
	d.now = d.now.Add(2 * time.Second)
	if got := len(d.take(64).Plan.Take); got != 0 {
		t.Fatalf("granted %d before the first byte, want none", got)
	}
	for gr := range grantsOf(first, "a") {
		if gr.Hook != "other" {
			if gr.Input < 3000 {
				t.Errorf("the one that warms was debited %d, want the prefix too", gr.Input)
			}
			d.heard(gr, wrote)
		}
	}
	rest := d.take(64)
	if got := len(rest.Plan.Take); got != 39 {
		t.Fatalf("granted %d after the first byte, want the other 39", got)
	}
	for gr := range grantsOf(rest, "a") {
		if gr.Input > 1000 {
			t.Fatalf("%s was debited %d although the cache has its prefix", gr.Job, gr.Input)
		}
	}
}

// TestWarmthEnds pins when a prefix counts as cold again, and that it is
// refreshed by reads and survives a restart.
func TestWarmthEnds(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "h")
	step := func(after time.Duration, want int, u event.Usage) {
		t.Helper()
		d.now = d.now.Add(after)
		d.add("a", "h", 5, 5)
		d.g = governor(t, d.g.options) // nothing lives outside the row
		a := d.take(64)
		if got := len(a.Plan.Take); got != want {
			t.Fatalf("at %s granted %d, want %d", d.now.Sub(noon), got, want)
		}
		for gr := range grantsOf(a, "a") {
			d.heard(gr, u)
			d.settle(gr, Outcome{Usage: u})
		}
		for _, gr := range d.take(64).Grants {
			d.heard(gr, read)
			d.settle(gr, Outcome{Usage: read})
		}
	}
	step(0, 1, wrote)
	step(4*time.Minute, 5, read)
	step(4*time.Minute, 5, read)                 // 8 minutes after it was written, 4 after it was read
	step(4*time.Minute+50*time.Second, 1, wrote) // too close to the end to be relied on
	step(6*time.Minute, 1, wrote)
}

// TestWarmerFails frees the prefix whenever the job that was to write it will
// not.
func TestWarmerFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(d *desk, gr *Grant)
	}{
		{"failed", func(d *desk, gr *Grant) { d.settle(gr, Outcome{Code: "server_error"}) }},
		{"never called", func(d *desk, gr *Grant) { d.running["a"]--; d.change("a", d.g.Released(gr, d.now)) }},
		{"crashed, nothing else runs", func(d *desk, _ *Grant) { d.running["a"] = 0 }},
		{"silent for too long", func(d *desk, _ *Grant) { d.now = d.now.Add(warmWithin * time.Millisecond) }},
		{"its clock was wrong", func(d *desk, gr *Grant) {
			d.now = d.now.Add(-time.Hour)
			d.settle(gr, Outcome{Code: "interrupted"})
		}},
	} {
		d := warmDesk(t, Options{}, "h")
		d.add("a", "h", 5, 10)
		first := only(t, d.take(64))
		tt.fail(d, first)
		d.running["a"] = max(d.running["a"], 0)
		second := only(t, d.take(64))
		if second.Job == first.Job {
			t.Errorf("%s: the same job again", tt.name)
		}
		d.heard(second, wrote)
		if got := len(d.take(64).Plan.Take); got != 8 {
			t.Errorf("%s: granted %d after the second, want 8", tt.name, got)
		}
	}
}

// TestLateWarmer: one that was given up for lost and answers all the same does
// not free what another one writes by now.
func TestLateWarmer(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "h")
	d.add("a", "h", 5, 10)
	first := only(t, d.take(64))
	d.now = d.now.Add(warmWithin * time.Millisecond)
	only(t, d.take(64))
	d.settle(first, Outcome{Code: "server_error"})
	if got := len(d.take(64).Plan.Take); got != 0 {
		t.Errorf("granted %d while the second writes, want none", got)
	}
}

// TestNotCached: a prefix that the API does not cache holds nobody back until
// it is worth another try.
func TestNotCached(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "h")
	d.add("a", "h", 5, 30)
	d.heard(only(t, d.take(64)), plain)
	a := d.take(20)
	if len(a.Plan.Take) != 20 {
		t.Fatalf("granted %d, want 20", len(a.Plan.Take))
	}
	if gr := a.Grants[a.Plan.Take[0]]; gr.Input < 3000 {
		t.Errorf("debited %d, want the whole prompt", gr.Input)
	}
	d.now = d.now.Add(notCached * time.Millisecond)
	if got := len(d.take(20).Plan.Take); got != 1 {
		t.Errorf("granted %d an hour later, want one that tries again", got)
	}
}

// TestUngated is the control: without the gate all go, and all write.
func TestUngated(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{Ungated: true}, "h")
	d.add("a", "h", 5, 20)
	a := d.take(64)
	if len(a.Plan.Take) != 20 {
		t.Fatalf("granted %d, want all 20", len(a.Plan.Take))
	}
	for _, gr := range a.Grants {
		if gr.Input < 3000 {
			t.Errorf("debited %d, want the prefix that it writes", gr.Input)
		}
	}
}

// TestHeldJobsDoNotBlock: jobs that wait for a prefix neither end the turn of
// the lane nor keep admission looking for ever.
func TestHeldJobsDoNotBlock(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{Limits: map[string]Limits{"a": {Requests: 1000, InputTokens: 60_000, OutputTokens: 60_000}}}, "h")
	d.add("a", "h", 1, 5)
	only(t, d.take(64))
	d.waiting = append(d.waiting, event.Candidate{JobID: "huge", Hook: "big", Lane: "a", Model: "m", Priority: 5, Size: 400_000, ReadyAt: d.now})
	d.change("a", func(row event.Lane) event.Lane {
		l := d.g.open(row, d.now)
		l.Passed = millis(d.now.Add(-time.Minute))
		return l.close(d.now)
	})
	if got := len(d.take(64).Plan.Take); got != 0 { // must return
		t.Errorf("granted %d, want none", got)
	}
	d.add("a", "small", 9, 1)
	d.change("a", func(row event.Lane) event.Lane {
		l := d.g.open(row, d.now)
		l.Passed = 0
		return l.close(d.now)
	})
	if got := only(t, d.take(64)).Hook; got != "small" {
		t.Errorf("granted one of %s, want small", got)
	}
}

// TestWarmFirst: of two hooks at the same place in the queue the one whose
// prefix can be read goes first, and fairness bounds by how much.
func TestWarmFirst(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "zz")
	d.g.options.Hooks["aa"] = Hook{ExtraTokens: 3000, Prefixes: map[string]Prefix{"m": {Key: "own", Tokens: 3000, TTL: time.Hour}}}
	d.add("a", "zz", 5, 1)
	d.heard(only(t, d.take(1)), wrote)
	d.change("a", func(row event.Lane) event.Lane { // both at the present
		l := d.g.open(row, d.now)
		l.Now, l.Flows = 0, nil
		return l.close(d.now)
	})
	d.add("a", "aa", 5, 40)
	d.add("a", "zz", 5, 40)
	before := 0
	for {
		gr := only(t, d.take(1))
		if gr.Hook == "aa" {
			break
		}
		before++
	}
	if before < 1 || before > 4 {
		t.Errorf("%d of the warm hook went first, want some and at most what the prefix costs", before)
	}
}

// TestPrefixesAreBounded drops what was used longest ago, and what no lane could
// have stored.
func TestPrefixesAreBounded(t *testing.T) {
	t.Parallel()
	d := warmDesk(t, Options{}, "h")
	d.change("a", func(row event.Lane) event.Lane {
		l := d.g.open(row, d.now)
		for i := range 3 * maxPrefixes {
			l.change(fmt.Sprint("p", i), d.now.Add(time.Duration(i)*time.Millisecond), func(*warmth) {})
		}
		l.Prefixes[""] = warmth{}
		return l.close(d.now)
	})
	l := d.g.open(d.lanes["a"], d.now)
	if got := len(l.Prefixes); got > maxPrefixes {
		t.Errorf("kept %d prefixes, want at most %d", got, maxPrefixes)
	}
	if _, ok := l.Prefixes[fmt.Sprint("p", 3*maxPrefixes-1)]; !ok {
		t.Error("the prefix that was used last is gone")
	}
}

// TestInputIsLearnedEarly: the first answers that begin tell what the prompts of
// the hook weigh; the rest of a flood is debited by that, before any has ended.
func TestInputIsLearnedEarly(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "h", 5, 40)
	for _, gr := range d.take(20).Grants {
		d.heard(gr, event.Usage{InputTokens: 9000, OutputTokens: 1})
	}
	for _, gr := range d.take(20).Grants {
		if gr.Input < 7500 || gr.Input > 9500 {
			t.Fatalf("debited %d, want about the 9000 that the others had", gr.Input)
		}
	}
	l := d.g.open(d.lanes["a"], d.now)
	if p := l.Profiles[profileKey("h", "m")]; p.N != 0 || p.M != 20 {
		t.Errorf("got %v answers and %v inputs, want 0 and 20", p.N, p.M)
	}
}
