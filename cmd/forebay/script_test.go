package main

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/forebayhq/forebay/verify"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

// TestMain lets this test binary be the commands of the scripts, and the writer
// that loses its disk, and the senders of a crowd.
func TestMain(m *testing.M) {
	testscript.Main(swept{m}, map[string]func(){
		"forebay":       func() { os.Exit(realMain()) },
		"ledger-writer": func() { os.Exit(writeLedger(os.Args[1:])) },
		"event-crowd":   func() { os.Exit(sendCrowd(os.Args[1:])) },
	})
}

// TestScripts runs testdata/script/*.txtar: what people type, and what they
// then see, on the real binary.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds:                scriptCommands(),
		Setup: func(e *testscript.Env) error {
			e.Values[claudeKey{}] = map[string]*heldClaude{}
			return nil
		},
	})
}

// receiver TYPE SECRET starts a server that verifies what it is sent, and sets
// RECEIVER to its URL and RECEIVER_ADDR to its host and port.
func receiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: receiver TYPE SECRET")
	}
	server := httptest.NewUnstartedServer(nil)
	v, err := verify.New(sourceFor(args[0], args[1], "http://"+server.Listener.Addr().String()))
	ts.Check(err)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { receive(v, w, r) })
	server.Start()
	ts.Defer(server.Close)
	ts.Setenv("RECEIVER", server.URL)
	ts.Setenv("RECEIVER_ADDR", server.Listener.Addr().String())
}

func sourceFor(kind, secret, url string) verify.Config {
	c := verify.Config{Type: kind, Secrets: []string{secret}}
	switch kind {
	case "twilio":
		c.PublicURL = url
	case "hmac":
		c.Header, c.Signed, c.TimestampHeader, c.IDHeader, c.Prefix = "X-Signature", "{timestamp}.{body}", "X-Timestamp", "X-Delivery-Id", "sha256="
	}
	return c
}

func receive(v verify.Verifier, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d, err := v.Verify(verify.Request{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: body, Now: time.Now()})
	answer, status := any(map[string]string{"status": "accepted", "job": "job_" + d.Type}), http.StatusAccepted
	if bad, ok := err.(*verify.Error); ok {
		answer, status = map[string]any{"error": map[string]string{"code": bad.Code, "message": bad.Message, "hint": bad.Hint}}, http.StatusUnauthorized
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client reports a broken answer
}
