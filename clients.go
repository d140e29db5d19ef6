package forebay

import (
	"net/http"
	"slices"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/governor"
)

// newClaude makes the client of the Claude API. The key goes to the API's
// origin and nowhere else.
func newClaude(cfg *config.Config, e *egress.Egress) (*claude.Client, error) {
	c, err := e.Client(egress.Policy{
		Origin:          origin(cfg.Claude.BaseURL),
		Header:          http.Header{"Authorization": {"Bearer " + cfg.Claude.APIKey.Reveal()}},
		MaxBytes:        1 << 30, // the results of a batch; the client holds all others to less
		MaxConnsPerHost: cfg.Claude.MaxInFlight + 8,
		HTTPSOnly:       true,
	})
	if err != nil {
		return nil, err
	}
	return claude.New(claude.Options{
		HTTP: c, BaseURL: cfg.Claude.BaseURL,
		IdleTimeout: cfg.Claude.IdleTimeout.D(), Timeout: cfg.Claude.Timeout.D(),
	})
}

func newGitHub(cfg *config.Config, e *egress.Egress) (*github.Client, error) {
	o := github.Options{Egress: e, APIURL: cfg.GitHub.APIURL, Token: cfg.GitHub.Token.Reveal()}
	if app := cfg.GitHub.App; app != nil {
		o.App = &github.App{ID: app.ID, PrivateKey: app.PrivateKey.Reveal()}
	}
	return github.New(o)
}

// lanes names the lane of each model: models whose rates count together share
// one. It is called by the first tier that leads there, as in the
// configuration's limits; a model without a tier by its class.
type lanes map[string]string // rate class to name

func newLanes(cfg *config.Config) lanes {
	l := lanes{}
	for _, tier := range sortedKeys(cfg.Claude.Models) {
		class := class(cfg.Model(tier))
		if _, ok := l[class]; !ok {
			l[class] = tier
		}
	}
	return l
}

// of returns the lane of a model id.
func (l lanes) of(model string) string {
	if name, ok := l[class(model)]; ok {
		return name
	}
	return class(model)
}

func (l lanes) names() []string {
	var names []string
	for _, name := range l {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// class is a model's rate class; one that nobody knows is a class of its own.
func class(model string) string {
	if c := catalog.Class(model); c != "" {
		return c
	}
	return model
}

func governorOptions(cfg *config.Config, l lanes, hooks *hookSet) governor.Options {
	o := governor.Options{
		MaxInFlight: cfg.Claude.MaxInFlight,
		Ungated:     cfg.Claude.CacheWarming == "all",
		Budget:      budget(cfg.Budget),
		Worst:       hooks.worst,
		LaneOf:      l.of,
		Limits:      map[string]governor.Limits{},
		Hooks:       map[string]governor.Hook{},
		Shares:      map[string]float64{},
	}
	for name, share := range cfg.Claude.MaxShare {
		o.Shares[l.of(cfg.Model(name))] = float64(share)
	}
	for name, lim := range cfg.Claude.Limits {
		o.Limits[l.of(cfg.Model(name))] = governor.Limits{
			Requests: lim.RequestsPerMinute, InputTokens: lim.InputTokensPerMinute, OutputTokens: lim.OutputTokensPerMinute,
		}
	}
	for name, h := range hooks.work {
		o.Hooks[name] = governor.Hook{
			Weight: cfg.Hooks[name].Weight, ExtraTokens: hooks.extra[name], MaxTokens: int64(h.MaxTokens),
			Prefixes: hooks.cached[name], Instead: h.Instead, Own: h.Own,
			Budget: budget(cfg.Hooks[name].Budget), Cheaper: cheaper(cfg, l, cfg.Hooks[name]),
		}
	}
	return o
}

func reveal(secrets []config.Secret) []string {
	var texts []string
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return texts
}
