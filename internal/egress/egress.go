// Package egress makes every outbound HTTP client of Forebay. It guards the
// address at dial time, binds credentials to their origin, bounds time and
// size, and refuses redirects of anything but a GET.
//
// Nothing else may construct an http.Client or an http.Transport. It must
// never send a credential to an origin other than the one it is bound to, read
// proxies from the environment unless told to, or dial a private address that
// the operator has not listed.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// ErrBlocked is what errors of refused destinations wrap.
var ErrBlocked = errors.New("destination blocked")

// Options configure all outbound clients.
type Options struct {
	// Allow lists private destinations that may be reached all the same:
	// "127.0.0.1:9000", "10.1.0.0/16", "10.1.0.0/16:443", "ci.internal:443".
	// An address or network opens itself, by whatever name it is called. A name
	// opens the private addresses that it resolves to, but never a cloud's
	// metadata service. Nothing opens anything else.
	Allow []string
	// Proxy is a forward proxy's URL (http, https or socks5), "environment" for
	// HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or empty for none. Behind a proxy it
	// is the proxy that resolves names, so it must guard its network itself.
	Proxy string
	// Dial replaces the network, for programs that run everything in memory.
	// The guard does not apply to it, nor do the rules about ports and plain
	// http; policies hold all the same. nil: the guarded dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// A Policy is what one kind of client may do.
type Policy struct {
	// Origin is the only origin that may be called ("https://api.github.com");
	// empty: any that the guard lets through.
	Origin string
	// Header is added to each request to Origin, and to no other. Credential
	// headers belong here and nowhere else.
	Header http.Header
	// Credential, if set, yields a header value per request ("Authorization"),
	// for tokens that are minted. Only with Origin.
	Credential func(ctx context.Context, r *http.Request) (name, value string, err error)
	// Paths are the path patterns that may be called, in the manner of
	// net/http.ServeMux ("POST /repos/{owner}/{repo}/issues/{number}/comments");
	// empty: any. Only with Origin. A last part {name...} matches the rest. The
	// query parameters that may be sent stand behind a question mark
	// ("GET /repos/{owner}/{repo}/pulls/{number}/files?per_page&page"); others
	// are refused.
	Paths []string
	// Timeout bounds the whole exchange; zero: the caller's context alone.
	Timeout time.Duration
	// MaxBytes bounds a response body, after decompression; zero: 10 MiB.
	MaxBytes int64
	// MaxRedirects of a GET; POSTs are never redirected. Default 0.
	MaxRedirects int
	// MaxConnsPerHost; zero: 64.
	MaxConnsPerHost int
	// HTTPSOnly refuses plain http, except to destinations in Allow.
	HTTPSOnly bool
}

// Egress makes the outbound clients of one program. It is safe for concurrent
// use; [Egress.Close] it when the program ends.
type Egress struct {
	allow     exceptions
	ranges    ranges
	unguarded bool // Options.Dial replaces the network
	dial      func(ctx context.Context, network, addr string) (net.Conn, error)
	proxy     func(*http.Request) (*url.URL, error)

	mu         sync.Mutex // guards what follows
	closed     bool
	transports map[int]*http.Transport // by connections per host
}

// New checks the options.
func New(o Options) (*Egress, error) {
	allow, err := parseExceptions(o.Allow)
	if err != nil {
		return nil, err
	}
	proxy, err := newProxy(o.Proxy)
	if err != nil {
		return nil, fmt.Errorf("egress proxy: %w", err)
	}
	e := &Egress{allow: allow, ranges: newRanges(), proxy: proxy.choose, transports: map[int]*http.Transport{}}
	if o.Dial != nil {
		e.unguarded, e.dial = true, o.Dial
		return e, nil
	}
	d := &dialer{allow: allow, ranges: e.ranges, proxies: proxy.addrs, resolver: net.DefaultResolver, connect: connect}
	e.dial = d.dial
	return e, nil
}
