package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

const (
	defaultMaxBytes = 10 << 20
	defaultMaxConns = 64
)

// Client returns a client that does what p allows and nothing more. Clients
// are cheap: they share the connections of e.
func (e *Egress) Client(p Policy) (*http.Client, error) {
	b := &bound{egress: e, policy: p}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	transport, err := e.transport(max(p.MaxConnsPerHost, 0))
	if err != nil {
		return nil, err
	}
	b.next = transport
	return &http.Client{Transport: b, CheckRedirect: b.redirect, Timeout: p.Timeout}, nil
}

// bound is the RoundTripper that holds every request to its policy.
type bound struct {
	egress *Egress
	policy Policy
	origin *origin // nil: any
	paths  []pattern
	next   http.RoundTripper
}

func (b *bound) prepare() error {
	p := &b.policy
	if p.MaxBytes <= 0 {
		p.MaxBytes = defaultMaxBytes
	}
	if p.Origin == "" {
		if len(p.Header) > 0 || p.Credential != nil || len(p.Paths) > 0 {
			return errors.New("egress: a policy with headers, a credential or paths needs an origin")
		}
		return nil
	}
	at, err := parseOrigin(p.Origin)
	if err != nil {
		return fmt.Errorf("egress: origin: %w", err)
	}
	b.origin = &at
	if err := b.encrypted(at); err != nil {
		return err
	}
	for _, text := range p.Paths {
		pat, err := parsePattern(text)
		if err != nil {
			return fmt.Errorf("egress: path %q: %w", text, err)
		}
		b.paths = append(b.paths, pat)
	}
	return nil
}

// encrypted refuses to send a credential in the clear, except to destinations
// that the operator has listed.
func (b *bound) encrypted(at origin) error {
	if at.scheme == "https" || b.egress.unguarded || b.egress.allow.destination(at.host, at.port) {
		return nil
	}
	if b.policy.HTTPSOnly || b.policy.Credential != nil || len(b.policy.Header) > 0 {
		return blocked("%s is not encrypted and not in egress.allow", at)
	}
	return nil
}

// RoundTrip checks the request, adds the policy's headers, sends it and bounds
// the answer.
func (b *bound) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := b.prepared(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // RoundTripper's contract; the request was not sent
		}
		return nil, err
	}
	resp, err := b.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = r
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = limit(resp.Body, b.policy.MaxBytes)
	}
	return resp, nil
}

// prepared returns the copy of r that may leave.
func (b *bound) prepared(r *http.Request) (*http.Request, error) {
	out := r.Clone(r.Context())
	if out.Host != "" && out.Host != out.URL.Host {
		return nil, blocked("the Host header differs from the URL")
	}
	if err := b.egress.checkTarget(out.URL, rules{httpsOnly: b.policy.HTTPSOnly, origin: b.origin}); err != nil {
		return nil, err
	}
	out.Host = out.URL.Host
	if b.origin == nil {
		return out, carriesCredential(out.Header)
	}
	if err := b.check(out); err != nil {
		return nil, err
	}
	return out, b.authorize(out)
}

// check holds the request to the policy's origin and paths.
func (b *bound) check(r *http.Request) error {
	at, err := originOf(r.URL)
	if err != nil {
		return err
	}
	if at != *b.origin {
		return blocked("%s is not the origin %s of this client", at, *b.origin)
	}
	if len(b.paths) == 0 {
		return nil
	}
	for _, p := range b.paths {
		if p.match(r.Method, r.URL) {
			return nil
		}
	}
	return blocked("%s of this path is not allowed at %s", method(r.Method), *b.origin)
}

func (b *bound) authorize(r *http.Request) error {
	for name, values := range b.policy.Header {
		r.Header[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	if b.policy.Credential == nil {
		return nil
	}
	name, value, err := b.policy.Credential(r.Context(), r)
	if err != nil {
		return fmt.Errorf("credential: %w", err)
	}
	if name != "" {
		r.Header.Set(name, value)
	}
	return nil
}

// carriesCredential refuses credentials on a client that may call anybody.
func carriesCredential(h http.Header) error {
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key"} {
		if h.Get(name) != "" {
			return blocked("a client without an origin may not send %s", name)
		}
	}
	return nil
}

// redirect decides about a 3xx answer: the caller gets it as it is unless the
// request was a GET and the policy follows some.
func (b *bound) redirect(r *http.Request, via []*http.Request) error {
	first, last := via[0], via[len(via)-1]
	if b.policy.MaxRedirects <= 0 || (first.Method != http.MethodGet && first.Method != http.MethodHead) {
		return http.ErrUseLastResponse
	}
	if len(via) > b.policy.MaxRedirects {
		return blocked("more than %d redirects", b.policy.MaxRedirects)
	}
	if last.URL.Scheme == "https" && r.URL.Scheme != "https" {
		return blocked("redirect from https to %.20q", r.URL.Scheme)
	}
	if !sameOrigin(first, r) {
		r.Header = plain(r.Header)
	}
	return nil
}

func sameOrigin(a, b *http.Request) bool {
	x, errX := originOf(a.URL)
	y, errY := originOf(b.URL)
	return errX == nil && errY == nil && x == y
}

// plain returns the headers that another origin may see.
func plain(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range []string{"Accept", "Accept-Language", "User-Agent"} {
		if v := h.Values(name); len(v) > 0 {
			out[name] = v
		}
	}
	return out
}

func method(m string) string {
	if m == "" {
		return http.MethodGet
	}
	return strings.ToUpper(m)
}

// transport returns the transport for a bound on connections, made once.
func (e *Egress) transport(maxConns int) (*http.Transport, error) {
	if maxConns == 0 {
		maxConns = defaultMaxConns
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("egress: closed")
	}
	if t := e.transports[maxConns]; t != nil {
		return t, nil
	}
	t := &http.Transport{
		Proxy:                  e.proxy,
		DialContext:            e.dial,
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    min(maxConns, 16),
		MaxIdleConns:           256,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	e.transports[maxConns] = t
	return t, nil
}

// Close closes idle connections and makes no more clients. Requests in flight
// go on.
func (e *Egress) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, t := range e.transports {
		t.CloseIdleConnections()
	}
}
