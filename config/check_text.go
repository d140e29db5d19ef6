package config

import (
	"errors"
	"strings"

	"github.com/forebayhq/forebay/internal/rule"
)

// rules compiles the hook's CEL rules.
func (h *hookCheck) rules() {
	if h.hook.Match != "" || h.has(h.in("match")) {
		h.rule(h.in("match"), h.hook.Match, rule.Bool)
	}
	h.coalesce()
	for i, route := range h.hook.Route {
		path := item(h.in("route"), i)
		if route.When == "" {
			h.wrong(path+".when", "the route has no rule", "write when: a CEL rule that yields true or false")
			continue
		}
		h.rule(path+".when", route.When, rule.Bool)
	}
}

// rule compiles one CEL rule.
func (h *hookCheck) rule(path, source string, want rule.Type) {
	_, err := rule.Compile(source, want)
	if err == nil {
		return
	}
	bad, ok := errors.AsType[*rule.Error](err)
	if !ok {
		h.wrong(path, name(path)+": the rule does not compile", "correct it")
		return
	}
	remedy := bad.Hint
	if remedy == "" {
		remedy = "correct the rule"
	}
	h.wrongIn(path, place{bad.Line, bad.Column}, name(path)+": "+bad.Message, remedy)
}

// prompts compiles the hook's templates.
func (h *hookCheck) prompts() {
	if strings.TrimSpace(h.hook.Prompt) == "" {
		h.wrong(h.in("prompt"), "the hook has no prompt", "write what Claude is asked, as a template over .event and .payload")
	}
}

// template compiles a template and reports whether that went well.
func (h *hookCheck) template(path, text string) bool {
	return strings.Contains(text, "{{") || text != ""
}
