package governor

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func governor(t testing.TB, o Options) *Governor {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A desk is a desk under construction: lanes are kept from one take to the next.
type desk struct {
	g       *Governor
	now     time.Time
	lanes   map[string]event.Lane
	running map[string]int
	waiting []event.Candidate
	spent   event.NanoUSD
}

func newDesk(t testing.TB, o Options) *desk {
	return &desk{g: governor(t, o), now: noon, lanes: map[string]event.Lane{}, running: map[string]int{}}
}

// add queues n jobs of a hook in a lane.
func (d *desk) add(lane, hook string, priority, n int) {
	for range n {
		id := fmt.Sprintf("%s/%s/%04d", lane, hook, len(d.waiting))
		d.waiting = append(d.waiting, event.Candidate{JobID: id, Hook: hook, Lane: lane, Model: "m", Priority: priority, Size: 300, ReadyAt: d.now})
	}
}

// take admits and books what was granted.
func (d *desk) take(most int) Admission {
	a := d.g.Admit(event.Desk{Now: d.now, Lanes: d.lanes, Running: d.running, Candidates: d.waiting, Max: most, SpentToday: d.spent})
	for _, row := range a.Plan.Lanes {
		d.lanes[row.Name] = row
	}
	for _, id := range a.Plan.Take {
		d.running[a.Grants[id].Lane]++
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(c event.Candidate) bool { return a.Grants[c.JobID] != nil })
	return a
}

func (d *desk) change(lane string, f func(event.Lane) event.Lane) {
	row := d.lanes[lane]
	row.Name = lane
	d.lanes[lane] = f(row)
}

func (d *desk) begun(gr *Grant) { d.change(gr.Lane, d.g.Begun(gr, event.Usage{}, nil, d.now)) }

func (d *desk) settle(gr *Grant, o Outcome) {
	d.running[gr.Lane]--
	d.change(gr.Lane, d.g.Settled(gr, o, d.now))
}

// open lets a lane's gate stand open.
func (d *desk) open(lane string) {
	d.change(lane, func(row event.Lane) event.Lane {
		l := d.g.open(row, d.now)
		l.Gate = gate{}
		return l.close(d.now)
	})
}

func ok(input, output int64) Outcome {
	return Outcome{Usage: event.Usage{InputTokens: input, OutputTokens: output}}
}

// TestSlowStart widens with every answer that begins.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.add("a", "h", 5, 100)
	var open []*Grant
	for _, want := range []int{2, 4, 8, 16} {
		a := d.take(100)
		if len(a.Plan.Take) != want {
			t.Fatalf("granted %d, want %d", len(a.Plan.Take), want)
		}
		if w := a.Waits["a"]; w.Reason != event.RateLimited {
			t.Errorf("the rest waits for %q", w.Reason)
		}
		for _, id := range a.Plan.Take {
			open = append(open, a.Grants[id])
		}
		for _, gr := range open {
			d.begun(gr) // a second time changes nothing
		}
	}
}

