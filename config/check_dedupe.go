package config

import (
	"fmt"
	"strings"

	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// promised is how long every copy is recognised unless a hook says otherwise.
const promised = 30 * day

// orDefault returns d with its defaults, made if the file has none.
func (d *Dedupe) orDefault(r *report, path string, window Duration) *Dedupe {
	if d == nil {
		return &Dedupe{Window: window}
	}
	fill(r, path+".window", &d.Window, window)
	return d
}

// dedupe checks how copies are recognised.
func (h *hookCheck) dedupe() {
	d, path := h.hook.Dedupe, h.in("dedupe")
	if d == nil {
		return
	}
	switch {
	case strings.TrimSpace(d.Key) != "":
		h.rule(path+".key", d.Key, rule.String)
		h.forgeable(path+".key", d.Key)
	case h.has(path + ".key"), h.has(path) && !h.has(path+".window"):
		h.wrong(path+".key", "dedupe has no key", "write a CEL rule for what copies share: key: event.subject; or remove it")
	}
	if d.Window == h.config.Retention.Dedupe {
		return // checked there
	}
	h.durationIn(path+".window", d.Window, hour, 3650*day)
	if d.Window >= hour && d.Window < promised {
		h.warn(path+".window", fmt.Sprintf("copies that come later than %s make a second job, which is paid for again", d.Window),
			fmt.Sprintf("write at least %s unless the sender repeats itself on purpose", promised))
	}
}

// forgeable warns of a key over what the sender does not sign: who has seen one
// delivery could give another event the key of this one, or this one a new key.
func (h *hookCheck) forgeable(path, key string) {
	sender, ok := verify.Lookup(h.hook.Source.Type)
	if !ok {
		return
	}
	unsigned := strings.Contains(key, "headers")
	if strings.HasPrefix(sender.ID, "header:") && sender.Proof.SignedID == "" {
		unsigned = unsigned || strings.Contains(key, "event.id")
	}
	if unsigned {
		h.warn(path, capital(sender.Title)+" does not sign its headers, so that a key made of them can be forged",
			"make the key of the payload")
	}
}
