package governor

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// What happens to a job at the cap of a budget.
const (
	AtCapHold      = "hold"      // it waits, at most until the next UTC day
	AtCapDowngrade = "downgrade" // it goes to a cheaper model, or waits where there is none
	AtCapDead      = "dead"      // it ends
)

// A Budget bounds the money of a UTC day. What counts is what the calls that
// ended on it cost and the most that the calls under way may cost: a job whose
// own most does not fit beside these is not admitted. So the day's known costs
// stay within the cap as long as no call costs more than was reserved for it,
// and otherwise exceed it by the sum of those differences over the calls that
// were under way at once, and no more.
type Budget struct {
	Daily     event.NanoUSD // zero: no bound
	PerTenant event.NanoUSD // of a hook only, for each of its tenants; zero: no bound
	AtCap     string        // default AtCapHold
	// Downgrade is the share of a cap from which on AtCapDowngrade takes the
	// cheaper model; the rest of the cap is left to that. Zero: all of it.
	Downgrade float64
}

// A Verdict is what the budgets say about one job. The zero Verdict lets it go.
type Verdict struct {
	Dead  *event.Failure // it ends
	Down  *Choice        // it goes to this model
	Hold  bool           // it waits
	Until time.Time      // of a hold: the next day; zero: until calls under way have ended
	whole bool           // of a hold: it is the hook's, or everybody's, not one tenant's
}

// fits reports whether the job may go.
func (v Verdict) fits() bool { return v.Dead == nil && v.Down == nil && !v.Hold }

// A limit is one budget that a job falls under, with what is used up of it.
type limit struct {
	Budget
	cap   event.NanoUSD
	name  string
	whole bool
	event.Purse
}

// limits returns the budgets of an account, the widest first.
func (g *Governor) limits(a event.Account, p event.Purses) []limit {
	own := g.options.Hooks[a.Hook].Budget
	all := []limit{
		{g.options.Budget, g.options.Budget.Daily, "the daily budget", true, p.All()},
		{own, own.Daily, "the hook's daily budget", true, p[event.Account{Hook: a.Hook}]},
	}
	if a.Tenant != "" {
		all = append(all, limit{own, own.PerTenant, "the tenant's daily budget", false, p[a]})
	}
	return slices.DeleteFunc(all, func(l limit) bool { return l.cap <= 0 })
}

// Judge says whether amount, the most that the next call of an account's job to
// a model can cost, fits beside what is used up.
func (g *Governor) Judge(a event.Account, model string, amount event.NanoUSD, p event.Purses, now time.Time) Verdict {
	var worst Verdict
	for _, l := range g.limits(a, p) {
		v := g.judge(l, a.Hook, model, amount, now)
		switch {
		case v.Down != nil:
			return v
		case v.Dead != nil && worst.Dead == nil, v.Hold && worst.fits(), v.Hold && worst.Hold && worst.Until.IsZero():
			worst = v
		}
	}
	return worst
}

func (g *Governor) judge(l limit, hook, model string, amount event.NanoUSD, now time.Time) Verdict {
	if l.AtCap == AtCapDowngrade {
		from := l.Downgrade
		if from <= 0 || from > 1 {
			from = 1
		}
		if to, ok := g.cheaper(hook, model); ok && l.Total()+amount > event.NanoUSD(math.Floor(from*float64(l.cap))) {
			return Verdict{Down: &to}
		}
	}
	switch {
	case amount > l.cap:
		return Verdict{Dead: &event.Failure{
			Code:    "budget_exhausted",
			Message: fmt.Sprintf("the call may cost $%.6f, which is more than %s of $%.6f", amount.Dollars(), l.name, l.cap.Dollars()),
			Hint:    "raise the budget, lower max_tokens, gather less or use a cheaper model, and rerun the job",
		}}
	case l.Total()+amount <= l.cap && l.Total() < l.cap:
		return Verdict{}
	case l.Spent+amount <= l.cap && l.Spent < l.cap:
		return Verdict{Hold: true, whole: l.whole}
	case l.AtCap == AtCapDead:
		return Verdict{Dead: &event.Failure{
			Code:    "budget_exhausted",
			Message: fmt.Sprintf("%s of $%.6f is used up", l.name, l.cap.Dollars()),
			Hint:    "raise the budget or wait for the next UTC day, and rerun the job",
		}}
	}
	return Verdict{Hold: true, Until: nextDay(now), whole: l.whole}
}

// cheaper returns the model that a hook's job goes to for want of money.
func (g *Governor) cheaper(hook, model string) (Choice, bool) {
	if f := g.options.Hooks[hook].Cheaper; f != nil {
		return f(model)
	}
	return Choice{}, false
}

// nextDay is the midnight after now, in UTC.
func nextDay(now time.Time) time.Time {
	y, m, d := now.UTC().Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}

// Worst returns the most that a call can cost whose prompt has at most input
// tokens; false if the model's price is not known.
func (g *Governor) Worst(hook, model string, input int64, now time.Time) (event.NanoUSD, bool) {
	if g.options.Worst == nil {
		return 0, false
	}
	return g.options.Worst(hook, model, input, now)
}