// TestPause holds a lane, and only that lane, until its time and resumes it by
// one call.
func TestPause(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.open("b")
	d.add("a", "h", 5, 20)
	d.add("b", "h", 5, 20)
	first := d.take(10)
	until := noon.Add(7 * time.Second)
	var hit *Grant
	for _, gr := range first.Grants {
		if gr.Lane == "a" {
			hit = gr
		}
	}
	d.settle(hit, Outcome{Code: "rate_limited", Detail: "429", Wait: true, Until: until})
	for _, at := range []time.Duration{0, time.Second, 7*time.Second - 1} {
		d.now = noon.Add(at)
		a := d.take(2)
		for _, id := range a.Plan.Take {
			if a.Grants[id].Lane == "a" {
				t.Errorf("%s: the paused lane let %s go", at, id)
			}
		}
		if len(a.Plan.Take) != 2 {
			t.Errorf("%s: the other lane let %d go, want 2", at, len(a.Plan.Take))
		}
		if w := a.Waits["a"]; w.Reason != event.RateLimited || !w.Until.Equal(until) {
			t.Errorf("%s: wait %+v, want rate_limited until %s", at, w, until)
		}
		if row := d.lanes["a"]; !row.Paused || row.Reason != "rate_limited" || row.Detail != "429" {
			t.Errorf("%s: lane %+v", at, row)
		}
	}
	for gr := range grantsOf(first, "a") {
		if gr != hit {
			d.settle(gr, ok(100, 10))
		}
	}
	d.waiting = slices.DeleteFunc(d.waiting, func(c event.Candidate) bool { return c.Lane == "b" })
	d.now = until
	probe := d.take(10)
	if len(probe.Plan.Take) != 1 {
		t.Fatalf("after the pause %d go, want one", len(probe.Plan.Take))
	}
	if again := d.take(10); len(again.Plan.Take) != 0 {
		t.Errorf("before the probe's answer %d more go, want none", len(again.Plan.Take))
	}
	d.begun(probe.Grants[probe.Plan.Take[0]])
	if next := d.take(10); len(next.Plan.Take) != 2 {
		t.Errorf("after the probe's answer %d go, want 2", len(next.Plan.Take))
	}
	if row := d.lanes["a"]; row.Paused || row.Reason != "" || !row.Until.IsZero() {
		t.Errorf("lane still says %+v", row)
	}
}

func grantsOf(a Admission, lane string) func(func(*Grant) bool) {
	return func(yield func(*Grant) bool) {
		for _, id := range a.Plan.Take {
			if gr := a.Grants[id]; gr.Lane == lane && !yield(gr) {
				return
			}
		}
	}
}

// TestPauses pins who may shorten, extend and end a pause.
func TestPauses(t *testing.T) {
	t.Parallel()
	hour := noon.Add(time.Hour)
	for _, tt := range []struct {
		name   string
		before event.Lane
		then   Outcome
		reason string
		until  time.Time
	}{
		{"a longer one extends", event.Lane{Paused: true, Reason: "rate_limited", Until: noon.Add(time.Second)}, Outcome{Code: "rate_limited", Wait: true, Until: hour}, "rate_limited", hour},
		{"a shorter one changes nothing", event.Lane{Paused: true, Reason: "spend_cap", Until: hour}, Outcome{Code: "rate_limited", Wait: true, Until: noon.Add(time.Second)}, "spend_cap", hour},
		{"an operator's stands", event.Lane{Paused: true, Reason: "operator"}, Outcome{Code: "rate_limited", Wait: true, Until: hour}, "operator", time.Time{}},
		{"one without end wins", event.Lane{Paused: true, Reason: "rate_limited", Until: hour}, Outcome{Code: "unauthorized", Wait: true}, "unauthorized", time.Time{}},
		{"one that is over counts no more", event.Lane{Paused: true, Reason: "spend_cap", Until: noon}, Outcome{Code: "billing", Wait: true, Until: hour}, "billing", hour},
		{"a rate limit without a time ends by itself", event.Lane{}, Outcome{Code: "rate_limited", Wait: true}, "rate_limited", noon.Add(unsaidPause)},
	} {
		d := newDesk(t, Options{})
		d.lanes["a"] = tt.before
		d.settle(&Grant{Lane: "a"}, tt.then)
		if row := d.lanes["a"]; !row.Paused || row.Reason != tt.reason || !row.Until.Equal(tt.until) {
			t.Errorf("%s: got %s until %s", tt.name, row.Reason, row.Until)
		}
	}
}

