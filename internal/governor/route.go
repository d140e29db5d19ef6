package governor

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/chain"
)

// longWait is how long a lane must stay closed for a job to go elsewhere: it may
// cost more there.
const longWait = 30 * time.Second

// A Choice is a model and its lane.
type Choice struct {
	Model string
	Lane  string
}

// A routing is where candidates go instead of the lanes that they wait in. It
// counts for one admission: a job that is not granted stays where it is, so
// that it returns to its own lane when that opens.
type routing struct {
	moves map[string]event.Move // by job id
	from  map[string]event.Move // where those came from
	next  time.Time             // when a closed lane opens; zero: not known
}

// reroute sends candidates that wait in a lane which stays closed to the first
// of their stand-ins whose lane is open. Each model class has a rate of its
// own, so this adds rate; and it costs no attempt.
func (g *Governor) reroute(d event.Desk) ([]event.Candidate, *routing) {
	r := &routing{moves: make(map[string]event.Move), from: make(map[string]event.Move)}
	all := slices.Clone(d.Candidates)
	slices.SortStableFunc(all, inLine)
	for i, c := range all {
		to, why, ok := g.detour(c, d)
		if !ok {
			continue
		}
		r.opens(d.Lanes[c.Lane].Until)
		r.from[c.JobID] = event.Move{Lane: c.Lane, Model: c.Model, Chosen: c.Chosen}
		all[i].Lane, all[i].Model, all[i].Chosen = to.Lane, to.Model, chain.Because(c.Chosen, why)
		r.moves[c.JobID] = event.Move{Lane: to.Lane, Model: to.Model, Chosen: all[i].Chosen}
	}
	return all, r
}

// inLine is the order of candidates in their queue.
func inLine(a, b event.Candidate) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.ReadyAt.Compare(b.ReadyAt), cmp.Compare(a.JobID, b.JobID))
}

// detour finds the stand-in for a candidate whose lane stays closed.
func (g *Governor) detour(c event.Candidate, d event.Desk) (to Choice, why string, ok bool) {
	instead := g.options.Hooks[c.Hook].Instead
	row := d.Lanes[c.Lane]
	if instead == nil || !staysClosed(row, d.Now) {
		return Choice{}, "", false
	}
	for _, to := range instead(c.Model) {
		if to.Lane != c.Lane && !blocked(d.Lanes[to.Lane], d.Now) {
			return to, "fallback: " + c.Lane + " paused, " + row.Reason, true
		}
	}
	return Choice{}, "", false
}

// staysClosed reports whether a lane lets nothing go for long: its pause ends
// late or not by itself, or the API is failing. A person who pauses a lane
// wants its jobs to wait, and when the money is spent it is spent for all.
func staysClosed(row event.Lane, now time.Time) bool {
	if !blocked(row, now) {
		return false
	}
	switch row.Reason {
	case "operator", "budget":
		return false
	case "overloaded", "unavailable":
		return true
	}
	return row.Until.IsZero() || row.Until.Sub(now) > longWait
}

// opens notes when a closed lane opens.
func (r *routing) opens(at time.Time) {
	if !at.IsZero() && (r.next.IsZero() || at.Before(r.next)) {
		r.next = at
	}
}

// granted writes down in the plan where a granted job goes.
func (r *routing) granted(gr *Grant, p *event.Plan) {
	to, moved := r.moves[gr.Job]
	if !moved {
		return
	}
	if p.Moves == nil {
		p.Moves = make(map[string]event.Move)
	}
	p.Moves[gr.Job] = to
	gr.From = new(r.from[gr.Job])
}

// blocked reports whether a lane lets nothing go. A short pause that ends
// impossibly late is none: the clock was wrong when it began.
func blocked(row event.Lane, now time.Time) bool { return row.Blocks(now) && !absurd(row, now) }

func absurd(row event.Lane, now time.Time) bool {
	switch row.Reason {
	case "rate_limited", "ramp_limited", "overloaded", "unavailable":
		return row.Until.Sub(now) > longestPause
	}
	return false
}