// A till is the money during one admission: what the ledger says, and what this
// admission reserves.
type till struct {
	g      *Governor
	now    time.Time
	purses event.Purses
	routes *routing
	ended  map[string]Verdict // by job: those that leave the queue without a call
	holds  map[event.Hold]time.Time
}

func (g *Governor) till(d event.Desk, r *routing) *till {
	t := &till{g: g, now: d.Now, routes: r, purses: make(event.Purses, len(d.Purses)), ended: make(map[string]Verdict), holds: make(map[event.Hold]time.Time)}
	maps.Copy(t.purses, d.Purses)
	return t
}

// most is the most that a candidate can cost: by what is known of it from an
// attempt that there was no money for, or by a generous guess at its prompt; what
// is known once that is written may be more.
func (t *till) most(c event.Candidate, predicted float64) event.NanoUSD {
	hook := t.g.options.Hooks[c.Hook]
	input := max(1.5*predicted, guess(hook, c.Size).input+float64(hook.ExtraTokens))
	amount, _ := t.g.Worst(c.Hook, c.Model, int64(min(input, mostInput)), t.now)
	return max(amount, c.Needs)
}

// reserve takes the money of a job that goes.
func (t *till) reserve(c event.Candidate, amount event.NanoUSD) {
	t.purses.Reserve(event.Account{Hook: c.Hook, Tenant: c.Tenant}, amount)
}

// screen takes out of the queues whoever cannot go for want of money.
func (t *till) screen(turns []*turn) {
	if !t.g.budgeted {
		return
	}
	for _, turn := range turns {
		for hook := range turn.queue {
			for _, c := range slices.Clone(turn.queue[hook]) {
				if v := t.judge(turn, c); !v.fits() {
					t.turnAway(turn, c, v)
				}
			}
		}
	}
}

func (t *till) judge(turn *turn, c event.Candidate) Verdict {
	if !t.g.budgeted {
		return Verdict{}
	}
	f := turn.predict(t.g.options.Hooks[c.Hook], profileKey(c.Hook, c.Model), c.Size)
	return t.g.Judge(event.Account{Hook: c.Hook, Tenant: c.Tenant}, c.Model, t.most(c, f.input), t.purses, t.now)
}

// turnAway takes a candidate out of its queue, and if it waits for money, those
// of its tenant or hook that would wait behind it: a cheaper one must not pass
// for ever. One that would have gone to a stand-in, where it costs more, simply
// waits for its own lane; and one that is moved is not sent back by a downgrade
// to where it came from, only to be moved again.
func (t *till) turnAway(turn *turn, c event.Candidate, v Verdict) {
	if t.routes.away[c.JobID] {
		turn.queue[c.Hook] = slices.DeleteFunc(turn.queue[c.Hook], func(o event.Candidate) bool { return o.JobID == c.JobID })
		return
	}
	if from, moved := t.routes.from[c.JobID]; moved && v.Down != nil && v.Down.Model == from.Model {
		v = Verdict{Hold: true, Until: nextDay(t.now)}
	}
	turn.queue[c.Hook] = slices.DeleteFunc(turn.queue[c.Hook], func(o event.Candidate) bool {
		if o.JobID == c.JobID {
			return true
		}
		if !v.Hold || !v.whole && o.Tenant != c.Tenant {
			return false
		}
		if !t.routes.away[o.JobID] {
			t.hold(o, v.Until)
		}
		return true
	})
	if v.Hold {
		t.hold(c, v.Until)
		turn.poor, turn.poorUntil = true, v.Until
		return
	}
	t.ended[c.JobID] = v
}

// hold notes that jobs wait for money, in the lane where the ledger has them.
func (t *till) hold(c event.Candidate, until time.Time) {
	h := event.Hold{Hook: c.Hook, Lane: c.Lane, Tenant: c.Tenant}
	if from, moved := t.routes.from[c.JobID]; moved {
		h.Lane = from.Lane
	}
	if lane, rehomed := t.routes.kept[c.JobID]; rehomed {
		h.Lane = lane
	}
	t.holds[h] = until
}

// conclude adds what the till decided: whose jobs wait for money, and which are
// taken to be ended or moved.
func (t *till) conclude(a *Admission, most int) {
	for _, h := range slices.SortedFunc(maps.Keys(t.holds), compareHolds) {
		until := t.holds[h]
		h.Until = until
		a.Plan.Holds = append(a.Plan.Holds, h)
		if until.After(t.now) && (a.Next.IsZero() || until.Before(a.Next)) {
			a.Next = until
		}
	}
	for _, job := range slices.Sorted(maps.Keys(t.ended)) {
		if len(a.Plan.Take) >= most {
			break
		}
		a.Plan.Take = append(a.Plan.Take, job)
		a.Verdicts[job] = t.ended[job]
	}
}

func compareHolds(a, b event.Hold) int {
	return cmp.Or(cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Tenant, b.Tenant))
}