func TestOperator(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "h", 5, 3)
	d.change("a", func(l event.Lane) event.Lane { l.Paused, l.Reason = true, "operator"; return l })
	d.now = d.now.AddDate(1, 0, 0)
	a := d.take(5)
	if len(a.Plan.Take) != 0 || a.Waits["a"].Reason != event.LanePaused || !a.Next.IsZero() {
		t.Errorf("paused: took %v, waits %+v", a.Plan.Take, a.Waits)
	}
	if got := d.g.Look(d.lanes["a"], d.now).Why(event.Job{}); got.Reason != event.LanePaused {
		t.Errorf("why: %+v", got)
	}
	d.change("a", d.g.Resumed(d.now))
	if a := d.take(5); len(a.Plan.Take) != 1 {
		t.Errorf("resumed: took %d, want one first", len(a.Plan.Take))
	}
}

// TestPauseFromAWrongClock ends although its time is a day away.
func TestPauseFromAWrongClock(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.add("a", "h", 5, 3)
	d.lanes["a"] = event.Lane{Paused: true, Reason: "rate_limited", Until: noon.AddDate(0, 0, 1)}
	if a := d.take(5); len(a.Plan.Take) != 1 {
		t.Errorf("a rate limit a day long: took %d, want a probe", len(a.Plan.Take))
	}
	d.lanes["a"] = event.Lane{Paused: true, Reason: "spend_cap", Until: noon.AddDate(0, 0, 5)}
	if a := d.take(5); len(a.Plan.Take) != 0 {
		t.Errorf("a spend cap days long: took %d, want none", len(a.Plan.Take))
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Budget: Budget{Daily: 25e9}})
	d.open("a")
	d.add("a", "h", 5, 10)
	d.spent = 25e9
	a := d.take(5)
	midnight := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	if len(a.Plan.Take) != 0 || a.Waits["a"] != (Wait{event.Budget, midnight}) {
		t.Errorf("took %d, waits %+v", len(a.Plan.Take), a.Waits)
	}
	d.spent = 24e9 // the cap was raised, or the day is over
	if a := d.take(5); len(a.Plan.Take) != 5 {
		t.Errorf("took %d, want 5 at once: a budget needs no probe", len(a.Plan.Take))
	}
}

func TestInFlight(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{MaxInFlight: 64})
	for _, lane := range []string{"a", "b"} {
		d.open(lane)
		d.add(lane, "h", 5, 100)
	}
	for range 10 {
		d.take(50)
	}
	if d.running["a"]+d.running["b"] != 64 || d.running["a"] != 32 {
		t.Errorf("running %v, want 64 in equal parts", d.running)
	}
	// One lane alone leaves a few slots for the other, whose calls may hang.
	d = newDesk(t, Options{MaxInFlight: 64})
	d.open("a")
	d.lanes["b"] = event.Lane{Name: "b"}
	d.add("a", "h", 5, 100)
	a := d.take(100)
	if n := len(a.Plan.Take); n != 60 {
		t.Errorf("one lane took %d slots, want 60", n)
	}
	if a.Waits["a"].Reason != event.WaitingTurn {
		t.Errorf("the rest waits for %q", a.Waits["a"].Reason)
	}
	d = newDesk(t, Options{MaxInFlight: 1})
	d.lanes["b"], d.lanes["c"] = event.Lane{}, event.Lane{}
	d.add("a", "h", 5, 3)
	if a := d.take(3); len(a.Plan.Take) != 1 {
		t.Errorf("a single slot: took %d", len(a.Plan.Take))
	}
}

// TestRelease gives back what was debited.
func TestRelease(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Limits: map[string]Limits{"a": {100, 60_000, 60_000}}})
	d.open("a")
	before := d.g.Look(d.lanes["a"], d.now).View()
	d.add("a", "h", 5, 1)
	a := d.take(1)
	gr := a.Grants[a.Plan.Take[0]]
	if v := d.g.Look(d.lanes["a"], d.now).View(); v.Input.Left >= before.Input.Left || v.Open != 1 || v.Pending == 0 || v.Requests.Left != 99 {
		t.Errorf("granted: %+v", v)
	}
	d.running["a"]--
	d.change("a", d.g.Released(gr, d.now))
	if v := d.g.Look(d.lanes["a"], d.now).View(); v != before {
		t.Errorf("released: %+v, want %+v", v, before)
	}
}

