package work

import (
	"context"
	"errors"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/chain"
	"github.com/forebayhq/forebay/internal/governor"
)

// soon is how long a job waits that was moved to a lane for which there is no
// money.
const soon = 15 * time.Second

// afforded ends an attempt that the budgets allow no call.
func (a *attempt) afforded(v governor.Verdict) (event.Settlement, bool) {
	switch {
	case !a.stays(v):
		return a.again(event.Again{Reason: event.Budget, Until: a.w.now().Add(soon), Free: true}), true
	case v.Dead != nil:
		return a.dead(*v.Dead), true
	case v.Down != nil:
		lane := v.Down.Lane
		if a.job.Job.Lane == event.BatchLane {
			lane = event.BatchLane
		}
		return a.again(event.Again{Reason: event.WaitingTurn, Free: true, Lane: lane, Model: v.Down.Model, Chosen: chain.Because(a.job.Job.Chosen, "downgrade: budget")}), true
	case v.Hold && a.grant != nil && a.grant.From != nil: // it goes back to where it costs something else
		return a.again(event.Again{Reason: event.Budget, Until: a.w.now().Add(soon), Free: true}), true
	case v.Hold:
		return a.again(event.Again{Reason: event.Budget, Free: true, Needs: a.most}), true
	}
	return event.Settlement{}, false
}

// stays reports whether a verdict stands. A job that costs too much in a
// stand-in's lane goes back to its own and waits for that; and none is sent down
// to where it was moved from.
func (a *attempt) stays(v governor.Verdict) bool {
	if a.grant == nil || a.grant.From == nil {
		return true
	}
	if a.grant.StandIn {
		return v == (governor.Verdict{})
	}
	return v.Down == nil || v.Down.Model != a.grant.From.Model
}

// reserve makes what is reserved for the job the most that its call can cost,
// now that the prompt is written. If that is more than admission guessed and
// does not fit, the attempt ends here.
func (a *attempt) reserve(ctx context.Context, text string) (event.Settlement, bool) {
	now, job := a.w.now(), a.job.Job
	most, ok := a.w.opts.Governor.Worst(job.Hook, job.Model, mostTokens(len(a.hook.System)+len(text)+len(a.hook.Schema)), now)
	if job.Lane == event.BatchLane {
		most = (most + 1) / 2 // https://platform.claude.com/docs/en/build-with-claude/batch-processing
	}
	if a.most = most; !ok || a.grant != nil && most <= a.grant.Reserved {
		return event.Settlement{}, false
	}
	var verdict governor.Verdict
	err := a.w.opts.Ledger.Reserve(ctx, event.Reserve{Lease: a.job.Lease, Now: now, Amount: most, Fits: func(p event.Purses) bool {
		verdict = a.w.opts.Governor.Judge(event.Account{Hook: job.Hook, Tenant: job.Tenant}, job.Model, most, p, now)
		return verdict == (governor.Verdict{})
	}})
	if errors.Is(err, event.ErrBudget) {
		return a.afforded(verdict)
	}
	// Any other failure, of the store or of the lease, meets the next write too.
	return event.Settlement{}, false
}

// mostTokens is the most input tokens that so many bytes of prompt can be: one
// for two bytes, which is more than any text has that means something, and what
// the API adds around it.
func mostTokens(bytes int) int64 {
	const around = 1000
	return int64(bytes)/2 + around
}
