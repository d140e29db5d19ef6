package forebay

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxTurns is how many requests of a listener are read and answered at once:
// enough to fill the ledger's transactions, so that more would not be answered
// sooner. maxKept is how many connections are kept for another request.
const (
	maxTurns = 128
	maxKept  = 256
)

// A turn lasts so long until the request has come whole, and then so long until
// its answer; it ends sooner with the answer, and where the request is going to
// wait for something. Without its turn the request goes on, but keeps nobody
// waiting any more: neither who stalls keeps others out, nor who waits for Claude.
const (
	turnToCome   = 50 * time.Millisecond // what was sent waits in the network's buffers
	turnToAnswer = time.Second
)

// An anteroom is a listener whose connections wait until the first byte of a
// request is there and the connection has a turn; only then the HTTP server sees
// them. A connection takes 3 KiB here at most and some 60 KiB there, most of it
// the body and the stack, and what has not been read waits in the network's
// buffers: a crowd of thousands costs little more than a queue. Nobody is refused.
type anteroom struct {
	net.Listener
	turns   chan struct{} // a slot for each turn
	queue   chan *guest   // in the order in which their first bytes came; has room for all
	failed  chan error
	closing chan struct{}
	inside  atomic.Int64 // connections that the server has
	running sync.WaitGroup

	mu      sync.Mutex
	waiting map[*guest]struct{} // for a byte or a turn; nil: closed
}

// newAnteroom begins to accept from l, which must not have more than so many
// connections open at once.
func newAnteroom(l net.Listener, most int) *anteroom {
	a := &anteroom{
		Listener: l, turns: make(chan struct{}, maxTurns), queue: make(chan *guest, most),
		failed: make(chan error), closing: make(chan struct{}), waiting: map[*guest]struct{}{},
	}
	a.running.Go(a.receive)
	return a
}

// receive accepts until the listener is closed.
func (a *anteroom) receive() {
	for {
		c, err := a.Listener.Accept()
		if err == nil {
			if g := (&guest{Conn: c, room: a}); a.enter(g) {
				a.running.Go(func() { a.listen(g) })
			}
			continue
		}
		select {
		case a.failed <- err: // the server waits a little, or gives up
		case <-a.closing:
			return
		}
	}
}

// enter notes a connection that waits, so that Close can end that.
func (a *anteroom) enter(g *guest) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		_ = g.Conn.Close()
		return false
	}
	a.waiting[g] = struct{}{}
	return true
}

// leave reports whether the connection was still waiting.
func (a *anteroom) leave(g *guest) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.waiting[g]
	delete(a.waiting, g)
	return ok
}

// listen waits for the first byte. A connection that says nothing has as long
// for it as for the whole header.
func (a *anteroom) listen(g *guest) {
	_ = g.SetReadDeadline(time.Now().Add(readHeaderTimeout)) // the read says what is wrong
	if n, _ := g.Conn.Read(g.first[:]); n == 0 {
		a.leave(g)
		_ = g.Conn.Close()
		return
	}
	g.unread = true
	a.queue <- g
}

// Accept waits for a turn that is free and a connection to have it.
func (a *anteroom) Accept() (net.Conn, error) {
	select {
	case a.turns <- struct{}{}:
	case <-a.closing:
		return nil, net.ErrClosed
	}
	for {
		select {
		case g := <-a.queue:
			if a.leave(g) {
				g.begin()
				return g, nil
			}
		case err := <-a.failed:
			<-a.turns
			return nil, err
		case <-a.closing:
			return nil, net.ErrClosed
		}
	}
}

// Close closes the listener and the connections that still wait, as the kernel
// does with those that nobody has accepted.
func (a *anteroom) Close() error {
	a.mu.Lock()
	waiting := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	if waiting == nil {
		return nil
	}
	err := a.Listener.Close()
	close(a.closing)
	for g := range waiting {
		_ = g.Conn.Close()
	}
	a.running.Wait()
	return err
}

// A guest is a connection that has got its turn.
type guest struct {
	net.Conn
	room   *anteroom
	first  [1]byte
	unread bool // first is still to be read; the goroutine's that serves the connection

	mu     sync.Mutex
	lease  *time.Timer // of its turn; nil: it has none
	closed bool
}

// begin gives the connection its turn.
func (g *guest) begin() {
	g.room.inside.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lease = time.AfterFunc(turnToCome, g.endTurn)
}

// Read begins with the byte that was waited for.
func (g *guest) Read(p []byte) (int, error) {
	if !g.unread || len(p) == 0 {
		return g.Conn.Read(p)
	}
	g.unread, p[0] = false, g.first[0]
	return 1, nil
}

// come is told that the request is there.
func (g *guest) come() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lease != nil {
		g.lease.Reset(turnToAnswer)
	}
}

// endTurn lets the next connection in, once.
func (g *guest) endTurn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lease != nil {
		g.lease.Stop()
		g.lease = nil
		<-g.room.turns
	}
}

// Close ends the turn too.
func (g *guest) Close() error {
	g.endTurn()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		g.room.inside.Add(-1)
	}
	return g.Conn.Close()
}

// answered ends a connection's turn when its request is over. It is
// http.Server.ConnState.
func answered(c net.Conn, state http.ConnState) {
	if g, ok := c.(*guest); ok && state == http.StateIdle {
		g.endTurn()
	}
}

// guestKey is where a request's context holds its connection.
type guestKey struct{}

// withGuest is http.Server.ConnContext.
func withGuest(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, c)
}

// endTurn ends the turn of a request before its answer: it is going to wait.
func endTurn(ctx context.Context) {
	if g, ok := ctx.Value(guestKey{}).(*guest); ok {
		g.endTurn()
	}
}

// inTurn has webhooks use their turns, and all others, who only look and may look
// for long, end theirs. While the server has more connections than it keeps,
// answers end them: each holds on to the stack and the buffers of its last request.
func inTurn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, ok := r.Context().Value(guestKey{}).(*guest)
		switch {
		case !ok:
		case strings.HasPrefix(r.URL.Path, "/hooks/"):
			whole := *r // net/http still needs its own
			whole.Body = coming{r.Body, g}
			r = &whole
		default:
			g.endTurn()
		}
		if ok && g.room.inside.Load() > maxKept {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// A coming body tells its connection when it has come.
type coming struct {
	io.ReadCloser
	guest *guest
}

func (b coming) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.guest.come()
	}
	return n, err
}
