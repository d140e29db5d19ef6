package main

import (
	"net/http/httptest"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/forebayhq/forebay/claudetest"
)

// A heldClaude is a simulated Claude that answers when the script lets it, so
// that a script can look at calls in flight without a race against them.
type heldClaude struct {
	sim *claudetest.Server

	mu   sync.Mutex
	gate chan struct{} // closed: calls are answered
}

// claudeKey finds the script's heldClaude.
type claudeKey struct{}

// claude: claude hold starts a Claude that holds its calls, or lets the one
// that runs hold those that come; it sets CLAUDE to its host and port. claude
// wait N waits until N calls have come in all. claude release answers those
// that are held, and those that come.
func claude(ts *testscript.TestScript, neg bool, args []string) {
	values := ts.Value(claudeKey{}).(map[string]*heldClaude)
	c := values["claude"]
	switch {
	case !neg && len(args) == 1 && args[0] == "hold":
		if c == nil {
			c = startClaude(ts)
			values["claude"] = c
		}
		c.hold()
	case !neg && len(args) == 2 && args[0] == "wait" && c != nil:
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		poll(ts, args[1]+" calls", func() bool { return len(c.sim.MessageCalls()) >= n })
	case !neg && len(args) == 1 && args[0] == "release" && c != nil:
		c.release()
	default:
		ts.Fatalf("usage: claude hold, then claude wait N or claude release")
	}
}

func startClaude(ts *testscript.TestScript) *heldClaude {
	c := &heldClaude{gate: make(chan struct{})}
	sim, err := claudetest.New(claudetest.Options{Reply: func(claudetest.Request) claudetest.Reply {
		c.mu.Lock()
		gate := c.gate
		c.mu.Unlock()
		<-gate
		return claudetest.Reply{Text: "released"}
	}})
	ts.Check(err)
	c.sim = sim
	server := httptest.NewServer(sim)
	ts.Defer(func() {
		c.release()
		sim.Close()
		server.Close()
	})
	ts.Setenv("CLAUDE", server.Listener.Addr().String())
	return c
}

func (c *heldClaude) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.gate:
		c.gate = make(chan struct{})
	default: // it holds already
	}
}

func (c *heldClaude) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.gate:
	default:
		close(c.gate)
	}
}
