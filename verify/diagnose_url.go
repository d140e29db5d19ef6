package verify

import (
	"slices"
	"strings"
)

// maxURLBytes bounds what is hashed to find a URL that fits.
const maxURLBytes = 256 << 20

// urls tries other spellings of the URL, where the URL is signed: those that a
// proxy makes of it when it ends TLS, maps a port, or adds or takes away the
// beginning of the path.
func (h *hook) urls(r *Request) []Finding {
	if h.cfg.PublicURL == "" {
		return nil
	}
	left := maxURLBytes
	for _, u := range urlForms(h.cfg.PublicURL, r) {
		if left -= len(r.Body) + len(u); left < 0 {
			return nil
		}
		cfg := h.cfg
		cfg.PublicURL = u
		p, err := newProver(h.sender, cfg)
		if err != nil {
			continue
		}
		if _, err := p.prove(r); err == nil {
			return []Finding{{"url_differs", "the signature fits the URL " + quoteURL(u) + ", which differs in its " +
				differs(h.cfg.PublicURL, u) + "; write that as public_url, or have the sender call the configured one"}}
		}
	}
	return nil
}

// quoteURL is quote for what may be as long as a URL.
func quoteURL(u string) string { return `"` + clean(u[:min(len(u), maxText)]) + `"` }

// differs names the parts in which two URLs differ.
func differs(a, b string) string {
	var out []string
	pa, pb := partsOf(a), partsOf(b)
	for i, name := range []string{"scheme", "host", "port", "path", "query"} {
		if pa[i] != pb[i] {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "query as it was received"
	}
	return strings.Join(out, " and ")
}

// partsOf cuts a URL without decoding anything.
func partsOf(u string) [5]string {
	before, host, port, after := splitURL(u)
	scheme, _, _ := strings.Cut(before, "://")
	path, query, _ := strings.Cut(after, "?")
	return [5]string{scheme, host, port, path, query}
}

// urlForms lists the URLs that the sender may have called, the likelier first.
func urlForms(public string, r *Request) []string {
	own, got := partsOf(public), partsOf(absolute(r.URL))
	hosts := distinct(own[1], got[1])
	ports := distinct("", own[2], got[2], "443", "80", "8443", "8080", "3000")
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Original-Host"} {
		if host := r.Header.Get(name); host != "" && len(host) < maxText {
			_, host, port, _ := splitURL("https://" + host)
			hosts, ports = distinct(append(hosts, host)...), distinct(append(ports, port)...)
		}
	}
	if port := r.Header.Get("X-Forwarded-Port"); len(port) < 6 {
		ports = distinct(append(ports, port)...)
	}
	queries := distinct(own[4], got[4], "")
	var out []string
	for _, path := range pathForms(own[3], got[3], r.Header.Get("X-Forwarded-Prefix")) {
		for _, host := range hosts {
			for _, port := range ports {
				for _, scheme := range []string{"https", "http"} {
					out = append(out, joined(scheme, host, port, path, queries)...)
				}
			}
		}
	}
	return out
}

// joined puts URLs together, one for each query.
func joined(scheme, host, port, path string, queries []string) []string {
	if host == "" {
		return nil
	}
	if port != "" {
		port = ":" + port
	}
	var out []string
	for _, q := range queries {
		if q != "" {
			q = "?" + q
		}
		out = append(out, scheme+"://"+host+port+path+q)
	}
	return out
}

// pathForms are the paths with and without what a proxy may add in front or
// behind.
func pathForms(public, received, prefix string) []string {
	paths := []string{public, received}
	if prefix != "" && len(prefix) < maxText {
		paths = append(paths, strings.TrimSuffix(prefix, "/")+received, strings.TrimSuffix(prefix, "/")+public)
	}
	for _, path := range []string{public, received} {
		for range 3 { // the first parts of the path
			_, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if !ok {
				break
			}
			path = "/" + rest
			paths = append(paths, path)
		}
	}
	for _, prefix := range []string{"/api", "/webhooks", "/v1"} {
		paths = append(paths, prefix+received)
	}
	for _, path := range slices.Clone(paths) {
		if trimmed, ok := strings.CutSuffix(path, "/"); ok {
			paths = append(paths, trimmed)
		} else {
			paths = append(paths, path+"/")
		}
	}
	return distinct(paths...)
}

// absolute gives a path a scheme and no host, so that it can be cut like a URL.
func absolute(u string) string {
	if strings.Contains(u, "://") {
		return u
	}
	return "https://" + u
}

// distinct drops what was there before.
func distinct(list ...string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
