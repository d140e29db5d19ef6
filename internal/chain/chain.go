// Package chain says which model comes after which: the fallbacks of a hook,
// tried when a model cannot answer, and its escalation, tried when the answer is
// not good enough. It is order and nothing else, and never leads in a circle:
// what a job has been escalated from, it does not fall back to.
package chain

import (
	"slices"
	"strings"
)

// A Chain is a hook's models by id, beside the one that it begins with. It is
// immutable.
type Chain struct {
	Fallback []string
	Escalate []string
}

// After returns the models that may stand in for one, best first: those behind
// it in the list of fallbacks, or all of them if it is not in there. Models that
// the escalation has left behind are passed over.
func (c Chain) After(model string) []string {
	rest := c.Fallback[slices.Index(c.Fallback, model)+1:]
	left := c.Escalate[:slices.Index(c.Escalate, model)+1]
	var after []string
	for _, m := range rest {
		if m != model && !slices.Contains(left, m) {
			after = append(after, m)
		}
	}
	return after
}

// Above returns the next step of the escalation. A fallback that is no step of
// it has none: the job is on another path.
func (c Chain) Above(model string) (next string, ok bool) {
	i := slices.Index(c.Escalate, model)
	if i < 0 && slices.Contains(c.Fallback, model) || i+1 >= len(c.Escalate) {
		return "", false
	}
	return c.Escalate[i+1], true
}

// Circle returns a way on which a job that begins with model could come back to
// a model that it had, or nil.
func (c Chain) Circle(model string) []string {
	return c.walk([]string{model}, make(map[string]bool))
}

// walk looks for a circle beyond path. From the models in safe no way leads to one.
func (c Chain) walk(path []string, safe map[string]bool) []string {
	last := path[len(path)-1]
	next := c.After(last)
	if up, ok := c.Above(last); ok {
		next = append(next, up)
	}
	for _, m := range next {
		if i := slices.Index(path, m); i >= 0 {
			return append(slices.Clone(path[i:]), m)
		}
		if safe[m] {
			continue
		}
		if circle := c.walk(append(slices.Clone(path), m), safe); circle != nil {
			return circle
		}
	}
	safe[last] = true
	return nil
}

// Bounds of what is told about the choice of a model.
const (
	mostWhy = 300 // bytes
	then    = " > "
)

// Because adds the latest reason to why a model was chosen: "hook > fallback:
// overloaded". The first and the latest reason stay when there are too many.
func Because(chosen, why string) string {
	if chosen == "" {
		return why
	}
	if len(chosen)+len(then)+len(why) > mostWhy {
		first, _, _ := strings.Cut(chosen, then)
		chosen = first + then + "..."
	}
	return chosen + then + why
}