// TestSettle charges what was used, whatever was predicted.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		outcome    Outcome
		in, out    int64 // used of the levels
		predicted  bool  // the prediction stays in force
		streamText int
	}{
		{"usage", ok(1234, 567), 1234, 567, false, 900},
		{"cache writes count, reads do not", Outcome{Usage: event.Usage{InputTokens: 10, CacheWrite5m: 20, CacheWrite1h: 30, CacheRead: 9000, OutputTokens: 5}}, 60, 5, false, 0},
		{"all from the cache", Outcome{Usage: event.Usage{CacheRead: 9000, OutputTokens: 5}}, 0, 5, false, 0},
		{"usage never came", Outcome{}, 0, 0, true, 0},
		{"a cut stream: what was seen", Outcome{Code: "stream_truncated", Usage: event.Usage{InputTokens: 1000, OutputTokens: 40}}, 1000, 40, false, 30},
		{"no response: who knows", Outcome{Code: "connection"}, 0, 0, true, 0},
		{"refused unread", Outcome{Code: "overloaded"}, 0, 0, false, 0},
		{"absurd usage", ok(-5, 1<<60), 0, 200_000, true, 0},
	} {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {100, 100_000, 100_000}}})
		d.open("a")
		d.add("a", "h", 5, 1)
		a := d.take(1)
		gr := a.Grants[a.Plan.Take[0]]
		predicted := gr.Input
		if tt.streamText > 0 {
			d.change("a", d.g.Charged(gr.Stream(tt.streamText), d.now))
		}
		d.settle(gr, tt.outcome)
		v := d.g.Look(d.lanes["a"], d.now).View()
		in := tt.in
		if tt.predicted {
			in = predicted
		}
		if got := 100_000 - v.Input.Left; got != in && got != in+1 {
			t.Errorf("%s: %d input tokens charged, want %d", tt.name, got, in)
		}
		if got := 100_000 - v.Output.Left; (got < tt.out || got > tt.out+1) && tt.out < 200_000 {
			t.Errorf("%s: %d output tokens charged, want %d", tt.name, got, tt.out)
		}
		if v.Open != 0 || v.Pending != 0 {
			t.Errorf("%s: still open: %+v", tt.name, v)
		}
		if v.Output.Left < -200_000 {
			t.Errorf("%s: debt %d is past two minutes", tt.name, v.Output.Left)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{MaxInFlight: -1}, {Budget: Budget{Daily: -1}}, {Hooks: map[string]Hook{"h": {Budget: Budget{PerTenant: -1}}}}, {Limits: map[string]Limits{"a": {Requests: -1}}}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}

// TestAdmitIsPure gives the same answer to the same desk.
func TestAdmitIsPure(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Limits: map[string]Limits{"a": {1000, 500_000, 100_000}}})
	for i := range 20 {
		d.add("a", fmt.Sprint("h", i), 1+i%9, 3)
		d.add("b", fmt.Sprint("h", i), 1+i%9, 3)
	}
	one := event.Desk{Now: d.now, Lanes: d.lanes, Candidates: d.waiting, Max: 30}
	first, _ := json.Marshal(d.g.Admit(one).Plan)
	for range 20 {
		if again, _ := json.Marshal(d.g.Admit(one).Plan); string(again) != string(first) {
			t.Fatalf("got\n%s\nthen\n%s", first, again)
		}
	}
	if len(d.lanes) != 0 {
		t.Error("Admit changed the desk")
	}
}

func BenchmarkAdmit(b *testing.B) {
	d := newDesk(b, Options{MaxInFlight: 1 << 30})
	for i := range 50 {
		d.add("a", fmt.Sprint("h", i), 5, 8)
	}
	d.open("a")
	one := event.Desk{Now: d.now, Lanes: d.lanes, Candidates: d.waiting, Max: 16}
	for b.Loop() {
		d.g.Admit(one)
	}
}
