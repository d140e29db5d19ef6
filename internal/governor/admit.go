package governor

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// lookBehind is how many jobs behind a hook's first may be looked at when the
// first is too big for the moment.
const lookBehind = 4

// A turn is one lane during one admission.
type turn struct {
	*lane
	queue   queue
	running int
	done    bool // nothing more of it may go now
	wait    Wait

	poor      bool // jobs of it wait for money
	poorUntil time.Time
}

// Admit says which of the desk's candidates may call now. It is pure: the same
// desk gives the same admission.
func (g *Governor) Admit(d event.Desk) Admission {
	a := Admission{Grants: make(map[string]*Grant), Verdicts: make(map[string]Verdict), Waits: make(map[string]Wait)}
	var routes *routing
	lanes := &book{g: g, desk: &d, lanes: make(map[string]*lane)}
	shares := g.shares(lanes)
	d.Candidates, routes = g.reroute(d, lanes, shares)
	turns, till := g.turns(d, lanes), g.till(d, routes)
	till.screen(turns)
	open, most := 0, g.options.MaxInFlight
	for _, n := range d.Running {
		open += n
	}
	share := g.share(d)
	for len(a.Plan.Take) < d.Max {
		t := least(turns)
		if t == nil {
			break
		}
		if open >= most || t.running >= share || !t.Load.admits(t.running) {
			t.end(event.WaitingTurn, time.Time{})
			continue
		}
		grant, ok := g.next(t, till)
		if !ok {
			continue
		}
		open++
		t.running++
		a.Plan.Take = append(a.Plan.Take, grant.Job)
		a.Grants[grant.Job] = grant
		a.reserve(grant)
		routes.granted(grant, &a.Plan)
		shares.note(grant)
	}
	a.conclude(turns, d.Now)
	till.conclude(&a, d.Max)
	a.Plan.Lanes = append(a.Plan.Lanes, shares.rows(turns, d.Now)...)
	if routes.next.After(d.Now) && (a.Next.IsZero() || routes.next.Before(a.Next)) {
		a.Next = routes.next
	}
	return a
}

// turns opens every lane that has candidates.
func (g *Governor) turns(d event.Desk, lanes *book) []*turn {
	byLane := make(map[string][]event.Candidate)
	for _, c := range d.Candidates {
		byLane[c.Lane] = append(byLane[c.Lane], c)
	}
	broke := g.broke(d)
	var all []*turn
	for _, name := range slices.Sorted(maps.Keys(byLane)) {
		t := &turn{lane: lanes.lane(name), queue: newQueue(byLane[name]), running: d.Running[name]}
		t.share(g.options.Hooks)
		t.reconcile(t.running)
		t.resume(d.Now, broke)
		all = append(all, t)
	}
	return all
}

// A book is the lanes of a desk, each decoded at most once.
type book struct {
	g     *Governor
	desk  *event.Desk
	lanes map[string]*lane
}

func (b *book) lane(name string) *lane {
	l, opened := b.lanes[name]
	if !opened {
		row := b.desk.Lanes[name]
		row.Name = name
		l = b.g.open(row, b.desk.Now)
		b.lanes[name] = l
	}
	return l
}

// share is how many calls one lane may have open: all but a few that stay free
// for each of the other lanes, so that calls that hang in one never stop
// another.
func (g *Governor) share(d event.Desk) int {
	lanes := make(map[string]bool)
	for name := range d.Lanes {
		lanes[name] = true
	}
	for name := range d.Running {
		lanes[name] = true
	}
	for _, c := range d.Candidates {
		lanes[c.Lane] = true
	}
	most, others := g.options.MaxInFlight, len(lanes)-1
	spare := min(max(most/16, 1), 4)
	if others <= 0 || others*spare >= most {
		return max(most-max(others, 0), 1)
	}
	return most - others*spare
}

// least returns the turn with the fewest calls open that is not done.
func least(turns []*turn) *turn {
	var best *turn
	for _, t := range turns {
		if !t.done && (best == nil || t.running < best.running) {
			best = t
		}
	}
	return best
}

// reconcile corrects what the state believes to be open by the jobs that the
// ledger knows to run: grants of a process that died are not settled.
func (l *lane) reconcile(running int) {
	if l.Open > running {
		l.Pending *= float64(running) / float64(l.Open)
		l.Open = running
	}
	l.Gate.limit(running)
	if running == 0 {
		l.abandon()
	}
}

