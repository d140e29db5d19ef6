package keys

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/verify"
)

const jwks = `{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// TestGuard: keys come through the guarded client over a real network. A private
// address is called only if the operator lists it, and no redirect is followed.
func TestGuard(t *testing.T) {
	t.Parallel()
	var asked, elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = io.WriteString(w, jwks)
	}))
	t.Cleanup(other.Close)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, jwks)
	}))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, tt := range []struct {
		name, path string
		allow      []string
		ok, called bool
	}{
		{"listed", "/jwks", []string{host, strings.TrimPrefix(other.URL, "http://")}, true, true},
		{"not listed", "/jwks", nil, false, false},
		{"another port listed", "/jwks", []string{"127.0.0.1:1"}, false, false},
		{"redirected", "/moved", []string{host, strings.TrimPrefix(other.URL, "http://")}, false, true},
	} {
		e, err := egress.New(egress.Options{Allow: tt.allow})
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{Egress: e})
		if err != nil {
			t.Fatal(err)
		}
		before := asked.Load()
		s, ref := c.Source(Login{}), verify.KeyRef{Sender: "jwt", URL: srv.URL + tt.path, ID: "a"}
		err = s.Fetch(t.Context(), ref)
		_, known := s.Key(ref, time.Now())
		if (err == nil) != tt.ok || known != tt.ok || (asked.Load() > before) != tt.called {
			t.Errorf("%s: got %v, known %v, called %v", tt.name, err, known, asked.Load() > before)
		}
		if !tt.called && !errors.Is(err, egress.ErrBlocked) {
			t.Errorf("%s: got %v, want it blocked", tt.name, err)
		}
		e.Close()
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}
