package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// An exception is one entry of Options.Allow. Exactly one of network and host
// is set; port 0 is any port.
type exception struct {
	network netip.Prefix
	host    string
	port    uint16
}

type exceptions []exception

func parseExceptions(entries []string) (exceptions, error) {
	var out exceptions
	for _, entry := range entries {
		x, err := parseException(entry)
		if err != nil {
			return nil, fmt.Errorf("egress allow %q: %w", entry, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// parseException reads an address, a network, either with a port, or a name
// with a port.
func parseException(entry string) (exception, error) {
	if n, ok := parseNetwork(entry); ok {
		return exception{network: n}, nil
	}
	host, portText, err := splitPort(entry)
	if err != nil {
		return exception{}, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return exception{}, fmt.Errorf("%q is no port", portText)
	}
	if n, ok := parseNetwork(host); ok {
		return exception{network: n, port: uint16(port)}, nil
	}
	name, err := asciiHost(host)
	if err != nil {
		return exception{}, err
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return exception{}, fmt.Errorf("%q is not an address that can be called", host)
	}
	return exception{host: name, port: uint16(port)}, nil
}

// splitPort is net.SplitHostPort for networks too: "10.1.0.0/16:443",
// "[fd00::/8]:443".
func splitPort(entry string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(entry)
	if err != nil {
		return "", "", fmt.Errorf("write host:port, an address, or a network in CIDR notation, such as ci.internal:443, 127.0.0.1:9000, 10.1.0.0/16")
	}
	return host, port, nil
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

// address reports whether ip:port is listed by its address.
func (xs exceptions) address(ip netip.Addr, port uint16) bool {
	for _, x := range xs {
		if x.host == "" && (x.port == 0 || x.port == port) && x.network.Contains(ip) {
			return true
		}
	}
	return false
}

// name reports whether host:port is listed by its name.
func (xs exceptions) name(host string, port uint16) bool {
	for _, x := range xs {
		if x.host != "" && x.port == port && x.host == strings.ToLower(host) {
			return true
		}
	}
	return false
}

// destination reports whether host:port, a name or an address, is listed.
func (xs exceptions) destination(host string, port uint16) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return xs.address(ip, port)
	}
	return xs.name(host, port)
}
