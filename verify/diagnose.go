package verify

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// diagnose tries what would make the signature hold.
func (h *hook) diagnose(r *Request) []Finding {
	out := h.clock(r)
	if at, ok := h.stampOf(r); ok {
		fresh := *r
		fresh.Now = at
		r = &fresh
	}
	_, refusal := h.prover.prove(r)
	if refusal == nil {
		return out // only the clock stands in the way
	}
	begun := len(out)
	if out = append(out, h.namesakes(r)...); len(out) == begun {
		out = append(out, h.others(r.Header)...)
	}
	out = append(out, h.bodies(r)...)
	out = append(out, h.secretForms(r)...)
	out = append(out, h.urls(r)...)
	out = append(out, h.hints(r)...)
	if len(out) == begun && refusal.Code == CodeSignatureMismatch {
		out = append(out, Finding{"wrong_secret", h.wrongSecret() + keysOf(r.Body)})
	}
	return out
}

// wrongSecret says what is left when no change to the request helps.
func (h *hook) wrongSecret() string {
	which := "the secret is another one than the sender has"
	switch n := len(h.cfg.Secrets); {
	case n == 0:
		which = "the public key is not the sender's"
	case n > 1:
		which = "none of the " + itoa(int64(n)) + " secrets is the one that the sender has"
	}
	return which + ", or what was signed was changed beyond what can be undone (sorted keys, rewritten numbers, a body put together anew)"
}

func (h *hook) clock(r *Request) []Finding {
	at, ok := h.stampOf(r)
	limit := toleranceOf(h.sender.Proof, h.cfg)
	if !ok || limit == 0 || within(at, r.Now, limit) {
		return nil
	}
	return []Finding{{"clock_skew", stale(at, r.Now, limit).Message}}
}

// others names the senders whose signature headers are in the request.
func (h *hook) others(got http.Header) []Finding {
	mine := map[string]bool{}
	for _, fam := range familiesOf(h.sender.Proof, "") {
		for _, name := range fam.signatures {
			mine[name] = true
		}
	}
	byHeader := map[string][]string{}
	for _, s := range Senders() {
		if s.Name == h.sender.Name || len(s.Proof.Headers) == 0 {
			continue
		}
		for _, fam := range familiesOf(s.Proof, "") {
			name := fam.signatures[0]
			if !mine[name] && len(got[name]) > 0 && name != "Authorization" {
				byHeader[name] = append(byHeader[name], s.Name)
			}
		}
	}
	var out []Finding
	for _, name := range slices.Sorted(maps.Keys(byHeader)) {
		senders := byHeader[name]
		if len(senders) > 4 {
			senders = append(slices.Clone(senders[:4]), "...")
		}
		out = append(out, Finding{"other_sender", "the request carries " + name + ", which " + strings.Join(senders, ", ") + " send; is this the right type for the hook?"})
	}
	return out
}

// keysOf says that the keys of a body are in order, from which what was signed
// cannot be made again.
func keysOf(body []byte) string {
	tools := writers(body)
	if !strings.Contains(tools, "sorted") {
		return ""
	}
	return "; the body looks as " + tools + ", writes it, and hardly a sender sorts its keys"
}

// namesakes names the senders as one of whom the request would hold with the
// very same secret: several share a header and sign other things.
func (h *hook) namesakes(r *Request) []Finding {
	if len(h.cfg.Secrets) == 0 {
		return nil
	}
	var fit []string
	for _, s := range Senders() {
		if s.Name == h.sender.Name || s.Proof.Scheme == "token" || s.Proof.Scheme == "basic" || !carries(s, r.Header) {
			continue
		}
		cfg := Config{Type: s.Name, Secrets: h.cfg.Secrets, PublicURL: h.cfg.PublicURL}
		if p, err := newProver(s, cfg); err == nil && check(s, cfg) == nil {
			if _, err := p.prove(r); err == nil {
				fit = append(fit, s.Name)
			}
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return []Finding{{"other_sender", "with the same secret the request holds as one of " + strings.Join(fit[:min(len(fit), 4)], ", ") + ": write that as the type"}}
}

// carries reports whether the request has a signature header of the sender.
func carries(s Sender, got http.Header) bool {
	if len(s.Proof.Headers) == 0 {
		return false
	}
	for _, fam := range familiesOf(s.Proof, "") {
		if len(got[fam.signatures[0]]) > 0 {
			return true
		}
	}
	return false
}

// bodies looks for a body that the signature fits.
func (h *hook) bodies(r *Request) []Finding {
	for _, v := range rewrites(r) {
		other := *r
		other.Body = v.body
		if _, err := h.prover.prove(&other); err == nil {
			return []Finding{{"body_rewritten", "the signature fits the body " + v.how + ": something on the way rewrote it" + v.cause(r.Body)}}
		}
	}
	if bytes.Contains(r.Body, []byte("\ufffd")) {
		return []Finding{{"body_rewritten", "the body has the character U+FFFD, which stands for bytes that could not be decoded: something read it in the wrong charset, and what was signed is lost"}}
	}
	return nil
}

// hints are what the request itself gives away.
func (h *hook) hints(r *Request) []Finding {
	var out []Finding
	if length := r.Header.Get("Content-Length"); length != "" && length != itoa(int64(len(r.Body))) {
		out = append(out, Finding{"body_truncated", "Content-Length says " + quote(length) + ", but the body has " + itoa(int64(len(r.Body))) + " bytes: the capture is not what was sent"})
	}
	return append(out, h.mode(r)...)
}
