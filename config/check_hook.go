package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/internal/rule"
)

// A hookCheck checks one hook.
type hookCheck struct {
	*report
	config *Config
	name   string
	path   string // "hooks." and the name
	hook   *Hook
}

var hookName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (h *hookCheck) run() {
	h.source()
	h.rules()
	h.models()
	h.batches()
	h.prompts()
	h.gather()
	h.output()
	h.deliver()
	h.budget()
	h.receiving()
	h.reconcile()
	// The last, since nothing is said of what belongs to something wrong.
	if !hookName.MatchString(h.name) {
		h.wrong(h.path, fmt.Sprintf("%q is no name for a hook: it becomes part of a URL", brief(h.name)),
			"use 1 to 64 small letters, digits and -")
	}
}

// in returns the path of one of the hook's settings.
func (h *hookCheck) in(setting string) string { return h.path + "." + setting }

// receiving checks how requests are taken, answered and tried again.
func (h *hookCheck) receiving() {
	h.inRange(h.in("priority"), int64(h.hook.Priority), 1, 9)
	h.inRange(h.in("weight"), int64(h.hook.Weight), 1, 1000)
	h.reuse()
	h.sizeIn(h.in("body_limit"), h.hook.BodyLimit, 1, 100<<20)
	h.inRange(h.in("retry.max_attempts"), int64(h.hook.Retry.MaxAttempts), 1, 100)
	h.durationIn(h.in("retry.max_age"), h.hook.Retry.MaxAge, minute, 30*day)
	h.methods()
	respond := h.hook.Respond
	h.oneOf(h.in("respond.mode"), respond.Mode, "async", "sync")
	switch {
	case respond.Mode == "sync":
		h.durationIn(h.in("respond.wait"), respond.Wait, second, 60*second)
	case respond.Wait != 0 || h.has(h.in("respond.wait")):
		h.wrong(h.in("respond.wait"), "an async answer does not wait", "write mode: sync, or remove wait")
	}
}

func (h *hookCheck) methods() {
	path := h.in("method")
	if len(h.hook.Method) == 0 {
		h.wrong(path, "no method is taken", "write [POST], or remove the line")
	}
	for i, m := range h.hook.Method {
		h.oneOf(item(path, i), m, "POST", "PUT", "PATCH", "GET", "DELETE")
		if slices.Contains(h.hook.Method[:i], m) {
			h.wrong(item(path, i), m+" is listed twice", "keep one")
		}
	}
}

func (h *hookCheck) coalesce() {
	co := h.hook.Coalesce
	if co == nil {
		return
	}
	path := h.in("coalesce")
	if strings.TrimSpace(co.Key) == "" {
		h.wrong(path+".key", "coalesce has no key", "write a CEL rule for what belongs together: key: event.subject")
	} else {
		h.rule(path+".key", co.Key, rule.String)
	}
	h.durationIn(path+".quiet", co.Quiet, second/10, day)
	if h.sound(path + ".quiet") {
		h.durationIn(path+".max_wait", co.MaxWait, co.Quiet, 7*day)
	}
}
