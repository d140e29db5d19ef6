package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/forebayhq/forebay/internal/egress"
)

// checkEgress checks the exceptions by the package that enforces them, and
// keeps that for the URLs that follow.
func (c *Config) checkEgress(r *report) {
	var good []string
	for i, entry := range c.Egress.Allow {
		path := item("egress.allow", i)
		if !r.sound(path) {
			continue
		}
		one, err := egress.New(egress.Options{Allow: []string{entry}})
		if err != nil {
			r.wrong(path, r.shown(path, entry)+" is not a destination",
				"write host:port, an address or a network: ci.internal:443, 127.0.0.1:9000, 10.1.0.0/16")
			continue
		}
		good = append(good, entry)
		if network, err := netip.ParsePrefix(entry); err == nil && network.Bits() == 0 {
			r.warn(path, r.shown(path, entry)+" allows every private address, cloud metadata included", "list the networks that are needed")
		} else if listed(one, metadata) {
			r.warn(path, r.shown(path, entry)+" allows the cloud's metadata service, which hands out credentials", "leave 169.254.169.254 out")
		}
		one.Close()
	}
	c.checkProxy(r)
	var err error
	if r.out, err = egress.New(egress.Options{Allow: good}); err != nil {
		r.wrong("egress.allow", "the list does not work: "+err.Error(), "shorten it")
	}
}

// metadata is where clouds serve their instances credentials.
const metadata = "169.254.169.254:80"

// listed reports whether the exceptions of out name host:port: plain http is
// let through to nothing else.
func listed(out *egress.Egress, hostPort string) bool {
	_, err := out.CheckURL("http://" + hostPort + "/")
	return err == nil
}

func (c *Config) checkProxy(r *report) {
	if c.Egress.Proxy == "" || c.Egress.Proxy == "environment" {
		return
	}
	const remedy = "write http://, https:// or socks5:// and host:port, or environment"
	if !strings.Contains(c.Egress.Proxy, "://") {
		r.wrong("egress.proxy", "the proxy is no URL", remedy)
		return
	}
	out, err := egress.New(egress.Options{Proxy: c.Egress.Proxy})
	if err != nil {
		r.wrong("egress.proxy", "the proxy is no URL of a proxy", remedy)
		return
	}
	out.Close()
}

// checkURL checks the URL of an outbound request by the package that sends it.
// Messages show no more of it than its host: paths and queries carry
// credentials now and then. own says that the configuration itself fixes the
// origin, so that its port is meant.
func (c *Config) checkURL(r *report, path, text string, own bool) {
	if !r.sound(path) || r.out == nil {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" || u.Opaque != "" {
		r.wrong(path, name(path)+" is not a full URL", "write https://host/path")
		return
	}
	if what, remedy := badURL(u); what != "" {
		r.wrong(path, name(path)+" "+what, remedy)
		return
	}
	_, err = r.out.CheckURL(text)
	if err != nil && own && u.Scheme == "https" {
		_, err = r.out.CheckURL("https://" + bracketed(u.Hostname()) + "/")
	}
	where := hostPort(u)
	remedy := "list " + r.shown(path, where) + " in egress.allow"
	switch {
	case err != nil && u.Scheme == "http":
		r.wrong(path, name(path)+" is not encrypted", "write https://, or "+remedy)
	case err != nil:
		r.wrong(path, name(path)+": "+strings.TrimPrefix(cause(err), "destination blocked: "), remedy)
	case isLocalName(u.Hostname()) && !listed(r.out, where):
		r.wrong(path, name(path)+" is a private destination", remedy)
	}
}

// badURL says what no exception can allow.
func badURL(u *url.URL) (what, remedy string) {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither https nor http", "write https://host/path"
	case u.User != nil:
		return "carries a user name", "remove it; credentials have settings of their own"
	case u.Fragment != "":
		return "has a fragment (#...), which is never sent", "remove it"
	}
	return "", ""
}

// cause is the text of a refusal; those of package egress never repeat a URL.
func cause(err error) string {
	if errors.Is(err, egress.ErrBlocked) {
		return err.Error()
	}
	return "it cannot be called"
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// isLocalName reports whether a name can only be one of this machine or a
// private network. What others resolve to is seen when they are dialled.
func isLocalName(host string) bool {
	h := strings.ToLower(strings.TrimSuffix(host, "."))
	return h == "localhost" || strings.HasSuffix(h, ".localhost") || strings.HasSuffix(h, ".internal")
}
