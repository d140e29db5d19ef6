package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// minKey is the least length of an API key: 16 characters hold at least 64
// bits where they are chosen at random among 16 letters.
const minKey = 16

func (c *Config) checkListeners(r *report) {
	c.checkAddress(r, "listen", c.Listen)
	for i, key := range c.Admin.Keys {
		path := item("admin.keys", i)
		switch n := len(key.Reveal()); {
		case n < minKey && r.sound(path):
			r.wrong(path, fmt.Sprintf("the key has %d characters, the least is %d", n, minKey), "make one with: openssl rand -hex 24")
		case strings.ContainsFunc(key.Reveal(), notToken):
			r.wrong(path, "the key has a character that no Authorization header can carry", "use letters, digits, - and _ only")
		}
	}
	if c.Admin.Listen == "off" {
		return
	}
	c.checkAddress(r, "admin.listen", c.Admin.Listen)
	if !r.sound("admin.listen") {
		return
	}
	if c.Admin.Listen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		r.wrong("admin.listen", "admin.listen and listen are the same address", "give each its own port")
	}
	if !isLoopback(c.Admin.Listen) && len(c.Admin.Keys) == 0 {
		r.wrong("admin.keys", "admin.listen can be reached from other machines and there are no keys",
			"write keys: [\"${FOREBAY_ADMIN_KEY}\"], or listen on 127.0.0.1")
	}
}

// notToken reports whether c cannot stand in a bearer token (RFC 6750, 2.1;
// any visible ASCII is let through).
func notToken(c rune) bool { return c <= ' ' || c > '~' }

// checkAddress checks an address to listen on: "host:port", host may be empty.
func (c *Config) checkAddress(r *report, path, address string) {
	if !r.sound(path) {
		return
	}
	example := ":8080 or 127.0.0.1:8080"
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		remedy := "write " + example
		if isPort(address) {
			remedy = "write \":" + address + "\""
		}
		if _, rest, isURL := strings.Cut(address, "://"); isURL {
			remedy = "write the host and the port alone: " + strings.TrimRight(rest, "/")
		}
		if r.sites[path].raw() != "" {
			remedy = "write " + example
		}
		r.wrong(path, r.shown(path, address)+" is not an address to listen on", remedy)
		return
	}
	if !isPort(port) {
		r.wrong(path, r.shown(path, address)+" has no port from 0 to 65535", "write "+example)
	} else if host != "" && !isHost(host) {
		r.wrong(path, r.shown(path, address)+" has no valid host", "write "+example)
	}
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// isHost reports whether s is an IP address or could be a DNS name. What ends in
// a number and is no address is an address in somebody else's notation.
func isHost(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Zone() == "" && !ip.Is4In6()
	}
	if s == "" || len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.ContainsFunc(label, notHostRune) {
			return false
		}
		last = strings.ToLower(label)
	}
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		last, digits = hex, digits+"abcdef"
	}
	return strings.Trim(last, digits) != ""
}

func notHostRune(c rune) bool {
	return !(c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
}

// isLoopback reports whether only this machine can reach address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func (c *Config) checkStore(r *report) {
	kind, path, _ := strings.Cut(c.Store, ":")
	switch {
	case kind == "postgres" || kind == "postgresql":
		r.wrong("store", "postgres is not available in this version", "write store: sqlite:forebay.db")
	case kind != "sqlite":
		r.wrong("store", "the store is none that is known", "write store: sqlite:PATH")
	case strings.Contains(path, ":memory:"):
		r.wrong("store", "a store in memory would lose what was acknowledged", "write store: sqlite:PATH")
	case path == "" || strings.HasPrefix(path, "//"):
		r.wrong("store", "the store names no file", "write store: sqlite:PATH, with one colon and no //")
	case strings.ContainsAny(path, "?#%\x00"):
		r.wrong("store", "the store's path holds one of ? # %: its settings are fixed and not part of it", "write store: sqlite:PATH")
	}
	switch scheme, _, _ := strings.Cut(c.Intake, ":"); {
	case c.Intake == "store":
	case scheme == "redis" || scheme == "rediss" || scheme == "sqs":
		r.wrong("intake", scheme+" is not available in this version", "write intake: store")
	default:
		r.wrong("intake", "the intake is none that is known", "write intake: store")
	}
}

func (c *Config) checkLimits(r *report) {
	r.inRange("queue.max_jobs", int64(c.Queue.MaxJobs), 1, 100_000_000)
	r.sizeIn("queue.min_free_disk", c.Queue.MinFreeDisk, 0, 1<<40)
	c.Budget.check(r, "budget")
	for _, setting := range []string{"per_tenant_usd", "downgrade_to"} {
		if r.has("budget." + setting) {
			r.wrong("budget."+setting, setting+" is a hook's matter", "write it under the hook: budget: {"+setting+": ...}")
		}
	}
	r.durationIn("retention.events", c.Retention.Events, hour, 3650*day)
	r.durationIn("retention.results", c.Retention.Results, hour, 3650*day)
	r.durationIn("retention.dedupe", c.Retention.Dedupe, 30*day, 3650*day)
	r.durationIn("shutdown.grace", c.Shutdown.Grace, 0, 10*minute)
}
