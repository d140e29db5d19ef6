package claude

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilence: a stream is cut after a minute without a line. What its reader
// takes for itself between two reads, for a store that hangs say, does not
// count, and bytes that make no line are no sign of life.
func TestSilence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		send       string
		every      time.Duration // between two sendings
		busy       time.Duration // between two reads
		wantSilent bool
	}{
		{"lines in time", "data: x\n", 50 * time.Second, 0, false},
		{"lines too late", "data: x\n", 70 * time.Second, 0, true},
		{"a reader that is busy", "data: x\n", time.Second, 5 * time.Minute, false},
		{"a reader that is busy, and lines too late", "data: x\n", 5*time.Minute + 70*time.Second, 5 * time.Minute, true},
		{"drops", "x", 7 * time.Second, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, resp, to := watched(t)
				var server sync.WaitGroup
				defer server.Wait()
				server.Go(func() {
					for range 20 {
						time.Sleep(tt.every)
						if _, err := to.Write([]byte(tt.send)); err != nil {
							return
						}
					}
					_ = to.Close()
				})
				var err error
				for buf := make([]byte, 64); err == nil; {
					_, err = resp.Body.Read(buf)
					time.Sleep(tt.busy)
				}
				if silent := errors.Is(w.explain(err), errIdle); silent != tt.wantSilent {
					t.Errorf("got %v, want it cut for silence: %v", err, tt.wantSilent)
				}
			})
		})
	}
}

// watched is a response under watch, and the other end of its body. It may be
// silent for a minute.
func watched(t *testing.T) (*watch, *http.Response, *io.PipeWriter) {
	c := &Client{idle: time.Minute, timeout: 24 * time.Hour}
	ctx, w := c.watch(t.Context())
	t.Cleanup(w.stop)
	from, to := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = from.CloseWithError(context.Cause(ctx)) })
	t.Cleanup(func() { stop() })
	resp := &http.Response{StatusCode: http.StatusOK, Body: from}
	w.responded(resp)
	return w, resp, to
}

// TestSleepIsNoSilence: the time for which this process was stopped in the middle
// of a line is not the API's. The API then has as long again for the rest, and not
// less than nothing.
func TestSleepIsNoSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, resp, to := watched(t)
		var server sync.WaitGroup
		defer server.Wait()
		server.Go(func() {
			time.Sleep(time.Second)
			w.fuse.mu.Lock() // a process that is stopped runs no timer
			w.fuse.timer.Stop()
			w.fuse.mu.Unlock()
			time.Sleep(10 * time.Minute)
			_, _ = to.Write([]byte("half a l"))
			time.Sleep(50 * time.Second)
			_, _ = to.Write([]byte("ine\n"))
		})
		buf := make([]byte, 64)
		for range 2 {
			if _, err := resp.Body.Read(buf); err != nil {
				t.Fatalf("got %v, want it to go on", err)
			}
		}
		began := time.Now()
		_, err := resp.Body.Read(buf)
		if took := time.Since(began); !errors.Is(w.explain(err), errIdle) || took != time.Minute {
			t.Errorf("got %v after %v, want it cut for silence after a minute", err, took)
		}
	})
}
