package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/chain"
	"github.com/forebayhq/forebay/internal/rule"
)

// reachable warns of routes that no event takes, as far as that can be seen.
func (h *hookCheck) reachable() {
	seen := map[string]int{}
	always := 0
	for i, r := range h.hook.Route {
		path, when := item(h.in("route"), i)+".when", strings.Join(strings.Fields(r.When), " ")
		value, decided := rule.Decided(r.When)
		switch first, again := seen[when]; {
		case when == "":
			continue
		case always > 0:
			h.warn(path, fmt.Sprintf("no event comes to this route: route %d always holds", always), "put it before that one, or remove it")
		case decided && !value:
			h.warn(path, "the route never holds", "correct its rule, or remove it")
		case again:
			h.warn(path, fmt.Sprintf("no event comes to this route: route %d has the same rule", first), "keep one of the two")
		}
		if decided && value && always == 0 {
			always = i + 1
		}
		if _, again := seen[when]; !again {
			seen[when] = i + 1
		}
	}
}

// ways checks where a job may go from its first model.
func (h *hookCheck) ways() {
	h.steps("fallback", h.hook.Fallback)
	h.steps("escalate", h.hook.Escalate)
	if len(h.hook.Escalate) == 0 {
		return
	}
	if h.hook.Output == nil {
		h.wrong(h.in("escalate"), "nothing says when an answer is not good enough", "write output: {schema: FILE}, or remove escalate")
	}
	h.circles()
}

// steps checks that no model of a list has had its turn by then.
func (h *hookCheck) steps(setting string, list []string) {
	used := []string{h.config.Model(h.hook.Model)}
	for i, m := range list {
		path, id := item(h.in(setting), i), h.config.Model(m)
		if slices.Contains(used, id) && id != "" {
			h.wrong(path, "the "+setting+" "+h.shown(path, m)+" has been tried by then", "name another model")
		}
		used = append(used, id)
	}
}

// circles checks that fallback and escalate together never lead a job back.
func (h *hookCheck) circles() {
	c := chain.Chain{Fallback: h.ids(h.hook.Fallback), Escalate: h.ids(h.hook.Escalate)}
	starts := []string{h.config.Model(h.hook.Model)}
	for _, r := range h.hook.Route {
		starts = append(starts, h.config.Model(r.Model))
	}
	for _, start := range starts {
		if circle := c.Circle(start); circle != nil {
			h.wrong(h.in("escalate"), "with fallback it leads in a circle: "+strings.Join(circle, ", "),
				"leave one of them out of fallback or of escalate")
			return
		}
	}
}

func (h *hookCheck) ids(models []string) []string {
	var ids []string
	for _, m := range models {
		ids = append(ids, h.config.Model(m))
	}
	return ids
}

// leastShare is one job of the 200 that a share is taken of.
const leastShare Percent = 0.005

// checkShares checks claude.max_share: each key is a tier or a model that some
// route leads to, and no two keys are one lane.
func (c *Config) checkShares(r *report) {
	classes := map[string]string{}
	for _, key := range sortedKeys(c.Claude.MaxShare) {
		path, share := "claude.max_share."+key, c.Claude.MaxShare[key]
		id, ok := c.resolve(key)
		if !ok {
			r.wrong(path, fmt.Sprintf("%q is neither a tier nor a model", brief(key)), c.modelRemedy(key))
			continue
		}
		class := rateClass(id)
		if first, again := classes[class]; again {
			r.wrong(path, fmt.Sprintf("%s and %s share one rate, and so one share", first, key), "keep one of the two")
		}
		classes[class] = key
		if share < leastShare || share > 1 {
			r.wrong(path, fmt.Sprintf("a share of %s cannot be kept", share), fmt.Sprintf("write a share from %s to 100%%", leastShare))
		}
		c.heldBy(r, path, class)
	}
}

// rateClass is a model's rate class; one that nobody knows is a class of its own.
func rateClass(id string) string { return cmp.Or(catalog.Class(id), id) }

// heldBy warns where a share holds nothing.
func (c *Config) heldBy(r *report, path, class string) {
	routed := false
	for _, name := range sortedKeys(c.Hooks) {
		h := c.Hooks[name]
		if !slices.ContainsFunc(h.Route, func(x Route) bool { return rateClass(c.Model(x.Model)) == class }) {
			continue
		}
		routed = true
		if own := h.Own(); own == "" || rateClass(c.Model(own)) == class {
			r.warn(path, "the jobs of the hook "+brief(name)+" have no other model to go to: it does not hold them",
				"give the hook another model, for what no route takes")
		}
	}
	if !routed {
		r.warn(path, "no route leads there: it holds nothing", "remove it, or route to it")
	}
}

// Own is the model of a hook that no rule chose: what it calls its model or, if
// it has none, that of the first route that always holds.
func (h Hook) Own() string {
	if h.Model != "" {
		return h.Model
	}
	for _, r := range h.Route {
		if strings.TrimSpace(r.When) == "true" {
			return r.Model
		}
	}
	return ""
}
