package confirm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/forebayhq/forebay/internal/egress"
)

// TestConfirm: a URL is fetched through the guarded client until the sender says
// that it is done, and then no more; errors do not repeat its token.
func TestConfirm(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case r.URL.Query().Get("Token") == "moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case n == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(srv.Close)
	guarded := func(allow ...string) *Confirmer {
		e, err := egress.New(egress.Options{Allow: allow})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		c, err := New(e)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const token = "?Action=ConfirmSubscription&Token=secret-token"
	if err := guarded().Confirm(t.Context(), srv.URL+"/"+token); err == nil || asked.Load() != 0 || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("a private address: got %v after %d requests", err, asked.Load())
	}
	c := guarded(strings.TrimPrefix(srv.URL, "http://"))
	for i, want := range []struct {
		ok    bool
		asked int32
	}{{false, 1}, {true, 2}, {true, 2}} {
		err := c.Confirm(t.Context(), srv.URL+"/"+token)
		if (err == nil) != want.ok || asked.Load() != want.asked || err != nil && strings.Contains(err.Error(), "secret-token") {
			t.Errorf("time %d: got %v after %d requests, want ok %v after %d", i+1, err, asked.Load(), want.ok, want.asked)
		}
	}
	if err := c.Confirm(t.Context(), srv.URL+"/?Token=moved"); err == nil || asked.Load() != 3 {
		t.Errorf("a redirect: got %v after %d requests, want an error after 3", err, asked.Load())
	}
	for i := range 3 * maxDone {
		c.remember([32]byte{byte(i), byte(i >> 8)})
	}
	if len(c.done) > maxDone {
		t.Errorf("remembers %d, want %d at most", len(c.done), maxDone)
	}
}
