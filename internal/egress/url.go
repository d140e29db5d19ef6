package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// maxURL bounds a URL, in bytes. Longer ones are refused before they are parsed.
const maxURL = 2048

// CheckURL parses an absolute URL that somebody else chose and refuses whatever
// no honest receiver needs: schemes other than https (http only to what
// Options.Allow lists), user names, fragments, ports other than the scheme's
// own unless listed, hosts that are not plain names or addresses, and private
// addresses that are not listed. A name's addresses are checked again when it
// is dialled. The host of the result is ASCII and lower case. Errors wrap
// [ErrBlocked] and never repeat the URL.
func (e *Egress) CheckURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, blocked("the URL has more than %d bytes", maxURL)
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f || r == '\\' {
			return nil, blocked("the URL has a character that no URL has")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, blocked("not a URL")
	}
	if u.Fragment != "" || strings.Contains(raw, "#") {
		return nil, blocked("the URL has a fragment")
	}
	if err := e.checkTarget(u, rules{httpsOnly: true}); err != nil {
		return nil, err
	}
	return u, nil
}

// rules are what a policy adds to the check of a URL.
type rules struct {
	httpsOnly bool
	origin    *origin // its port needs no exception
}

// checkTarget refuses a URL that may not be called and normalises its host. It
// runs on every request, also after a redirect.
func (e *Egress) checkTarget(u *url.URL, r rules) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return blocked("scheme %.20q", u.Scheme)
	}
	if u.Opaque != "" || u.Host == "" {
		return blocked("the URL has no host")
	}
	if u.User != nil {
		return blocked("the URL carries a user name")
	}
	at, err := originOf(u)
	if err != nil {
		return err
	}
	u.Host = at.hostPort()
	if e.unguarded {
		return nil
	}
	return e.checkOrigin(at, r)
}

// checkOrigin applies the rules of addresses, ports and encryption.
func (e *Egress) checkOrigin(at origin, r rules) error {
	listed := e.allow.destination(at.host, at.port)
	own := r.origin != nil && *r.origin == at
	ip, ipErr := netip.ParseAddr(at.host)
	switch {
	case listed:
		return nil
	case ipErr == nil && !e.ranges.public(ip):
		return blocked("%s is not a public address and not in egress.allow", at.host)
	case at.scheme == "http" && r.httpsOnly:
		return blocked("http to %s is not in egress.allow", at.hostPort())
	case at.port != defaultPort(at.scheme) && !own:
		return blocked("port %d of %s is not in egress.allow", at.port, at.host)
	}
	return nil
}

// An origin is a scheme, an ASCII host in lower case, and a port.
type origin struct {
	scheme string
	host   string
	port   uint16
}

func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	if err != nil {
		return origin{}, errors.New("not a URL")
	}
	bare := u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Path == "" || u.Path == "/")
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || !bare {
		return origin{}, errors.New("not an origin: write https://host or https://host:port")
	}
	return originOf(u)
}

func originOf(u *url.URL) (origin, error) {
	host, err := asciiHost(u.Hostname())
	if err != nil {
		return origin{}, fmt.Errorf("%w: %w", ErrBlocked, err)
	}
	port := defaultPort(u.Scheme)
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return origin{}, blocked("no such port")
		}
		port = uint16(n)
	} else if strings.HasSuffix(u.Host, ":") {
		return origin{}, blocked("the URL's port is empty")
	}
	return origin{scheme: u.Scheme, host: host, port: port}, nil
}

func defaultPort(scheme string) uint16 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// hostPort is the authority of the origin, without the scheme's own port.
func (o origin) hostPort() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == defaultPort(o.scheme) {
		return host
	}
	return host + ":" + strconv.Itoa(int(o.port))
}

func (o origin) String() string { return o.scheme + "://" + o.hostPort() }

// asciiHost returns a host in its one canonical form, or an error: an address
// in the notation of RFC 4291 and RFC 1123 alone (0x7f.1, 127.1 and 2130706433
// are other people's notations of addresses), or a name of letters, digits,
// hyphens and underscores after IDNA.
func asciiHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" || ip.Is4In6() {
			return "", errors.New("an address with a zone, or an IPv4 address written as IPv6")
		}
		return ip.String(), nil
	}
	name := host
	if !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", errors.New("the host is not a name")
		}
		name = ascii
	}
	name = strings.ToLower(name)
	if len(name) > 253 || !isName(name) {
		return "", errors.New("the host is not a name")
	}
	return name, nil
}

// isName reports whether name is a DNS name and cannot be read as an address.
func isName(name string) bool {
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notLabel) {
			return false
		}
		last = label
	}
	return !isNumber(last)
}

func notLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// isNumber follows the "ends in a number" check of the WHATWG URL standard.
func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func blocked(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBlocked}, args...)...)
}
