package forebay_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
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

// TestStopWithDeadStore: a store that does not answer, here because another
// process has locked its file, holds up a stop no longer than its context and a
// moment, and the answer that it did not take is not lost: the job runs again.
func TestStopWithDeadStore(t *testing.T) {
	bubble(t, prHook, claudetest.Options{Latency: 10 * time.Second}, func(w *world) {
		id := w.accepted("pr", "pull_request", pull)
		time.Sleep(5 * time.Second)
		unlock := lockStore(w)
		time.Sleep(7 * time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := w.server.Stop(ctx); err == nil {
			t.Error("got no error, want one that says that the store did not answer")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the stop took %v, want its 3s and a moment", took)
		}
		unlock()
		time.Sleep(time.Minute) // what hung lets go, and closes the store
		w.boot()
		w.until(id, "succeeded", time.Minute)
	})
}

// lockStore takes the write lock of the world's store, as another process would.
func lockStore(w *world) (unlock func()) {
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			w.t.Error(err)
		}
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			w.t.Error(err)
		}
	}
}

// TestTwoStops: who stops a server that is stopping waits along.
func TestTwoStops(t *testing.T) {
	bubble(t, prHook, claudetest.Options{Latency: 5 * time.Second}, func(w *world) {
		w.accepted("pr", "pull_request", pull)
		time.Sleep(time.Second)
		var first time.Time
		var stops sync.WaitGroup
		stops.Go(func() {
			if err := w.server.Stop(context.Background()); err != nil {
				t.Error(err)
			}
			first = time.Now()
		})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := w.server.Stop(ctx); err != nil || ctx.Err() == nil {
			t.Errorf("got %v, %v; want nil when its own time is over", err, ctx.Err())
		}
		if err := w.server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		second := time.Now()
		stops.Wait()
		if second.Before(first) {
			t.Errorf("the second stop returned %v before the first", first.Sub(second))
		}
		w.boot()
	})
}
