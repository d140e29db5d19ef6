package claudetest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A Running is a server that listens, until the end of the test.
type Running struct {
	*Server
	URL string // to be given to a client as its base URL
	// Dial connects to the server, whatever the address says. It suits
	// http.Transport.DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Start serves on a socket of the loopback interface until the test ends.
func Start(t testing.TB, o Options) *Running {
	t.Helper()
	s := must(t, o)
	front := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		front.CloseClientConnections()
		front.Close()
	})
	dialer := new(net.Dialer)
	address := front.Listener.Addr().String()
	return &Running{Server: s, URL: front.URL, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, address)
	}}
}

// StartPipe serves over pipes in memory until the test ends. It works inside a
// testing/synctest bubble, where sockets do not; the client reaches it through
// Dial alone, with any host name.
func StartPipe(t testing.TB, o Options) *Running {
	t.Helper()
	s := must(t, o)
	pipes := newPipeListener()
	front := &http.Server{Handler: s}
	var serving sync.WaitGroup
	serving.Go(func() { _ = front.Serve(pipes) }) // returns when front is closed
	t.Cleanup(func() {
		s.Close()
		_ = front.Close()
		serving.Wait()
	})
	return &Running{Server: s, URL: "http://claude.test", Dial: pipes.dial}
}

// Client returns an HTTP client that reaches the server.
func (r *Running) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: r.Dial, MaxIdleConnsPerHost: 256}}
}

func must(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatalf("start the Claude API simulator: %v", err)
	}
	return s
}

// A pipeListener hands both ends of net.Pipe out: one to a client that dials,
// the other to the server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept is the server's side.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and dialling.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name, as pipes have no address.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "claude.test" }