// resume keeps a paused lane closed, opens one whose pause is over by one call,
// and closes all of them when the day's money is spent.
func (t *turn) resume(now time.Time, broke bool) {
	switch {
	case t.row.Paused && t.row.Reason == "budget" && !broke:
		t.unpause()
	case blocked(t.row, now):
	case broke:
		t.row.Paused, t.row.Reason, t.row.Detail = true, "budget", "the daily budget is spent"
		t.row.Until = nextDay(now)
		t.dirty = true
	case t.row.Paused:
		t.unpause()
		t.Gate.begin(1)
	}
	if t.row.Blocks(now) {
		t.end(event.JobReason(t.row.Reason), t.row.Until)
	}
}

func (t *turn) unpause() {
	t.row.Paused, t.row.Reason, t.row.Detail, t.row.Until = false, "", "", time.Time{}
	t.dirty = true
}

// end closes the turn; its jobs that are left wait for why.
func (t *turn) end(why event.Reason, until time.Time) {
	t.done, t.wait = true, Wait{Reason: why, Until: until}
}

// next grants one job of the lane, or ends its turn.
func (g *Governor) next(t *turn, money *till) (*Grant, bool) {
	now := money.now
	heads := t.order(t.queue, g.options.Hooks, now)
	if len(heads) == 0 {
		t.done = true
		return nil, false
	}
	if until, shut := t.shut(now); shut {
		t.end(event.RateLimited, until)
		return nil, false
	}
	t.done = true // unless one fits
	first := true // of those that do not wait for their prefix
	for _, e := range heads {
		for depth := range t.depth(e.Hook) {
			e.Candidate = t.queue[e.Hook][depth]
			f := t.expect(g.options.Hooks[e.Hook], e.Candidate, now)
			if until, held := t.held(f, !g.options.Ungated); held {
				t.hold(until)
				continue
			}
			wait, lane := t.room(f, now)
			if wait == 0 {
				if v := money.judge(t, e.Candidate); !v.fits() {
					money.turnAway(t, e.Candidate, v)
					t.done = false // look again, without those
					return nil, false
				}
				c := choice{forecast: f, depth: depth, first: first, most: money.most(e.Candidate, f.input)}
				money.reserve(e.Candidate, c.most)
				return g.grant(t, e, c, now), true
			}
			if lane || t.pinned(first, wait, now) {
				return nil, false
			}
			first = false
		}
	}
	return nil, false
}

// hold notes that a job waits for its prefix.
func (t *turn) hold(until time.Time) {
	if t.wait.Reason == "" {
		t.wait = Wait{Reason: event.CacheWarming, Until: until}
	}
}

// depth is how far into a hook's queue admission may look.
func (t *turn) depth(hook string) int { return min(len(t.queue[hook]), 1+lookBehind) }

// room returns the milliseconds until a job fits, and whether it is the lane as
// a whole that has no room, whatever the job's size.
func (t *turn) room(f forecast, now time.Time) (wait int64, lane bool) {
	at := millis(now)
	pace := t.pace(at)
	if wait = max(t.Req.wait(1, pace), t.outputWait(f.output, pace, at)); wait > 0 {
		t.end(event.RateLimited, now.Add(time.Duration(wait)*time.Millisecond))
		return wait, true
	}
	return t.In.wait(f.input, pace), false
}

// pinned notes that a job is too big for the moment. Smaller ones may pass the
// first in line, but only for a while: then the lane waits for it.
func (t *turn) pinned(first bool, wait int64, now time.Time) bool {
	until := now.Add(time.Duration(wait) * time.Millisecond)
	if first {
		if t.Passed == 0 || setBack(millis(now), t.Passed) {
			t.Passed, t.dirty = millis(now), true
		}
		t.wait = Wait{Reason: event.RateLimited, Until: until}
	}
	return millis(now)-t.Passed >= passing
}

