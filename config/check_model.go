package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/prompt"
)

// models checks everything that depends on which models may answer: the
// model, the routes, the fallbacks, and what is asked of each of them.
func (h *hookCheck) models() {
	hook := h.hook
	h.oneOf(h.in("thinking"), hook.Thinking, "auto", "off", "on")
	h.oneOf(h.in("cache"), hook.Cache, "5m", "1h", "off")
	if hook.Effort != "" || h.has(h.in("effort")) {
		h.oneOf(h.in("effort"), hook.Effort, "low", "medium", "high")
	}
	h.inRange(h.in("max_tokens"), int64(hook.MaxTokens), 1, 1<<20)
	if hook.Model == "" && !h.alwaysRouted() {
		h.wrong(h.in("model"), "the hook has no model", "write model: haiku, or another tier or model id")
	}
	seen := map[string]bool{}
	for _, m := range h.named() {
		id, ok := h.config.resolve(m.model)
		if !ok {
			if m.model != "" || h.has(m.path) {
				h.wrong(m.path, h.shown(m.path, m.model)+" is neither a tier nor a model", h.config.modelRemedy(m.model))
			}
			continue
		}
		if !seen[id] {
			seen[id] = true
			h.model(m.path, id)
		}
	}
	h.ways()
}

// A naming is a place in the hook that names a model.
type naming struct{ path, model string }

// named returns every place in the hook that names a model, in order of use.
func (h *hookCheck) named() []naming {
	var all []naming
	for i, route := range h.hook.Route {
		path := item(h.in("route"), i) + ".model"
		if route.Model == "" {
			h.wrong(path, "the route has no model", "write the tier or model id to use when the rule holds")
		}
		all = append(all, naming{path, route.Model})
	}
	all = append(all, naming{h.in("model"), h.hook.Model})
	for i, m := range h.hook.Fallback {
		all = append(all, naming{item(h.in("fallback"), i), m})
	}
	for i, m := range h.hook.Escalate {
		all = append(all, naming{item(h.in("escalate"), i), m})
	}
	return all
}

// alwaysRouted reports whether the last route is unconditional.
func (h *hookCheck) alwaysRouted() bool {
	return slices.ContainsFunc(h.hook.Route, func(r Route) bool { return strings.TrimSpace(r.When) == "true" })
}

// model checks what the hook asks of the model id, which is named at path.
func (h *hookCheck) model(path, id string) {
	m, known := catalog.Lookup(id)
	if !known {
		h.warn(path, fmt.Sprintf("%s is not in this version's catalog: its price is unknown and its limits are learned", brief(id)),
			"check the spelling, or run forebay doctor to ask the API")
		return
	}
	if notice, callable, ok := catalog.Retirement(id, h.now); ok {
		cause, remedy, _ := strings.Cut(notice, "; ")
		if remedy == "" {
			remedy = "watch for its end with forebay doctor"
		}
		if !callable {
			h.wrong(path, cause, remedy)
			return
		}
		h.warn(path, cause, remedy)
	}
	h.asks(path, m)
}

// always reports a model whose thinking cannot be turned off. A fallback or a
// step of the escalation may be one: it is asked for the least that it allows.
func (h *hookCheck) always(path string, m catalog.Model) {
	const remedy = "write thinking: auto, with effort: low to make it short"
	if strings.HasPrefix(path, h.in("fallback")) || strings.HasPrefix(path, h.in("escalate")) {
		h.warn(path, m.ID+" thinks even with thinking: off", remedy)
		return
	}
	h.wrong(h.in("thinking"), m.ID+" always thinks", remedy)
}

// asks checks max_tokens, thinking, effort and cache against one model.
func (h *hookCheck) asks(path string, m catalog.Model) {
	hook := h.hook
	if most := m.MaxOutput; most > 0 && int64(hook.MaxTokens) > most {
		h.wrong(h.in("max_tokens"), fmt.Sprintf("%s answers with at most %d tokens", m.ID, most), fmt.Sprintf("write at most %d", most))
	}
	if m.Thinking.Default == "always" && hook.Thinking == "off" {
		h.always(path, m)
	}
	if m.Thinking.On == "none" && hook.Thinking == "on" {
		h.wrong(h.in("thinking"), m.ID+" cannot think", "write thinking: auto")
	}
	if m.Thinking.On == "budget" && hook.Thinking == "on" && hook.MaxTokens <= minThinking {
		h.wrong(h.in("max_tokens"), fmt.Sprintf("%s thinks with at least %d tokens, max_tokens leaves none for the answer", m.ID, minThinking),
			"write more max_tokens, or thinking: off")
	}
	if m.Thinking.Default == "always" && hook.MaxTokens < 1024 {
		h.warn(h.in("max_tokens"), fmt.Sprintf("%s thinks before it answers, and %d tokens may be used up by that", m.ID, hook.MaxTokens), "write at least 1024")
	}
	if hook.Effort != "" && !m.Effort(hook.Effort) {
		h.wrong(h.in("effort"), m.ID+" takes no effort "+hook.Effort, effortRemedy(m))
	}
	h.caching(m)
}

// minThinking is the least budget_tokens that the Messages API takes
// (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
const minThinking = 1024

func effortRemedy(m catalog.Model) string {
	if len(m.Efforts) == 0 {
		return "remove effort: the model refuses it"
	}
	return "write " + orList(m.Efforts)
}

// caching warns where cache is asked for and the system prompt is too short to
// be cached: the API then ignores the breakpoint without a word
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
func (h *hookCheck) caching(m catalog.Model) {
	path := h.in("cache")
	if h.hook.Cache == "off" || !h.has(path) {
		return
	}
	tokens := m.Tokens(int64(len(h.hook.System) + len(prompt.Guard))) // the guard is part of it
	switch {
	case strings.TrimSpace(h.hook.System) == "":
		h.warn(path, "there is no system prompt to cache", "write cache: off, or move what never changes into system")
	case tokens < m.CacheMinimum:
		h.warn(path, fmt.Sprintf("the system prompt has about %d tokens and %s caches from %d on: it will not be cached", tokens, m.ID, m.CacheMinimum),
			"write cache: off, or move more of what never changes into system")
	}
}
