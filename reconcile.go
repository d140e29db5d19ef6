package forebay

import (
	"context"
	"errors"
	"fmt"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/reconcile"
)

// A webhookOf is one GitHub webhook that sends to a hook.
type webhookOf struct {
	hook, name string
	webhook    *github.Webhook
	target     reconcile.Target
}

// webhooks are those that the hooks reconcile.
func (s *Server) webhooks() ([]webhookOf, error) {
	var all []webhookOf
	for _, name := range hookNames(s.opts.Config) {
		h := s.opts.Config.Hooks[name]
		if h.Reconcile <= 0 {
			continue
		}
		for _, text := range h.Source.Webhooks {
			w, err := s.webhook(name, h, text)
			if err != nil {
				return nil, fmt.Errorf("hooks.%s.source.webhooks: %q: %w", name, text, err)
			}
			all = append(all, w)
		}
	}
	return all, nil
}

func (s *Server) webhook(name string, h config.Hook, text string) (webhookOf, error) {
	ref, err := github.ParseWebhook(text)
	if err != nil {
		return webhookOf{}, err
	}
	w, err := s.github.Webhook(ref)
	target := reconcile.Target{App: ref.App, ID: ref.ID, Path: "/hooks/" + name, URL: h.Source.PublicURL}
	return webhookOf{hook: name, name: text, webhook: w, target: target}, err
}

// newReconcilers makes one for each webhook that is reconciled.
func (s *Server) newReconcilers() ([]*reconcile.Reconciler, error) {
	webhooks, err := s.webhooks()
	if err != nil {
		return nil, err
	}
	var all []*reconcile.Reconciler
	for _, w := range webhooks {
		r, err := reconcile.New(reconcile.Options{
			Webhook: w.webhook, Target: w.target, Every: s.opts.Config.Hooks[w.hook].Reconcile.D(),
			Log: s.log.With("hook", w.hook, "webhook", w.name),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// reconcile starts the reconcilers in goroutines that Stop waits for.
func (s *Server) reconcile(ctx context.Context) {
	for _, r := range s.reconcilers {
		s.working.Go(func() { r.Run(ctx) })
	}
}

// webhooks asks GitHub for the deliveries of each webhook that is reconciled.
func (d *doctor) webhooks(ctx context.Context, offline bool) {
	list, err := d.server.webhooks()
	if err != nil {
		d.look(ctx, "reconcile", func(context.Context) Finding { return bad("correct source.webhooks", "%v", err) })
	}
	for _, w := range list {
		d.look(ctx, "reconcile "+w.hook, func(ctx context.Context) Finding { return d.webhook(ctx, w, offline) })
	}
}

func (d *doctor) webhook(ctx context.Context, w webhookOf, offline bool) Finding {
	if offline {
		return Finding{Status: "skipped", Detail: "GitHub was not asked"}
	}
	missed, err := reconcile.Check(ctx, w.webhook, w.target)
	switch {
	case err != nil:
		return bad(remedyFor(err), "missed webhooks of %s are not asked for: %v", w.name, err)
	case missed > 0:
		return warn("start the server: it asks for them again", "%d of the newest deliveries of %s did not arrive", missed, w.name)
	}
	return ok("the deliveries of %s can be listed, and none of the newest was missed", w.name)
}

// remedyFor is what GitHub's error says about a webhook that cannot be seen.
func remedyFor(err error) string {
	if e, ok := errors.AsType[*github.Error](err); ok && e.Hint != "" {
		return e.Hint
	}
	return "check source.webhooks, github.token and github.app"
}
