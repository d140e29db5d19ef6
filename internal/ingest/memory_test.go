package ingest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/internal/ingest"
)

// A stalled body has sent its first part and says nothing more until it is
// closed.
func stalled(first string) (*io.PipeReader, *io.PipeWriter) {
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, first) }()
	return r, w
}

// strangersOnly makes a receiver that is asked to store nothing: all that comes
// here is unsigned.
func strangersOnly(t *testing.T, o ingest.Options) *ingest.Receiver {
	t.Helper()
	o.Ledger = brokenLedger{errors.New("not to be asked")}
	o.Hooks = map[string]*ingest.Hook{"pr": hook(t, func(h *ingest.Hook) { h.BodyLimit = 25 << 20 })}
	rc, err := ingest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return rc
}

// request makes a request with a body of the declared length; -1: none.
func request(body io.Reader, declared int64) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/pr", body)
	r.SetPathValue("hook", "pr")
	r.ContentLength = declared
	return r
}

// TestMemory: requests past the bound wait for those before them, whether their
// bodies declare a length or not, and are refused when nothing gets free.
func TestMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		declared int64
		first    int // bytes that come before the first request stalls
		frees    bool
		want     int
	}{
		{"chunked, nothing gets free", -1, 100, false, http.StatusServiceUnavailable},
		{"chunked, memory gets free", -1, 100, true, http.StatusUnauthorized},
		{"declared, nothing gets free", 60_000, 100, false, http.StatusServiceUnavailable},
		{"declared, memory gets free", 60_000, 100, true, http.StatusUnauthorized},
	} {
		synctest.Test(t, func(t *testing.T) {
			rc := strangersOnly(t, ingest.Options{Memory: 1, MemoryWait: 2 * time.Second})
			body, more := stalled(strings.Repeat("x", tt.first))
			first := make(chan int)
			go func() {
				w := httptest.NewRecorder()
				rc.ServeHTTP(w, request(body, tt.declared))
				first <- w.Code
			}()
			synctest.Wait()
			if tt.frees {
				time.AfterFunc(time.Second, func() { _ = more.Close() })
			}
			w, began := httptest.NewRecorder(), time.Now()
			rc.ServeHTTP(w, request(strings.NewReader("{}"), 2))
			waited := time.Since(began)
			if want := map[bool]time.Duration{true: time.Second, false: 2 * time.Second}[tt.frees]; w.Code != tt.want || waited != want {
				t.Errorf("%s: got %d after %v, want %d after %v", tt.name, w.Code, waited, tt.want, want)
			}
			if w.Code == http.StatusServiceUnavailable && (!strings.Contains(w.Body.String(), "receiving_too_much") || w.Header().Get("Retry-After") == "") {
				t.Errorf("%s: got %s %v, want receiving_too_much and Retry-After", tt.name, w.Body, w.Header())
			}
			_ = more.Close()
			<-first
			w = httptest.NewRecorder()
			if rc.ServeHTTP(w, request(strings.NewReader("{}"), 2)); w.Code != http.StatusUnauthorized {
				t.Errorf("%s: got %d once all is free again, want 401", tt.name, w.Code)
			}
		})
	}
}

// TestClaimsTakeNoMemory: who declares a large body and does not send it keeps
// nobody out.
func TestClaimsTakeNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rc := strangersOnly(t, ingest.Options{Memory: 2 << 20})
		var writers []*io.PipeWriter
		done := make(chan int)
		for range 10 {
			body, more := stalled("x")
			writers = append(writers, more)
			go func() {
				w := httptest.NewRecorder()
				rc.ServeHTTP(w, request(body, 25<<20))
				done <- w.Code
			}()
		}
		synctest.Wait()
		w := httptest.NewRecorder()
		if rc.ServeHTTP(w, request(strings.NewReader("{}"), 2)); w.Code != http.StatusUnauthorized {
			t.Errorf("got %d while 250 MiB are claimed, want 401", w.Code)
		}
		for _, more := range writers {
			_ = more.Close()
			<-done
		}
	})
}

// TestLargeBodiesWaitForOneAnother: bodies that are large, and have begun to
// come, are received one after another where memory is for one; small ones do
// not wait for them.
func TestLargeBodiesWaitForOneAnother(t *testing.T) {
	t.Parallel()
	for _, declared := range []int64{-1, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			rc := strangersOnly(t, ingest.Options{LargeMemory: 1}) // raised to the largest body
			text := strings.Repeat("x", 1<<20)
			codes := make(chan int)
			var writers []*io.PipeWriter
			for range 5 {
				body, more := stalled(text[:100_000])
				writers = append(writers, more)
				go func() {
					w := httptest.NewRecorder()
					rc.ServeHTTP(w, request(body, declared))
					codes <- w.Code
				}()
			}
			synctest.Wait()
			w, began := httptest.NewRecorder(), time.Now()
			if rc.ServeHTTP(w, request(strings.NewReader("{}"), 2)); w.Code != http.StatusUnauthorized || time.Since(began) != 0 {
				t.Errorf("small beside large: got %d after %v, want 401 at once", w.Code, time.Since(began))
			}
			for _, more := range writers {
				go func() {
					_, _ = io.WriteString(more, text[100_000:])
					_ = more.Close()
				}()
			}
			for range writers {
				if got := <-codes; got != http.StatusUnauthorized {
					t.Errorf("declared %d: got %d, want 401 for each", declared, got)
				}
			}
		})
	}
}

// TestLargeBodyArrivesWhole: a body that outgrows its buffer several times is
// read byte for byte, with its length declared and without.
func TestLargeBodyArrivesWhole(t *testing.T) {
	t.Parallel()
	text := `{"action":"opened","x":"` + strings.Repeat("0123456789", 60_000) + `"}`
	for _, declared := range []bool{true, false} {
		b := newBench(t, nil, nil)
		var body io.Reader = strings.NewReader(text)
		if !declared {
			body = io.MultiReader(body) // whose length nobody can tell
		}
		if status, doc, _ := b.send(t, http.MethodPost, "/hooks/pr", body, text); status != http.StatusAccepted {
			t.Errorf("declared %v: got %d %v, want 202", declared, status, doc)
		}
	}
}
