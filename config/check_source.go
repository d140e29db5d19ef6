package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/forebayhq/forebay/verify"
)

// source checks who may send to the hook and how that is proven.
func (h *hookCheck) source() {
	path, source := h.in("source"), h.hook.Source
	if source.Type == "" {
		h.wrong(path, "the source has no type", "write source: {type: github, secrets: [...]}, or another sender")
		return
	}
	if !h.soundSource(path) {
		return
	}
	if source.JWKSURL != "" {
		h.config.checkURL(h.report, path+".jwks_url", source.JWKSURL, true)
	}
	_, err := verify.New(source.Verification())
	if err != nil {
		h.badSource(path, err)
		return
	}
	sender, ok := verify.Lookup(source.Type)
	if !ok {
		return
	}
	if sender.BodyUnsigned {
		h.warn(path, capital(sender.Title)+" does not sign the body: who has seen one delivery can send another body with it",
			"treat what it says as a hint, and look up what matters")
	}
	if sender.Uncertain() {
		h.warn(path, "how "+sender.Title+" signs is not confirmed: it was not compared with its documentation, nor with a request of its own",
			"try a real webhook with forebay verify before relying on it")
	}
	h.deadline(sender)
}

// soundSource reports whether every setting of the source was decoded: a check
// of what is left would complain about what is not there.
func (h *hookCheck) soundSource(path string) bool {
	for key := range settings(reflect.TypeFor[Source]()) {
		if !h.sound(path + "." + key) {
			return false
		}
	}
	for i := range h.hook.Source.Secrets {
		if !h.sound(item(path+".secrets", i)) {
			return false
		}
	}
	return true
}

// badSource reports what package verify says of a source.
func (h *hookCheck) badSource(path string, err error) {
	bad, ok := errors.AsType[*verify.ConfigError](err)
	if !ok {
		h.wrong(path, "the source does not work", "compare it with the sender's documentation")
		return
	}
	at := path + "." + bad.Field
	if list := item(at, bad.Index); h.has(list) {
		at = list
	}
	h.wrong(at, name(at)+": "+bad.Message, bad.Remedy)
}

// deadline refuses a synchronous answer where the sender reads none, and warns
// where it comes later than the sender waits.
func (h *hookCheck) deadline(sender verify.Sender) {
	if h.hook.Respond.Mode == "sync" && sender.Ack.Fixed() {
		h.wrong(h.in("respond.mode"), sender.Title+" demands an acknowledgement of its own and would take a result amiss",
			"write mode: async, or remove respond; deliver the result to a target")
		return
	}
	wait, most := h.hook.Respond.Wait.D(), sender.Ack.Deadline
	if h.hook.Respond.Mode == "sync" && most > 0 && wait >= most {
		h.warn(h.in("respond.wait"), fmt.Sprintf("%s waits %s for an answer, and this hook answers after up to %s", sender.Title, most, wait),
			fmt.Sprintf("write less than %s, or mode: async", most))
	}
}

// capital begins text with a capital letter.
func capital(text string) string {
	return strings.ToUpper(text[:min(len(text), 1)]) + text[min(len(text), 1):]
}
