package forebay

import (
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/work"
)

// unknownMinimum stands for the smallest prefix that a model caches where the
// catalog does not know the model.
const unknownMinimum = 512

// prefixes are, by model, the parts of a hook's prompts that the API may cache.
// Sizes are estimates, so one that may be just too small is among them: the
// first answer tells.
func prefixes(cfg *config.Config, h *work.Hook) (map[string]governor.Prefix, error) {
	if h.Cache == "off" || h.Cache == "" {
		return nil, nil
	}
	ttl := 5 * time.Minute
	if h.Cache == "1h" {
		ttl = time.Hour
	}
	all := map[string]governor.Prefix{}
	for _, model := range callable(cfg, h.Name) {
		tokens, minimum := int64(len(h.System))/3, int64(unknownMinimum)
		if m, known := catalog.Lookup(model); known {
			tokens, minimum = m.Tokens(int64(len(h.System))), m.CacheMinimum
		}
		if 3*tokens < 2*minimum {
			continue
		}
		key, err := claude.PrefixKey(claude.Request{
			Model: model, System: h.System, MaxTokens: h.MaxTokens,
			Thinking: h.Thinking, Effort: h.Effort, Cache: h.Cache, Schema: h.Schema,
		})
		if err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
		all[model] = governor.Prefix{Key: key, Tokens: tokens, TTL: ttl}
	}
	return all, nil
}

// callable are the ids of the models that a hook's jobs may be sent to: those
// that it names and, because a job may be moved there, all tiers.
func callable(cfg *config.Config, hook string) []string {
	h := cfg.Hooks[hook]
	names := slices.Concat([]string{h.Model}, h.Fallback, h.Escalate)
	for _, r := range h.Route {
		names = append(names, r.Model)
	}
	names = append(names, sortedKeys(cfg.Claude.Models)...)
	ids, seen := []string{}, map[string]bool{}
	for _, name := range names {
		if id := cfg.Model(name); id != "" && !seen[id] {
			ids, seen[id] = append(ids, id), true
		}
	}
	return ids
}

// look shows a lane's row to people as the governor sees it.
func (s *Server) look(hooks *hookSet) func(event.Lane, time.Time) api.LaneLook {
	return func(row event.Lane, now time.Time) api.LaneLook {
		if row.Name == event.BatchLane { // it has no budget a minute
			return api.LaneLook{LaneLevels: api.LaneLevels{Pace: 1}}
		}
		k := s.governor.Look(row, now)
		look := api.LaneLook{LaneLevels: levels(k.View()), Cache: s.cached(k, hooks, row.Name)}
		for _, m := range k.Gone() {
			look.Gone = append(look.Gone, api.GoneView{Model: m.Model, Until: m.Until})
		}
		if at, known := k.Empty(row.Queued); known && row.Queued > 0 {
			look.EmptyAt = &at
		}
		look.Why = func(j event.Job) (event.Reason, time.Time) {
			w := k.Why(j)
			return w.Reason, w.Until
		}
		return look
	}
}

func levels(v governor.View) api.LaneLevels {
	l := api.LaneLevels{
		PendingOutput: v.Pending, Window: v.Window, MaxInFlight: v.Most, Failures: v.Failures, Pace: v.Pace,
	}
	limits := api.LaneLimits{Requests: level(v.Requests), InputTokens: level(v.Input), OutputTokens: level(v.Output)}
	if limits != (api.LaneLimits{}) {
		l.Limits = &limits
	}
	return l
}

func level(l governor.Level) *api.LevelView {
	if l.Limit == 0 {
		return nil
	}
	return &api.LevelView{Limit: l.Limit, Left: l.Left, Burst: l.Burst}
}

// cached lists the hooks of a lane of whose prefix the lane knows something.
func (s *Server) cached(k *governor.Look, hooks *hookSet, lane string) (views []api.CacheView) {
	for _, hook := range sortedKeys(hooks.cached) {
		for _, model := range sortedKeys(hooks.cached[hook]) {
			if s.lanes.of(model) != lane {
				continue
			}
			state, until := k.Prefix(hooks.cached[hook][model])
			if state == governor.PrefixCold {
				continue
			}
			views = append(views, api.CacheView{Hook: hook, Model: model, State: state, Until: &until})
		}
	}
	return views
}
