package forebay

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A pipes listener makes its connections in memory, so that time can be fake.
type pipes struct {
	accept chan net.Conn
	errs   chan error
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case err := <-p.errs:
		return nil, err
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A hall is an HTTP server behind an anteroom. /hooks/slow is answered after
// release is closed, as /slow is, /hooks/waits gives its turn back before that, and
// everything else is answered at once.
type hall struct {
	t       *testing.T
	pipes   *pipes
	room    *anteroom
	running atomic.Int64 // requests that are being answered
	release chan struct{}
	open    []net.Conn
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, pipes: &pipes{accept: make(chan net.Conn), errs: make(chan error), closed: make(chan struct{})}, release: make(chan struct{})}
	h.room = newAnteroom(h.pipes, 1000)
	srv := (&Server{log: slog.New(slog.DiscardHandler)}).newServer(http.HandlerFunc(h.answer))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(h.room) }()
	t.Cleanup(func() {
		for _, c := range h.open {
			_ = c.Close()
		}
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return h
}

func (h *hall) answer(w http.ResponseWriter, r *http.Request) {
	h.running.Add(1)
	defer h.running.Add(-1)
	_, _ = io.Copy(io.Discard, r.Body)
	if strings.HasSuffix(r.URL.Path, "waits") {
		endTurn(r.Context())
	}
	if !strings.HasSuffix(r.URL.Path, "now") {
		<-h.release
	}
	w.WriteHeader(http.StatusAccepted)
}

// send opens a connection and begins to send text.
func (h *hall) send(text string) net.Conn {
	ours, theirs := net.Pipe()
	h.open = append(h.open, ours)
	h.pipes.accept <- theirs
	if text != "" {
		go func() { _, _ = io.WriteString(ours, text) }()
	}
	return ours
}

func post(path string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
}

// read is the answer on a connection.
func (h *hall) read(c net.Conn) *http.Response {
	h.t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp
}

// TestTurns: so many requests are answered at once and no more, the others wait
// and are answered too.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		for range maxTurns + 50 {
			h.send(post("/hooks/slow"))
		}
		synctest.Wait()
		if got := h.running.Load(); got != maxTurns {
			t.Errorf("%d requests are being answered, want %d", got, maxTurns)
		}
		close(h.release)
		for _, c := range h.open {
			if got := h.read(c).StatusCode; got != http.StatusAccepted {
				t.Fatalf("got %d, want 202", got)
			}
		}
	})
}

// TestStallersKeepNobodyOut: how long a webhook waits when all turns are taken.
func TestStallersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       time.Duration
	}{
		{"a byte", "P", turnToCome},
		{"half a header", "POST /hooks/slow HTTP/1.1\r\n", turnToCome},
		{"half a body", strings.TrimSuffix(post("/hooks/slow"), "dy"), turnToCome},
		{"whole, and not answered", post("/hooks/slow"), turnToAnswer},
		{"whole, and waits for its result", post("/hooks/waits"), 0},
		{"looks, and for long", "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		{"silent", "", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t)
			for range maxTurns {
				h.send(tt.text)
			}
			synctest.Wait()
			began := time.Now()
			if got := h.read(h.send(post("/hooks/now"))); got.StatusCode != http.StatusAccepted {
				t.Errorf("%s: got %d, want 202", tt.name, got.StatusCode)
			}
			if got := time.Since(began); got != tt.want {
				t.Errorf("%s: another webhook waits %v, want %v", tt.name, got, tt.want)
			}
			close(h.release)
		})
	}
}

// TestSilentConnectionIsClosed: a connection has as long for its first byte as for
// its header.
func TestSilentConnectionIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		began := time.Now()
		_, err := h.send("").Read(make([]byte, 1))
		if took := time.Since(began); !errors.Is(err, io.EOF) || took != readHeaderTimeout {
			t.Errorf("got %v after %v, want the end after %v", err, took, readHeaderTimeout)
		}
	})
}

// TestFewConnectionsAreKept: past that, answers end their connections, until there
// are few again.
func TestFewConnectionsAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		for n := range maxKept + 10 {
			c := h.send(post("/hooks/now"))
			if got, want := h.read(c).Close, n >= maxKept; got != want {
				t.Fatalf("connection %d ends with its answer: %v, want %v", n+1, got, want)
			}
			synctest.Wait() // a connection that ends has left
		}
		_ = h.open[0].Close()
		synctest.Wait()
		again := h.send(post("/hooks/now"))
		for range 2 {
			if h.read(again).Close {
				t.Fatal("a connection that there is room for ends with its answer")
			}
			go func() { _, _ = io.WriteString(again, post("/hooks/now")) }()
		}
		h.read(again)
	})
}

// TestAnteroomClose: who waits is cut off, and nobody is left behind.
func TestAnteroomClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		for range maxTurns {
			h.send(post("/hooks/slow"))
		}
		synctest.Wait()
		waiting, silent := h.send("P"), h.send("")
		synctest.Wait()
		if err := errors.Join(h.room.Close(), h.room.Close()); err != nil {
			t.Error(err)
		}
		for _, c := range []net.Conn{waiting, silent} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want the end", err)
			}
		}
		if _, err := h.room.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: got %v, want that it is closed", err)
		}
		close(h.release)
		if got := h.read(h.open[0]).StatusCode; got != http.StatusAccepted {
			t.Errorf("got %d for a request that had its turn, want 202", got)
		}
	})
}

// TestAnteroomPassesErrorsOn: the server decides whether it can go on.
func TestAnteroomPassesErrorsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{accept: make(chan net.Conn), errs: make(chan error), closed: make(chan struct{})}
		room := newAnteroom(p, 10)
		defer room.Close()
		broken := errors.New("too many open files")
		for range 2 * maxTurns { // the turn that is not used is there again
			go func() { p.errs <- broken }()
			if _, err := room.Accept(); !errors.Is(err, broken) {
				t.Fatalf("got %v, want %v", err, broken)
			}
		}
		ours, theirs := net.Pipe()
		defer ours.Close()
		p.accept <- theirs
		go func() { _, _ = io.WriteString(ours, "ab") }()
		c, err := room.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got := make([]byte, 2)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "ab" {
			t.Errorf("got %q, %v, want every byte that was sent", got, err)
		}
	})
}
