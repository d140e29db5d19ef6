package verify

import (
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// diagnose tries what would make the signature hold.
func (h *hook) diagnose(r *Request) []Finding {
	var out []Finding
	out = append(out, h.clock(r)...)
	out = append(out, h.others(r.Header)...)
	if at, ok := h.stampOf(r); ok {
		fresh := *r
		fresh.Now = at
		r = &fresh
	}
	if _, err := h.prover.prove(r); err == nil {
		return out // only the clock stands in the way
	}
	out = append(out, h.bodies(r)...)
	out = append(out, h.secretForms(r)...)
	out = append(out, h.urls(r)...)
	return append(out, h.hints(r)...)
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

// bodies looks for a body that the signature fits.
func (h *hook) bodies(r *Request) []Finding {
	for _, v := range rewrites(r) {
		other := *r
		other.Body = v.body
		if _, err := h.prover.prove(&other); err == nil {
			return []Finding{{"body_rewritten", "the signature fits the body " + v.how + ": something on the way rewrote it" + v.who}}
		}
	}
	return nil
}

// secretForms tries the secrets in the forms that people paste them in.
func (h *hook) secretForms(r *Request) []Finding {
	for no, secret := range h.cfg.Secrets {
		for _, form := range formsOf(secret) {
			s, cfg := h.sender, h.cfg
			s.Proof.Key = "text"
			cfg.Secrets = []string{form.key}
			p, err := newProver(s, cfg)
			if err != nil {
				continue
			}
			if _, err := p.prove(r); err == nil {
				return []Finding{{"secret_form", "secret " + itoa(int64(no+1)) + " matches " + form.how}}
			}
		}
	}
	return nil
}

type secretForm struct{ how, key string }

func formsOf(secret string) []secretForm {
	out := []secretForm{{"as text, undecoded", secret}, {"with a line break at its end", secret + "\n"}}
	trimmed := strings.Trim(secret, "\"'` \t\r\n")
	if trimmed != secret && trimmed != "" {
		out = append(out, secretForm{"without its quotes or spaces", trimmed})
	}
	rest := secret
	if _, after, ok := strings.Cut(secret, "_"); ok && after != "" {
		rest = after
		out = append(out, secretForm{"without its prefix", after})
	}
	for _, text := range slices.Compact([]string{rest, secret}) {
		if key, ok := decodeBase64(text); ok && len(key) > 0 {
			out = append(out, secretForm{"decoded as base64", string(key)})
		}
		if key, err := hex.DecodeString(text); err == nil && len(key) > 0 {
			out = append(out, secretForm{"decoded as hexadecimal", string(key)})
		}
	}
	return append(out, secretForm{"in lower case", strings.ToLower(secret)}, secretForm{"in upper case", strings.ToUpper(secret)})
}

// urls tries other spellings of the URL, where the URL is signed.
func (h *hook) urls(r *Request) []Finding {
	if h.cfg.PublicURL == "" {
		return nil
	}
	for _, u := range urlForms(h.cfg.PublicURL, r) {
		cfg := h.cfg
		cfg.PublicURL = u
		p, err := newProver(h.sender, cfg)
		if err != nil {
			continue
		}
		if _, err := p.prove(r); err == nil {
			return []Finding{{"url_differs", "the signature fits the URL " + quote(u) + "; write that as public_url, or have the sender call the configured one"}}
		}
	}
	return nil
}

func urlForms(public string, r *Request) []string {
	base, query, hasQuery := strings.Cut(public, "?")
	if hasQuery {
		query = "?" + query
	}
	var out []string
	for _, b := range []string{base, strings.TrimSuffix(base, "/"), base + "/"} {
		for _, scheme := range []string{"https://", "http://"} {
			_, rest, _ := strings.Cut(b, "://")
			out = append(out, scheme+rest+query, scheme+rest)
		}
	}
	if strings.Contains(r.URL, "://") {
		out = append(out, r.URL)
	}
	path := r.URL
	if _, after, ok := strings.Cut(path, "://"); ok {
		_, after, _ = strings.Cut(after, "/")
		path = "/" + after
	}
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Original-Host"} {
		if host := r.Header.Get(name); host != "" && len(host) < maxText {
			out = append(out, "https://"+host+path, "http://"+host+path)
		}
	}
	return out
}

// hints are what the request itself gives away.
func (h *hook) hints(r *Request) []Finding {
	var out []Finding
	if length := r.Header.Get("Content-Length"); length != "" && length != itoa(int64(len(r.Body))) {
		out = append(out, Finding{"body_truncated", "Content-Length says " + quote(length) + ", but the body has " + itoa(int64(len(r.Body))) + " bytes: the capture is not what was sent"})
	}
	if h.sender.Name == "stripe" {
		if live := gjson.GetBytes(r.Body, "livemode"); live.Exists() && !live.Bool() {
			out = append(out, Finding{"test_mode", "the event is from test mode: use the signing secret of the test endpoint"})
		}
	}
	return out
}
