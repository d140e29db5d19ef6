package deliver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/egress"
)

func send(ctx context.Context, c *deliver.Callback) error {
	_, err := c.Deliver(ctx, deliver.Parcel{Delivery: event.Delivery{ID: "dlv_1"}, Now: time.Unix(1_700_000_000, 0)})
	return err
}

// The signature is what the specification says, worked out by hand: the library
// that signs does not judge itself.
func TestTheSignatureIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("dlv_1.1700000000." + string(body)))
		for name, want := range map[string]string{
			"webhook-id": "dlv_1", "webhook-timestamp": "1700000000", "content-type": "application/json",
			"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		for name := range r.Header {
			if strings.Contains(name, "Auth") || strings.Contains(name, "Cookie") || strings.Contains(name, "Key") {
				t.Errorf("a callback carries %s", name)
			}
		}
	}))
	defer srv.Close()
	if err := send(t.Context(), newCallback(t, srv.URL, nil)); err != nil {
		t.Error(err)
	}
}

// Whatever a receiver does with its answer, an attempt ends, soon, and is tried
// again.
func TestReceiversThatDoNotEnd(t *testing.T) {
	t.Parallel()
	forever := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<16)) // the client hangs up
		}
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		done   bool
	}{
		"says nothing":       {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false},
		"an error for ever":  {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); forever(w, r) }, false},
		"a success for ever": {forever, true},
		"an error, then nothing": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(502)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, false},
		"huge headers": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("y", 1<<20)) }, false},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = c.Close() // that is the test
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // a server sees that the client has gone only when it has read all
				tc.answer(w, r)
			}))
			defer srv.Close()
			c := newCallback(t, srv.URL, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err := send(ctx, c)
			if (err == nil) != tc.done {
				t.Errorf("got %v, want done %v", err, tc.done)
			}
			if e, ok := errors.AsType[*deliver.Error](err); err != nil && (!ok || e.Permanent) {
				t.Errorf("got %v, want an error that is tried again", err)
			}
		})
	}
}

func TestACertificateOfNobodyIsRefused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the job was sent") }))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	err := send(t.Context(), newCallback(t, srv.URL, nil))
	if e, ok := errors.AsType[*deliver.Error](err); !ok || e.Code != "callback_unreachable" || e.Permanent || !strings.Contains(e.Message, "certificate") {
		t.Errorf("got %v, want one about the certificate, tried again", err)
	}
}

func TestACallbackOverIPv6(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	_ = srv.Listener.Close() // replaced
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	if err := send(t.Context(), newCallback(t, srv.URL, nil)); err != nil {
		t.Errorf("got %v, want done", err)
	}
	closed, err := egress.New(egress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	if _, err := deliver.NewCallback(deliver.CallbackOptions{Egress: closed, URL: srv.URL, Secret: secret, JobJSON: api.EncodeJob}); err == nil {
		t.Error("an address that is not listed was taken")
	}
}
