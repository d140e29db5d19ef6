package egress

import (
	"errors"
	"net"
	"net/http"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// proxy is how requests find the forward proxy.
type proxy struct {
	choose func(*http.Request) (*url.URL, error) // nil: none
	addrs  map[string]bool                       // host:port of the proxies, which may be private
}

// newProxy reads Options.Proxy. Nothing but "environment" reads the environment.
func newProxy(setting string) (proxy, error) {
	switch setting {
	case "":
		return proxy{}, nil
	case "environment":
		return environmentProxy()
	}
	u, addr, err := parseProxy(setting)
	if err != nil {
		return proxy{}, err
	}
	return proxy{choose: http.ProxyURL(u), addrs: map[string]bool{addr: true}}, nil
}

func environmentProxy() (proxy, error) {
	c := httpproxy.FromEnvironment()
	p := proxy{addrs: map[string]bool{}}
	for _, setting := range []string{c.HTTPProxy, c.HTTPSProxy} {
		if setting == "" {
			continue
		}
		_, addr, err := parseProxy(setting)
		if err != nil {
			_, addr, err = parseProxy("http://" + setting) // as httpproxy reads it
		}
		if err != nil {
			return proxy{}, err
		}
		p.addrs[addr] = true
	}
	choose := c.ProxyFunc()
	p.choose = func(r *http.Request) (*url.URL, error) { return choose(r.URL) }
	return p, nil
}

// parseProxy returns a proxy's URL and the host:port that the transport dials.
func parseProxy(setting string) (*url.URL, string, error) {
	ports := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}
	u, err := url.Parse(setting)
	if err != nil || u.Hostname() == "" || ports[u.Scheme] == "" {
		return nil, "", errors.New("write http://, https:// or socks5:// and host:port") // never the text: it may hold a password
	}
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	return u, net.JoinHostPort(u.Hostname(), port), nil
}
