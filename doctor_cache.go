package forebay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/work"
)

// CacheNote says what the prompt cache will do for the system prompt of a hook
// and its first model, by an estimate: "off", "none: ..." with the reason, or
// how much it will hold and for how long.
func CacheNote(cfg *config.Config, hook string) string {
	h := cfg.Hooks[hook]
	if h.Cache == "off" {
		return "off"
	}
	b := &hookBuilder{server: &Server{opts: Options{Config: cfg}}, name: hook, hook: h}
	system, err := b.system()
	if err != nil {
		return "not known: " + err.Error()
	}
	return cacheNote(firstModel(cfg, h), &work.Hook{System: system, Cache: h.Cache})
}

// firstModel is the model that a hook's jobs go to unless something else is said.
func firstModel(cfg *config.Config, h config.Hook) string {
	if h.Model == "" && len(h.Route) > 0 {
		return cfg.Model(h.Route[len(h.Route)-1].Model)
	}
	return cfg.Model(h.Model)
}

// caching looks at each hook's system prompt: the API counts it, for free, and
// the catalog knows from how many tokens on its model caches.
func (d *doctor) caching(ctx context.Context, offline bool) {
	offline = offline || slices.ContainsFunc(d.found, func(f Finding) bool { // nobody answers: it is said once
		return f.Status == "fail" && strings.HasPrefix(f.Name, "model ")
	})
	for _, name := range sortedKeys(d.cfg.Hooks) {
		if h := d.cfg.Hooks[name]; h.Cache != "off" {
			d.look(ctx, "cache "+name, func(ctx context.Context) Finding { return d.cached(ctx, name, offline) })
		}
	}
}

func (d *doctor) cached(ctx context.Context, name string, offline bool) Finding {
	h := d.cfg.Hooks[name]
	id := firstModel(d.cfg, h)
	m, known := catalog.Lookup(id)
	system, err := (&hookBuilder{server: d.server, name: name, hook: h}).system()
	if err != nil || !known || offline {
		return ok("estimated: %s", CacheNote(d.cfg, name))
	}
	tokens, err := d.server.claude.CountTokens(ctx, claude.Request{
		Model: id, System: system, Prompt: ".", MaxTokens: h.MaxTokens, Thinking: h.Thinking, Effort: h.Effort, Cache: h.Cache,
	})
	if err != nil {
		return warn(Remedy(err, "try again later; this is only a count"), "the system prompt could not be counted: %v", err)
	}
	size := fmt.Sprintf("the system prompt has %d tokens by the API's count, %s caches from %d", tokens, m.ID, m.CacheMinimum)
	if tokens < m.CacheMinimum {
		return ok("%s: it is not cached, and costs no more for that", size)
	}
	return ok("%s: it is kept for %s after its last use", size, h.Cache)
}
