package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// public is an address that stands for the internet in these tests. Nothing is
// ever sent to it: a lab cuts in where the kernel would connect.
const public = "93.184.215.14"

// A lab is an egress whose names are answered by a server in memory and whose
// connections, once the guard has let them through, end at a handler in memory.
type lab struct {
	*Egress
	mu      sync.Mutex
	hosts   map[string][]string // answers by name, in turn if a name is listed in turns
	turns   map[string]int      // how often a rebinding name was asked
	reached []netip.AddrPort    // what the guard let through
	handler http.Handler
	servers sync.WaitGroup
}

func newLab(t *testing.T, o Options) *lab {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{Egress: e, hosts: map[string][]string{}, turns: map[string]int{}}
	d := &dialer{allow: e.allow, ranges: e.ranges, proxies: map[string]bool{}, connect: l.connect}
	d.resolver = &net.Resolver{PreferGo: true, StrictErrors: true, Dial: l.dialDNS}
	e.dial = d.dial
	t.Cleanup(func() {
		e.Close()
		l.servers.Wait()
	})
	return l
}

var errConnected = errors.New("connected")

// connect lets net.Dialer do everything up to connect(2), the guard included,
// and then hands out a connection to the handler.
func (l *lab) connect(ctx context.Context, d *net.Dialer, network, addr string) (net.Conn, error) {
	guard := d.ControlContext
	d.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if err := guard(ctx, network, address, c); err != nil {
			return err
		}
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.reached = append(l.reached, to)
		l.mu.Unlock()
		return errConnected
	}
	_, err := d.DialContext(ctx, network, addr)
	if !errors.Is(err, errConnected) {
		return nil, err
	}
	if l.handler == nil {
		return nil, err
	}
	client, server := net.Pipe()
	l.servers.Go(func() { l.serve(server) })
	return client, nil
}

func (l *lab) serve(c net.Conn) {
	one := make(chan net.Conn, 1)
	one <- c
	srv := &http.Server{Handler: l.handler}
	_ = srv.Serve(&oneConn{one, c}) // ends when the connection does
}

// oneConn is a listener with one connection.
type oneConn struct {
	conns chan net.Conn
	c     net.Conn
}

func (o *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	default:
		return nil, net.ErrClosed
	}
}
func (o *oneConn) Close() error   { return nil }
func (o *oneConn) Addr() net.Addr { return o.c.LocalAddr() }

// dialDNS answers queries from the table; a name with turns answers the first
// address the first time and the second from then on.
func (l *lab) dialDNS(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	l.servers.Go(func() {
		defer server.Close()
		r := bufio.NewReader(server)
		for {
			var size [2]byte
			if _, err := readFull(r, size[:]); err != nil {
				return
			}
			query := make([]byte, int(size[0])<<8|int(size[1]))
			if _, err := readFull(r, query); err != nil {
				return
			}
			answer, err := l.answer(query)
			if err != nil {
				return
			}
			if _, err := server.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...)); err != nil {
				return
			}
		}
	})
	return client, nil
}

func readFull(r *bufio.Reader, b []byte) (int, error) {
	for n := 0; n < len(b); {
		m, err := r.Read(b[n:])
		if err != nil {
			return n, err
		}
		n += m
	}
	return len(b), nil
}

func (l *lab) answer(query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	header, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	header.Response, header.Authoritative = true, true
	ips := l.lookup(strings.TrimSuffix(q.Name.String(), "."), q.Type)
	if ips == nil {
		header.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, header)
	if err := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers()); err != nil {
		return nil, err
	}
	rh := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}
	for _, ip := range ips {
		switch {
		case ip.Is4() && q.Type == dnsmessage.TypeA:
			err = b.AResource(rh, dnsmessage.AResource{A: ip.As4()})
		case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
			err = b.AAAAResource(rh, dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
		if err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

func (l *lab) lookup(name string, kind dnsmessage.Type) []netip.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	texts, ok := l.hosts[strings.ToLower(name)]
	if !ok {
		return nil
	}
	if texts[0] == "turns" {
		texts = texts[1:]
		if kind == dnsmessage.TypeA {
			l.turns[name]++
		}
		texts = texts[min(max(l.turns[name]-1, 0), len(texts)-1):][:1]
	}
	out := []netip.Addr{}
	for _, text := range texts {
		out = append(out, netip.MustParseAddr(text))
	}
	return out
}

// leaks are the addresses that were reached and are not public.
func (l *lab) leaks() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, to := range l.reached {
		if to.Addr().String() != public {
			out = append(out, to.String())
		}
	}
	return out
}

// testNames are the names of the corpus, and some that machines resolve by
// themselves.
func testNames() map[string][]string {
	names := map[string][]string{
		"public.ssrf.test":        {public},
		"redirect.ssrf.test":      {public},
		"evil.ssrf.test":          {public},
		"loop.ssrf.test":          {"127.0.0.1"},
		"loop6.ssrf.test":         {"::1"},
		"mapped.ssrf.test":        {"::ffff:127.0.0.1"},
		"private.ssrf.test":       {"10.0.0.7"},
		"mixed.ssrf.test":         {public, "127.0.0.1"},
		"cname-to-loop.ssrf.test": {"127.0.0.1"},
		"rebind.ssrf.test":        {"turns", public, "127.0.0.1"},
	}
	for _, name := range []string{
		"localtest.me", "127.0.0.1.nip.io", "host.docker.internal", "redis", "localhost.localdomain", "ip6-localhost", "localhost",
	} {
		names[name] = []string{"127.0.0.1"}
	}
	for _, name := range []string{"169.254.169.254.nip.io", "metadata.google.internal", "metadata"} {
		names[name] = []string{"169.254.169.254"}
	}
	return names
}

// corpus reads a file of lines "kind TAB url".
func corpus(t testing.TB, file string) [][2]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out [][2]string
	for line := range strings.Lines(string(data)) {
		kind, raw, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			t.Fatalf("%s: %q is no line of the corpus", file, line)
		}
		out = append(out, [2]string{kind, raw})
	}
	return out
}

// redirector answers as the corpus says: /301?to=URL, /loop, /chain?n=N.
func redirector() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	m.HandleFunc("/chain", func(w http.ResponseWriter, r *http.Request) {
		n := 0
		if _, err := fmt.Sscan(r.URL.Query().Get("n"), &n); err == nil && n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/chain?n=%d", n-1), http.StatusFound)
		}
	})
	m.HandleFunc("/{status}", func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusFound
		if _, err := fmt.Sscan(r.PathValue("status"), &status); err == nil && status >= 300 {
			w.Header().Set("Location", r.URL.Query().Get("to"))
			w.WriteHeader(status)
		}
	})
	return m
}

func mustParse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
