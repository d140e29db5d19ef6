package work

import (
	"maps"
	"slices"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
)

// batchSlots is how many jobs are made ready for batches at once. They make no
// call, so they have slots of their own: a lane that is full must not keep jobs
// from leaving it for a batch.
const batchSlots = 16

// room is how many journeys may begin: with a call at their end, or in a batch.
type room struct{ live, batch int }

func (r room) all() int { return r.live + r.batch }

// room counts the free slots. Without a hook that uses batches those of batches
// come with the others: what was left in the lane still goes.
func (w *Worker) room() room {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := room{live: w.opts.Slots}
	if w.opts.Batch != nil {
		r.batch = batchSlots
	}
	for _, j := range w.running {
		if j.batch {
			r.batch--
		} else {
			r.live--
		}
	}
	r.live, r.batch = max(r.live, 0), max(r.batch, 0)
	if r.live == 0 && !w.batching() {
		r.batch = 0
	}
	return r
}

// batching reports whether a hook uses batches.
func (w *Worker) batching() bool {
	for _, h := range w.opts.Hooks {
		if h.Batch || h.Spill > 0 {
			return true
		}
	}
	return false
}

// An admission is who may go, and how.
type admission struct {
	governor.Admission
}

// admit lets the governor decide on live calls, and adds the jobs that are to be
// made ready for a batch: those of the batch lane, and those that have waited
// too long for a call. It is pure.
func (w *Worker) admit(d event.Desk, r room) admission {
	all := d.Candidates
	d.Candidates = slices.DeleteFunc(slices.Clone(all), func(c event.Candidate) bool { return c.Lane == event.BatchLane })
	d.Max = r.live
	delete(d.Running, event.BatchLane)
	a := admission{w.opts.Governor.Admit(d)}
	if w.opts.Batch == nil {
		return a
	}
	lane, changed := w.opts.Governor.Batches(d)
	if changed {
		a.Plan.Lanes = append(a.Plan.Lanes, lane)
	}
	if lane.Blocks(d.Now) {
		return a
	}
	purses := maps.Clone(d.Purses)
	for _, c := range w.batchable(d, all, a.Plan) {
		if w.broke(d, c, purses, &a.Plan) {
			continue
		}
		if r.batch--; r.batch < 0 {
			break
		}
		a.Plan.Take = append(a.Plan.Take, c.JobID)
		if c.Lane == event.BatchLane {
			continue
		}
		if a.Plan.Moves == nil {
			a.Plan.Moves = make(map[string]event.Move)
		}
		a.Plan.Moves[c.JobID] = event.Move{Lane: event.BatchLane, Model: c.Model, Chosen: c.Chosen}
	}
	return a
}

// broke reports whether a job waits for money on its way into a batch: one of
// which an attempt found out what it needs. What is left over is reserved for it.
func (w *Worker) broke(d event.Desk, c event.Candidate, purses event.Purses, p *event.Plan) bool {
	if c.Needs <= 0 {
		return false
	}
	account := event.Account{Hook: c.Hook, Tenant: c.Tenant}
	if v := w.opts.Governor.Judge(account, c.Model, c.Needs, purses, d.Now); v.Hold {
		h := event.Hold{Hook: c.Hook, Lane: c.Lane, Tenant: c.Tenant, Until: v.Until}
		if !poor(*p, c) {
			p.Holds = append(p.Holds, h)
		}
		return true
	}
	purses.Reserve(account, c.Needs)
	if p.Reserve == nil {
		p.Reserve = make(map[string]event.NanoUSD)
	}
	p.Reserve[c.JobID] = c.Needs
	return false
}

// batchable returns the candidates that may go into a batch, one of each hook
// in turn.
func (w *Worker) batchable(d event.Desk, all []event.Candidate, p event.Plan) []event.Candidate {
	var rounds [][]event.Candidate
	seen := make(map[string]int)
	for _, c := range all {
		if c.Lane != event.BatchLane && (!w.spills(d, c) || slices.Contains(p.Take, c.JobID) || poor(p, c)) {
			continue
		}
		n := seen[c.Hook]
		seen[c.Hook]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], c)
	}
	return slices.Concat(rounds...)
}

// poor reports whether a job waits for money.
func poor(p event.Plan, c event.Candidate) bool {
	return slices.ContainsFunc(p.Holds, func(h event.Hold) bool { return h.Hook == c.Hook && h.Lane == c.Lane && h.Tenant == c.Tenant })
}

// spills reports whether a job has waited longer for a call than its hook
// allows. One that waits for money would wait for it in a batch too.
func (w *Worker) spills(d event.Desk, c event.Candidate) bool {
	h := w.opts.Hooks[c.Hook]
	if h == nil || h.Spill <= 0 || d.Now.Sub(c.ReadyAt) < h.Spill {
		return false
	}
	l := d.Lanes[c.Lane]
	return !l.Blocks(d.Now) || event.JobReason(l.Reason) != event.Budget
}
