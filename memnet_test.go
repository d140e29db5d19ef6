package forebay_test

import (
	"context"
	"errors"
	"net"
	"sync"
)

// A memnet is a network in memory, so that a whole server with its peers runs
// in a bubble of fake time.
type memnet struct {
	mu        sync.Mutex
	listeners map[string]*memListener
}

func newMemnet() *memnet { return &memnet{listeners: map[string]*memListener{}} }

// listen opens addr ("claude.test:80").
func (m *memnet) listen(addr string) net.Listener {
	l := &memListener{addr: memAddr(addr), conns: make(chan net.Conn), done: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners[addr] = l
	return l
}

// dial connects to a listener.
func (m *memnet) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[addr]
	m.mu.Unlock()
	if l == nil {
		return nil, errors.New("connection refused: " + addr)
	}
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, errors.New("connection refused: " + addr)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// silence has an address refuse all new connections.
func (m *memnet) silence(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.listeners, addr)
}

type memListener struct {
	addr  memAddr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memListener) Addr() net.Addr { return l.addr }

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }
