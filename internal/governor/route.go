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
	away  map[string]bool       // those whose own lane stays closed
	kept  map[string]string     // the lanes in which the ledger has those that a new configuration moved
	next  time.Time             // when a closed lane opens; zero: not known
}

// reroute decides where each candidate would run: in the lane where it waits, but
// for those that a bounded share has no room for, and those whose lane stays
// closed.
func (g *Governor) reroute(d event.Desk, lanes *book, s *shares) ([]event.Candidate, *routing) {
	r := &routing{moves: make(map[string]event.Move), from: make(map[string]event.Move), away: make(map[string]bool), kept: make(map[string]string)}
	all := slices.Clone(d.Candidates)
	slices.SortStableFunc(all, inLine)
	for i := range all {
		g.rehome(&all[i], r)
		was := event.Move{Lane: all[i].Lane, Model: all[i].Model, Chosen: all[i].Chosen}
		g.withinShare(&all[i], s)
		if until, moved := g.detour(&all[i], d, lanes, s); moved {
			r.opens(until)
			r.away[all[i].JobID] = true
		}
		c := all[i]
		if c.Lane != g.options.Hooks[c.Hook].Own.Lane {
			s.send(c.Lane, c.JobID)
		}
		if to := (event.Move{Lane: c.Lane, Model: c.Model, Chosen: c.Chosen}); to != was {
			r.moves[c.JobID], r.from[c.JobID] = to, was
			all[i].Needs = 0 // it is another model's
		} else if _, rehomed := r.kept[c.JobID]; rehomed {
			r.moves[c.JobID] = to
		}
	}
	return all, r
}

// rehome puts a candidate into the lane that its model has now: models whose
// rates count together must share one, or each lane would use all of the rate.
func (g *Governor) rehome(c *event.Candidate, r *routing) {
	if g.options.LaneOf == nil || c.Lane == event.BatchLane {
		return
	}
	if name := g.options.LaneOf(c.Model); name != c.Lane {
		r.kept[c.JobID], c.Lane = c.Lane, name
	}
}

// withinShare sends a candidate that was not begun to its hook's own model, if
// the lane that a rule chose for it has had its share.
func (g *Governor) withinShare(c *event.Candidate, s *shares) {
	own := g.options.Hooks[c.Hook].Own
	if own.Lane == "" || own.Lane == c.Lane || c.Attempts > 0 || s.room(c.Lane, c.JobID) {
		return
	}
	why := s.full(c.Lane)
	c.Lane, c.Model, c.Chosen = own.Lane, own.Model, chain.Because(c.Chosen, why)
}

// inLine is the order of candidates in their queue. Those that became ready at
// the same moment, as the events of one body do, stay in the order in which the
// ledger has them.
func inLine(a, b event.Candidate) int {
	return cmp.Or(cmp.Compare(a.Priority, b.Priority), a.ReadyAt.Compare(b.ReadyAt))
}

// detour sends a candidate whose lane stays closed to the first of its stand-ins
// whose lane is open, if there is one. Each model class has a rate of its own,
// so this adds rate; and it costs no attempt. The same goes for one whose model
// is gone, even if the next is of the same lane. It returns until when the
// candidate would be moved.
func (g *Governor) detour(c *event.Candidate, d event.Desk, lanes *book, s *shares) (until time.Time, moved bool) {
	instead := g.options.Hooks[c.Hook].Instead
	if instead == nil {
		return until, false
	}
	row := d.Lanes[c.Lane]
	closed, why := staysClosed(row, d.Now), "fallback: "+c.Lane+" paused, "+row.Reason
	until = row.Until
	if back, gone := lanes.lane(c.Lane).missing(c.Model, d.Now); gone && !closed {
		until, why = back, "fallback: "+c.Model+" not found"
	} else if !closed {
		return until, false
	}
	for _, to := range instead(c.Model) {
		if closed && to.Lane == c.Lane || blocked(d.Lanes[to.Lane], d.Now) || !s.room(to.Lane, c.JobID) {
			continue
		}
		if _, gone := lanes.lane(to.Lane).missing(to.Model, d.Now); gone {
			continue
		}
		c.Lane, c.Model, c.Chosen = to.Lane, to.Model, chain.Because(c.Chosen, why)
		return until, true
	}
	return until, false
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
	if from, elsewhere := r.from[gr.Job]; elsewhere {
		gr.From, gr.StandIn = &from, r.away[gr.Job]
	}
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
