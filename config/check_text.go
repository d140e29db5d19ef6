package config

import (
	"errors"
	"strings"

	"github.com/forebayhq/forebay/internal/prompt"
	"github.com/forebayhq/forebay/internal/rule"
)

// rules compiles the hook's CEL rules.
func (h *hookCheck) rules() {
	if h.hook.Match != "" || h.has(h.in("match")) {
		h.rule(h.in("match"), h.hook.Match, rule.Bool)
	}
	h.coalesce()
	h.dedupe()
	if h.hook.FairBy != "" || h.has(h.in("fair_by")) {
		h.rule(h.in("fair_by"), h.hook.FairBy, rule.String)
	}
	for i, route := range h.hook.Route {
		path := item(h.in("route"), i)
		if route.When == "" {
			h.wrong(path+".when", "the route has no rule", "write when: a CEL rule that yields true or false")
			continue
		}
		h.rule(path+".when", route.When, rule.Bool)
	}
	h.reachable()
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
	if h.hook.System != "" {
		_, err := prompt.Static("system", h.hook.System)
		h.compiled(h.in("system"), err)
	}
	if strings.TrimSpace(h.hook.Prompt) == "" {
		h.wrong(h.in("prompt"), "the hook has no prompt", "write what Claude is asked, as a template over .event and .payload")
		return
	}
	_, err := prompt.Compile("prompt", h.hook.Prompt, sortedKeys(h.hook.Gather)...)
	h.compiled(h.in("prompt"), err)
}

// field compiles the template of a value that is not for a model.
func (h *hookCheck) field(path, text string) bool {
	_, err := prompt.CompileField(name(path), text)
	return h.compiled(path, err)
}

// compiled reports what package prompt says of a template.
func (h *hookCheck) compiled(path string, err error) bool {
	if err == nil {
		return true
	}
	bad, ok := errors.AsType[*prompt.Error](err)
	if !ok {
		bad = &prompt.Error{Message: "the template does not compile"}
	}
	remedy := bad.Hint
	if remedy == "" {
		remedy = "correct the template"
	}
	h.wrongIn(path, place{bad.Line, 1}, name(path)+": "+bad.Message, remedy)
	return false
}