// outputWait returns the milliseconds until the lane's output has room for one
// more answer. The API refuses new calls while its bucket is empty; what open
// calls are still going to say is counted against what will flow in while they
// say it.
func (l *lane) outputWait(need, pace float64, now int64) int64 {
	b := &l.Out
	if !b.known() {
		return 0
	}
	margin := max(outputReserve*b.reserve(), l.uncounted(now)) * (1 + float64(l.Gate.Waiting)/10)
	if b.Level < margin {
		return max(int64((margin-b.Level)/(b.rate()*pace)*1000), 1)
	}
	room := b.level() - margin + b.rate()*pace*l.lag()*outputHorizon
	if l.Open == 0 || l.Pending+need <= room {
		return 0
	}
	return max(int64((l.Pending+need-room)/(b.rate()*pace)*1000), 1)
}

// How the output bucket is used.
const (
	// outputHorizon is how much more than the rate may be pending for the time
	// that output takes to come: a little, so that the rate is used up, and no
	// more than the reserve catches.
	outputHorizon = 1.1
	// outputReserve is the reserve against that of other buckets: output is
	// counted a little after it was produced.
	outputReserve = 1.6
	// chargeGap is how long output streams before it is charged, in seconds.
	chargeGap = 0.3
)

// A choice is a job that fits.
type choice struct {
	forecast
	depth int
	first bool // it is the first in line
	most  event.NanoUSD
}

// grant debits the lane for one job and takes it out of the queue.
func (g *Governor) grant(t *turn, e entry, c choice, now time.Time) *Grant {
	t.queue[e.Hook] = slices.Delete(t.queue[e.Hook], c.depth, c.depth+1)
	t.done, t.wait, t.dirty = false, Wait{}, true
	if c.first {
		t.Passed = 0
	}
	t.serve(e, cost(c.input, c.output), g.options.Hooks[e.Hook].Weight, now)
	t.Req.take(1)
	t.In.take(c.input)
	t.Pending += c.output
	t.Open++
	t.Gate.sent(c.input, millis(now))
	t.warms(c.forecast, e.JobID, now)
	t.asks(e.Model, now)
	return &Grant{
		Job: e.JobID, Hook: e.Hook, Tenant: e.Tenant, Lane: e.Lane, Model: e.Model, Size: e.Size, At: now,
		Input: int64(c.input), Output: int64(c.output), minute: t.In.Limit, perToken: cmp.Or(c.perToken, bytesPerTok), prefix: c.prefix,
		Reserved: c.most,
	}
}

// conclude writes down what changed and why the rest waits.
func (a *Admission) conclude(turns []*turn, now time.Time) {
	for _, t := range turns {
		if t.dirty {
			a.Plan.Lanes = append(a.Plan.Lanes, t.close(now))
		}
		if t.left() == 0 {
			if t.poor && t.wait.Reason == "" {
				a.Waits[t.row.Name] = Wait{Reason: event.Budget, Until: t.poorUntil}
			}
			continue
		}
		if t.wait.Reason == "" {
			t.wait.Reason = event.WaitingTurn
		}
		a.Waits[t.row.Name] = t.wait
		if u := t.wait.Until; u.After(now) && (a.Next.IsZero() || u.Before(a.Next)) {
			a.Next = u
		}
	}
}

// left counts the candidates that were not granted.
func (t *turn) left() int {
	n := 0
	for _, list := range t.queue {
		n += len(list)
	}
	return n
}

// Resumed returns the change by which a person opens a lane again, whatever it
// was paused for: by one call, and the rest when its answer begins.
func (g *Governor) Resumed(now time.Time) func(event.Lane) event.Lane {
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		(&turn{lane: l}).unpause()
		l.Gate.begin(1)
		l.Load = load{}
		return l.close(now)
	}
}

// reserve notes what a grant may cost.
func (a *Admission) reserve(gr *Grant) {
	if gr.Reserved <= 0 {
		return
	}
	if a.Plan.Reserve == nil {
		a.Plan.Reserve = make(map[string]event.NanoUSD)
	}
	a.Plan.Reserve[gr.Job] = gr.Reserved
}

// broke reports whether the money of all hooks is spent, and everything waits.
func (g *Governor) broke(d event.Desk) bool {
	b := g.options.Budget
	holds := b.AtCap == "" || b.AtCap == AtCapHold
	return b.Daily > 0 && holds && max(d.SpentToday, d.Purses.All().Spent) >= b.Daily
}
