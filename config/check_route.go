package config

import (
	"slices"
	"strings"

	"github.com/forebayhq/forebay/internal/chain"
)

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
