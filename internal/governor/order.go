package governor

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

const (
	ageing     = 30 * time.Second // a hook that waits so long gains one priority
	flowMemory = 10 * 60_000      // ms
	passing    = 5_000            // ms for which smaller jobs may pass the first in line
	outputCost = 5                // an output token against an input token, as the prices have it
)

// A flow is one hook's place in the lane's fair queue. Each hook has a clock of
// its own that runs by what its jobs cost, divided by its weight; the hook whose
// clock is furthest behind is served next (start-time fair queueing, Goyal, Vin
// and Cheng, 1996). One that had nothing to do starts at the present: it can
// save up no claim.
type flow struct {
	Finish float64 `json:"f"`
	Served int64   `json:"s"`           // ms
	Turn   float64 `json:"t,omitempty"` // of a hook: the present of its tenants' clocks
}

// An entry is a candidate with its place in the order.
type entry struct {
	event.Candidate
	level int     // priority after ageing
	start float64 // its hook's clock
	late  float64 // what it stands behind others for: a prefix that it must write
}

// A queue is the candidates of one lane by hook, each hook's in its own order.
type queue map[string][]event.Candidate

func newQueue(all []event.Candidate) queue {
	q := make(queue)
	for _, c := range all {
		q[c.Hook] = append(q[c.Hook], c)
	}
	for _, list := range q {
		slices.SortStableFunc(list, inLine)
	}
	return q
}

// order returns the hooks' first jobs, who is next first: by priority, which a
// hook gains while it is not served, then by fairness, then by age. In fairness
// one whose prefix can be read from the cache goes before one that has to write
// its own, by no more than that costs once.
func (l *lane) order(q queue, hooks map[string]Hook, now time.Time) []entry {
	var heads []entry
	for hook, list := range q {
		if len(list) == 0 {
			continue
		}
		f, head := l.Flows[hook], list[0]
		heads = append(heads, entry{Candidate: head, level: head.Priority - l.gained(f, head, now), start: max(f.Finish, l.Now), late: l.late(hooks[hook], head, now)})
	}
	slices.SortFunc(heads, func(a, b entry) int {
		return cmp.Or(
			cmp.Compare(max(a.level, 1), max(b.level, 1)), cmp.Compare(a.start+a.late, b.start+b.late),
			a.ReadyAt.Compare(b.ReadyAt), cmp.Compare(a.JobID, b.JobID),
		)
	})
	return heads
}

// gained returns the priorities that a hook gained: one for each while since
// its first job became ready or, if that was later, since it was last served.
// So a hook with a long backlog gains none over one with a short one.
func (l *lane) gained(f flow, head event.Candidate, now time.Time) int {
	since := max(f.Served, millis(head.ReadyAt))
	return int(max(millis(now)-since, 0) / ageing.Milliseconds())
}

// serve moves the clocks for one granted job.
func (l *lane) serve(e entry, cost float64, weight int, now time.Time) {
	if l.Flows == nil {
		l.Flows = make(map[string]flow)
	}
	l.Now = max(l.Now, e.start)
	l.Flows[e.Hook] = flow{Finish: e.start + cost/float64(max(weight, 1)), Served: millis(now), Turn: l.Flows[e.Hook].Turn}
	l.serveTenant(e.Candidate, cost, millis(now))
}

// correct moves a hook's clock by the difference between what its job was
// thought to cost and what it cost.
func (l *lane) correct(gr *Grant, difference float64, weight int) {
	f, ok := l.Flows[gr.Hook]
	if !ok {
		return
	}
	f.Finish = max(f.Finish+difference/float64(max(weight, 1)), l.Now)
	l.Flows[gr.Hook] = f
	l.correctTenant(gr, difference)
}

// cost is what a job weighs in the fair queue.
func cost(input, output float64) float64 { return max(input+outputCost*output, 1) }
