package forebay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestStopWithSlowSender: a sender that stalls in the middle of its body keeps
// no worker taking jobs, and is cut off when the time to stop is over.
func TestStopWithSlowSender(t *testing.T) {
	hooks := strings.Replace(prHook, "    model: haiku\n", "    coalesce: {key: '\"k\"', quiet: 2s, max_wait: 1m}\n    model: haiku\n", 1)
	bubble(t, hooks, claudetest.Options{}, func(w *world) {
		w.accepted("pr", "pull_request", pull)
		conn, err := w.net.dial(context.Background(), "tcp", "forebay.test:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprint(conn, "POST /hooks/pr HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := w.server.Stop(ctx); err == nil {
			t.Error("got no error, want one that says that a request was cut off")
		}
		if got := len(w.claude.MessageCalls()); got != 0 {
			t.Errorf("got %d calls by jobs that were due after the stop, want none", got)
		}
		stopped := time.Now()
		if _, err := conn.Read(make([]byte, 1)); err == nil || time.Since(stopped) > time.Second {
			t.Errorf("got %v after %v, want the connection closed at the stop", err, time.Since(stopped))
		}
		w.boot()
	})
}
