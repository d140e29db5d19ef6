package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

func (c *Config) checkEgress(r *report) {
	for i, entry := range c.Egress.Allow {
		path := item("egress.allow", i)
		if !r.sound(path) {
			continue
		}
		a, ok := parseAllow(entry)
		switch {
		case !ok:
			r.wrong(path, r.shown(path, entry)+" is not a destination", "write host:port, an address:port or a network: ci.internal:443, 127.0.0.1:9000, 10.1.0.0/16")
		case a.network.IsValid() && a.network.Bits() == 0:
			r.warn(path, entry+" allows every private address, cloud metadata included", "list the networks that are needed")
		case a.network.IsValid() && a.network.Contains(metadata):
			r.warn(path, entry+" allows the cloud's metadata service, which hands out credentials", "leave 169.254.169.254 out")
		}
	}
	c.checkProxy(r)
}

// metadata is where clouds serve their instances credentials.
var metadata = netip.AddrFrom4([4]byte{169, 254, 169, 254})

func (c *Config) checkProxy(r *report) {
	if c.Egress.Proxy == "" || c.Egress.Proxy == "environment" {
		return
	}
	u, err := url.Parse(c.Egress.Proxy)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		r.wrong("egress.proxy", "the proxy is no URL of a proxy", "write http://, https:// or socks5:// and host:port, or environment")
	}
}

// An allowed destination: either network or host is set.
type allowed struct {
	network netip.Prefix
	host    string
	port    string // empty: any
}

// parseAllow reads one entry of egress.allow, in the notation of package
// egress, which enforces it: an address or a network, either with a port, or a
// name with a port.
func parseAllow(entry string) (a allowed, ok bool) {
	if n, ok := parseNetwork(entry); ok {
		return allowed{network: n}, true
	}
	host, port, err := net.SplitHostPort(entry)
	if err != nil || !isPort(port) || port == "0" {
		return allowed{}, false
	}
	if n, ok := parseNetwork(host); ok {
		return allowed{network: n, port: port}, true
	}
	return allowed{host: strings.ToLower(host), port: port}, isHost(host)
}

func parseNetwork(text string) (netip.Prefix, bool) {
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), true
	}
	n, err := netip.ParsePrefix(text)
	if err != nil || n.Addr().Is4In6() {
		return netip.Prefix{}, false
	}
	return n.Masked(), true
}

// allows reports whether egress.allow lists host and port.
func (c *Config) allows(host, port string) bool {
	ip, err := netip.ParseAddr(host)
	for _, entry := range c.Egress.Allow {
		a, ok := parseAllow(entry)
		if !ok || a.port != "" && a.port != port {
			continue
		}
		if err == nil && a.network.IsValid() && a.network.Contains(ip.Unmap()) || a.host != "" && a.host == strings.ToLower(host) {
			return true
		}
	}
	return false
}

// checkURL checks the URL of an outbound request. Plain http and private
// addresses must be listed in egress.allow. Messages never show more of a URL
// than its origin: paths and queries carry credentials now and then.
func (c *Config) checkURL(r *report, path, text string) {
	if !r.sound(path) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || u.Opaque != "":
		r.wrong(path, name(path)+" is not a full URL", "write https://host/path")
		return
	case u.Scheme != "http" && u.Scheme != "https":
		r.wrong(path, name(path)+" is neither https nor http", "write https://host/path")
		return
	case u.User != nil:
		r.wrong(path, name(path)+" carries a user name", "remove it; credentials have settings of their own")
		return
	case u.Fragment != "":
		r.wrong(path, name(path)+" has a fragment (#...), which is never sent", "remove it")
		return
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if c.allows(host, port) {
		return
	}
	listed := fmt.Sprintf("list %q in egress.allow", net.JoinHostPort(host, port))
	switch {
	case u.Scheme == "http":
		r.wrong(path, name(path)+" is not encrypted", "write https://, or "+listed)
	case isPrivate(host):
		r.wrong(path, name(path)+" is a private destination", listed)
	}
}

// isPrivate reports whether host names this machine or a private network. What
// other names resolve to is seen when they are dialled.
func isPrivate(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		h := strings.ToLower(strings.TrimSuffix(host, "."))
		return h == "localhost" || strings.HasSuffix(h, ".localhost") || strings.HasSuffix(h, ".internal")
	}
	ip = ip.Unmap()
	return !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}
