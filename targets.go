package forebay

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/prompt"
	"github.com/forebayhq/forebay/internal/work"
)

// destination makes one target of the hook.
func (b *hookBuilder) destination(t config.Target) (work.Destination, error) {
	switch {
	case t.GitHubComment != nil:
		target, err := b.comment(*t.GitHubComment)
		return work.Destination{Kind: "github_comment", Target: target}, err
	case t.Callback != nil:
		target, err := b.callback(*t.Callback)
		return work.Destination{Kind: "callback", Target: target}, err
	}
	f, ok := b.server.opts.Targets[t.Func]
	if !ok || f == nil {
		return work.Destination{}, fmt.Errorf("no target function %q is registered; register it in Options.Targets", t.Func)
	}
	return work.Destination{Kind: t.Func, Target: target(f)}, nil
}

// callback makes the target that posts the job as GET /v1/jobs/{id} shows it.
func (b *hookBuilder) callback(c config.Callback) (deliver.Target, error) {
	o := deliver.CallbackOptions{
		Egress: b.server.egress, Secret: c.Secret.Reveal(), AllowHosts: c.AllowHosts, JobJSON: api.EncodeJob,
	}
	var err error
	if len(c.AllowHosts) == 0 {
		o.URL = c.URL
	} else if o.Render, err = field("url", c.URL); err != nil {
		return nil, err
	}
	return deliver.NewCallback(o)
}

// field compiles a template whose text is an address and not for a model. An
// empty one is nil.
func field(name, text string) (func(event.Event) (string, error), error) {
	if text == "" {
		return nil, nil
	}
	t, err := prompt.CompileField(name, text)
	if err != nil {
		return nil, err
	}
	return func(e event.Event) (string, error) {
		got, err := t.Render(prompt.Data{Event: e})
		return got.Text, err
	}, nil
}

// comment makes the target that writes on issues and pull requests.
func (b *hookBuilder) comment(c config.GitHubComment) (deliver.Target, error) {
	o := deliver.GitHubCommentOptions{
		GitHub: b.server.github, Hook: b.name, Repos: c.Repos, Sticky: c.Sticky == nil || *c.Sticky,
		Key: markerKey(b.server.opts.Config.GitHub), Secrets: b.server.opts.Config.Secrets(),
	}
	var err error
	if o.Repo, err = field("repo", c.Repo); err != nil {
		return nil, err
	}
	if o.Number, err = field("number", c.Number); err != nil {
		return nil, err
	}
	return deliver.NewGitHubComment(o)
}

// markerKey seals the markers of comments. It comes of the credential: nobody
// else knows it, and after a change of it comments are still found by the ids
// that the store remembers.
func markerKey(g config.GitHub) []byte {
	secret := g.Token.Reveal()
	if g.App != nil {
		secret = g.App.PrivateKey.Reveal()
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("forebay comment marker"))
	return mac.Sum(nil)
}
