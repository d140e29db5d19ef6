package egress

import "net/netip"

// denied4 are the IPv4 networks that are not the public internet, after IANA's
// IPv4 Special-Purpose Address Registry and RFC 6890, and one public address
// that answers inside Azure's machines only.
func denied4() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8",        // this network; Linux delivers it to the machine itself
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carrier-grade NAT, RFC 6598
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // Azure's WireServer
		"169.254.0.0/16",   // link-local, cloud metadata
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // IETF protocol assignments
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relays
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarking
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, broadcast
	)
}

// global6 is the only part of IPv6 that is routed on the internet. That leaves
// out mapped, compatible, translated (64:ff9b::/96), unique-local, link-local,
// site-local and multicast addresses at once.
func global6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// denied6 are the special networks inside global6.
func denied6() []netip.Prefix {
	return prefixes(
		"2001::/23",     // IETF protocol assignments: Teredo, ORCHID, benchmarking
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4: carries an IPv4 address
		"3fff::/20",     // documentation, RFC 9637
	)
}

// nameless are addresses that an allowed name never opens, because a name is
// whatever its DNS server says: only an entry with the address itself does.
// Cloud metadata is there, and what is no machine at all.
func nameless() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8",
		"100.100.100.200/32", // Alibaba Cloud metadata
		"168.63.129.16/32",
		"169.254.0.0/16",
		"192.0.0.192/32", // Oracle Cloud metadata
		"224.0.0.0/4",
		"240.0.0.0/4",
		"::/128",
		"fd00:ec2::/32", // AWS metadata and credentials
		"fd20:ce::/32",  // Google Cloud metadata
		"fe80::/10",
		"ff00::/8",
	)
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// ranges are the address rules of one Egress.
type ranges struct {
	denied4, denied6, nameless []netip.Prefix
	global6                    netip.Prefix
}

func newRanges() ranges {
	return ranges{denied4: denied4(), denied6: denied6(), nameless: nameless(), global6: global6()}
}

// public reports whether ip is an address of the public internet.
func (r ranges) public(ip netip.Addr) bool {
	switch {
	case !ip.IsValid() || ip.Zone() != "" || ip.Is4In6():
		return false
	case ip.Is4():
		return !within(ip, r.denied4)
	default:
		return r.global6.Contains(ip) && !within(ip, r.denied6)
	}
}

// named reports whether an allowed name may lead to ip.
func (r ranges) named(ip netip.Addr) bool {
	return ip.IsValid() && ip.Zone() == "" && !ip.Is4In6() && !within(ip, r.nameless)
}

func within(ip netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
