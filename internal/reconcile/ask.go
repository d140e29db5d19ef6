package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/forebayhq/forebay/internal/github"
)

// ask has the missed events sent again, oldest first, so many in a pass.
func (r *Reconciler) ask(ctx context.Context, h *history, now time.Time) (Pass, error) {
	p := Pass{Attempts: h.attempts}
	for _, e := range h.missed() {
		p.Missed++
		if !r.due(e, now, &p) {
			continue
		}
		if p.Asked == maxAsked {
			continue // counted, and asked for in the next pass
		}
		if p.Asked > 0 && !pauseFor(ctx, spacing) {
			return p, ctx.Err()
		}
		err := r.opts.Webhook.Redeliver(ctx, r.id, e.attempt)
		if gone(err) {
			r.giveUp(e, &p, "GitHub no longer sends it")
			continue
		}
		if err != nil {
			return p, err
		}
		r.asked[e.guid] = now
		p.Asked++
	}
	return p, nil
}

// due reports whether an event may be asked for now. The wait doubles with each
// attempt.
func (r *Reconciler) due(e *sent, now time.Time, p *Pass) bool {
	if r.lost[e.guid] {
		return false
	}
	if e.tries >= maxTries {
		r.giveUp(e, p, "every attempt failed")
		return false
	}
	if e.tries == 1 && r.asked[e.guid].IsZero() {
		return true
	}
	last := e.last
	if at := r.asked[e.guid]; at.After(last) {
		last = at
	}
	return now.Sub(last) >= min(r.opts.Every<<(e.tries-1), maxWait)-spacing
}

// giveUp says once that an event will not come.
func (r *Reconciler) giveUp(e *sent, p *Pass, why string) {
	r.lost[e.guid] = true
	r.asked[e.guid] = e.last
	p.Lost++
	r.opts.Log.Warn("a missed webhook is given up: "+why, "delivery_id", e.guid, "attempts", e.tries, "last_status", e.status)
}

// gone reports that GitHub will never repeat this attempt.
func gone(err error) bool {
	e, ok := errors.AsType[*github.Error](err)
	return ok && (e.Code == "github_invalid" || e.Code == "github_gone")
}

// pauseFor waits; false: ctx ended first.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
