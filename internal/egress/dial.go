package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// dialTimeout bounds the making of a connection, name lookup included.
const dialTimeout = 10 * time.Second

// A dialer connects to what the guard lets through. The guard looks at the
// literal address of each attempt, after name resolution and right before
// connect(2), so a name that answers differently the second time gains nothing.
type dialer struct {
	allow    exceptions
	ranges   ranges
	proxies  map[string]bool // host:port of the configured proxies
	resolver *net.Resolver
	// connect makes the connection; tests watch here what the guard lets through.
	connect func(ctx context.Context, d *net.Dialer, network, addr string) (net.Conn, error)
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, blocked("no host and port")
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, blocked("no such port")
	}
	g := guard{dialer: d, proxy: d.proxies[addr], named: d.allow.name(host, uint16(port))}
	if err := g.lookup(ctx, host, uint16(port)); err != nil {
		return nil, err
	}
	nd := &net.Dialer{KeepAlive: 30 * time.Second, Resolver: d.resolver, ControlContext: g.control}
	return d.connect(ctx, nd, network, addr)
}

// A guard decides about the addresses of one dial.
type guard struct {
	dialer *dialer
	proxy  bool // the destination is the configured proxy
	named  bool // the destination is an allowed name
}

// lookup refuses a name if any of its addresses is refused: a name that is
// public and private at once is a trick, whichever address would come first.
func (g guard) lookup(ctx context.Context, host string, port uint16) error {
	if g.proxy {
		return nil
	}
	ips, err := g.dialer.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	for _, ip := range ips {
		if err := g.check(netip.AddrPortFrom(ip.Unmap(), port)); err != nil {
			return err
		}
	}
	return nil
}

// control is called by net.Dialer with a literal address, before it connects.
func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return blocked("network %q", network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return blocked("no literal address")
	}
	return g.check(to)
}

func (g guard) check(to netip.AddrPort) error {
	ip, port := to.Addr(), to.Port()
	switch {
	case g.proxy, g.dialer.allow.address(ip, port):
		return nil
	case g.named && g.dialer.ranges.named(ip):
		return nil
	case g.dialer.ranges.public(ip):
		return nil
	}
	return blocked("%s is not a public address and not in egress.allow", ip)
}

func connect(ctx context.Context, d *net.Dialer, network, addr string) (net.Conn, error) {
	return d.DialContext(ctx, network, addr)
}
