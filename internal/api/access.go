package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/forebayhq/forebay/event"
)

// Public wraps the pages of the public listener that show jobs: an API key is
// always needed, and where none is configured nothing is shown.
func (a *API) Public(next http.HandlerFunc) http.Handler {
	return plain(a.RequireKey(next))
}

// Operator wraps the API of the admin listener. With keys one is needed.
// Without, the listener is on loopback and everybody on the machine is trusted,
// but no web page is: requests must name a loopback host, which a page of
// another site cannot do even when its name resolves to 127.0.0.1 (DNS
// rebinding), and state changes must not come from another origin.
func (a *API) Operator(next http.HandlerFunc) http.Handler {
	guarded := a.RequireLoopback(next)
	if len(a.keys) > 0 {
		guarded = a.RequireKey(next)
	}
	return plain(SameOrigin(guarded))
}

// Open wraps pages that anybody may see: health, and the description of the API.
func (a *API) Open(next http.HandlerFunc) http.Handler { return plain(next) }

// plain forbids browsers and proxies to guess at an answer or to keep it.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// SameOrigin refuses requests that change something and come from a page of
// another origin (Fetch metadata and Origin, as net/http's
// CrossOriginProtection reads them). Programs send neither and pass.
func SameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusForbidden, map[string]event.Failure{"error": {
			Code: "cross_origin", Message: "a page of another site may not do this", Hint: "call the API from a program"}})
	}))
	return guard.Handler(next)
}

// RequireKey lets a request through that carries one of the API keys.
func (a *API) RequireKey(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch key, sent := bearer(r); {
		case len(a.keys) == 0:
			a.refuse(w, unauthorized("no_keys_configured", "no API key is configured, so nothing is shown here",
				"set admin.keys, or ask on the admin listener of this machine"))
		case !sent:
			a.refuse(w, unauthorized("key_missing", "this needs an API key", "send Authorization: Bearer KEY with one of admin.keys"))
		case !a.KnowsKey(key):
			a.refuse(w, unauthorized("key_unknown", "that is not one of the API keys", "send Authorization: Bearer KEY with one of admin.keys"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// RequireLoopback lets a request through whose Host is this machine's own name
// or address.
func (a *API) RequireLoopback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			a.refuse(w, &problem{status: http.StatusForbidden, body: event.Failure{
				Code:    "host_not_local",
				Message: "without API keys the admin listener answers to localhost, 127.0.0.1 and [::1] only",
				Hint:    "set admin.keys to reach it by another name",
			}})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// KnowsKey reports whether key is one of the API keys. Every key is compared,
// by digest, so that the time tells nothing about any of them.
func (a *API) KnowsKey(key string) bool {
	sum := sha256.Sum256([]byte(key))
	found := 0
	for i := range a.keys {
		found |= subtle.ConstantTimeCompare(sum[:], a.keys[i][:])
	}
	return found == 1
}

func unauthorized(code, message, hint string) *problem {
	return &problem{
		status: http.StatusUnauthorized,
		body:   event.Failure{Code: code, Message: message, Hint: hint},
		header: map[string]string{"WWW-Authenticate": `Bearer realm="forebay"`},
	}
}

// bearer reads the one Authorization header; two are none.
func bearer(r *http.Request) (key string, sent bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	key = strings.TrimSpace(key)
	return key, ok && strings.EqualFold(scheme, "Bearer") && key != ""
}

// loopbackHost reports whether host, with or without a port, is localhost or a
// loopback address. A literal address cannot be rebound.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.IsLoopback()
}
