// Package reconcile finds the webhooks that GitHub could not deliver and has
// GitHub send them again: GitHub itself never does.
// https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
//
// It reads GitHub's own list of attempts, and that list is all it remembers: an
// event is missed while no attempt at it was answered with 2xx. It never takes
// an event out of an API answer. A redelivery comes in by the front door, with
// GitHub's signature over the bytes of the first attempt, and is told from
// copies there; so asking twice, or for an event that arrived although GitHub
// gave up on it, makes no second job.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/internal/github"
)

const (
	keep      = 3 * 24 * time.Hour // GitHub lists and repeats deliveries for so long
	margin    = 15 * time.Minute   // between GitHub's clock and ours
	maxPages  = 100                // of 100 attempts, in one pass
	maxTries  = 6                  // attempts at one event, GitHub's first included
	maxAsked  = 60                 // redeliveries asked for in one pass
	spacing   = time.Second        // GitHub's advice for requests that change something
	maxWait   = 6 * time.Hour      // between two attempts at one event
	pauseLow  = 15 * time.Minute   // when GitHub says that we may not
	pauseHigh = 6 * time.Hour
	settle    = 10 * time.Second // after the start, so that the front door is open
)

// A Webhook is what is asked of GitHub. *[github.Webhook] is one.
type Webhook interface {
	Endpoints(ctx context.Context) ([]github.Endpoint, error)
	Deliveries(ctx context.Context, id int64, cursor string) (page []github.Attempt, next string, err error)
	Redeliver(ctx context.Context, id, attempt int64) error
}

// Options configure a Reconciler.
type Options struct {
	Webhook Webhook // required
	Target  Target
	Every   time.Duration // between two passes; required
	Log     *slog.Logger  // default: none; it names the hook

	// Observe counts what a pass did; nil: nobody counts.
	Observe func(Pass)
}

// A Pass is what one look at the list came to.
type Pass struct {
	Attempts int // that were listed
	Missed   int // events that no attempt has delivered
	Asked    int // redeliveries that were asked for
	Lost     int // events that are given up
}

// A Reconciler looks after one webhook. Run it once; it is for one goroutine.
type Reconciler struct {
	opts   Options
	id     int64                // of the webhook, once it is known
	since  time.Time            // attempts before it need no look
	asked  map[string]time.Time // by GUID: when a redelivery was last asked for
	lost   map[string]bool      // by GUID: given up, and said so
	denied int                  // passes in a row that GitHub did not allow
}

// New checks the options. It starts nothing.
func New(o Options) (*Reconciler, error) {
	if o.Webhook == nil || o.Every <= 0 {
		return nil, errors.New("reconcile: a webhook and an interval are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Pass) {}
	}
	return &Reconciler{opts: o, id: o.Target.ID, asked: map[string]time.Time{}, lost: map[string]bool{}}, nil
}

// Run makes a pass every interval until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(r.turn(ctx))
	}
}

// turn makes one pass and says how long to wait for the next.
func (r *Reconciler) turn(ctx context.Context) time.Duration {
	pass, err := r.pass(ctx, time.Now())
	r.opts.Observe(pass)
	if pass.Asked > 0 || pass.Lost > 0 {
		r.opts.Log.Info("missed webhooks asked for again", "missed", pass.Missed, "asked", pass.Asked, "given_up", pass.Lost)
	}
	e, ok := errors.AsType[*github.Error](err)
	switch {
	case err == nil:
		r.denied = 0
		return r.opts.Every
	case ctx.Err() != nil:
		return r.opts.Every
	case errors.Is(err, ErrNoEndpoint), ok && denied(e):
		return r.pause(err)
	case ok && e.RetryAfter > 0:
		r.opts.Log.Info("reconciling waits for GitHub", "error", err)
		return max(r.opts.Every, e.RetryAfter)
	}
	r.opts.Log.Warn("missed webhooks could not be looked for", "error", err)
	return r.opts.Every
}

// denied reports that GitHub does not let this credential see or use the
// webhook: asking again soon is of no use.
func denied(e *github.Error) bool {
	return e.Code == "github_not_installed" || e.Code == "github_blocked" || e.RetryAfter == 0 &&
		(e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status == http.StatusNotFound)
}

// pause says loudly why nothing is reconciled, and how long it will not be. An
// operator may grant what lacks meanwhile, so it ends by itself.
func (r *Reconciler) pause(err error) time.Duration {
	wait := min(pauseLow<<min(r.denied, 10), pauseHigh)
	r.denied++
	hint := "write source.webhooks with the webhook that sends to this hook"
	if e, ok := errors.AsType[*github.Error](err); ok {
		hint = cmp.Or(e.Hint, "check github.token or github.app")
	}
	r.opts.Log.Warn("reconciling is paused: missed webhooks are not asked for", "error", err, "hint", hint, "again_in", wait.String())
	return wait
}

// pass looks once.
func (r *Reconciler) pass(ctx context.Context, now time.Time) (Pass, error) {
	if r.id == 0 && !r.opts.Target.App {
		id, err := r.opts.Target.find(ctx, r.opts.Webhook)
		if err != nil {
			return Pass{}, err
		}
		r.id = id
	}
	horizon := now.Add(-keep)
	if r.since.After(horizon) {
		horizon = r.since
	}
	h, err := r.read(ctx, horizon)
	if err != nil {
		return Pass{Attempts: h.attempts}, err
	}
	p, err := r.ask(ctx, h, now)
	r.forget(h, now)
	return p, err
}

// forget moves the horizon: to the oldest event that is still missed, else to
// this pass.
func (r *Reconciler) forget(h *history, now time.Time) {
	r.since = now.Add(-margin)
	for _, e := range h.missed() {
		if !r.lost[e.guid] && e.first.Before(r.since) {
			r.since = e.first
		}
	}
	for guid, at := range r.asked {
		if now.Sub(at) > keep {
			delete(r.asked, guid)
			delete(r.lost, guid)
		}
	}
}
