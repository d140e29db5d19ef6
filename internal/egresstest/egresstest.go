// Package egresstest is a server of a test that outbound requests may reach: on
// a socket of the loopback interface, with a guard that lists that one address.
//
// It must never loosen the guard any further: what a test proves of an outbound
// request holds only behind the guard that production has.
package egresstest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/egress"
)

// Serve serves h until the test ends. Clients of the guard may reach it at
// origin, and no other private address.
func Serve(t testing.TB, h http.Handler) (guard *egress.Egress, origin string) {
	t.Helper()
	front := httptest.NewServer(h)
	t.Cleanup(front.Close)
	guard, err := egress.New(egress.Options{Allow: []string{strings.TrimPrefix(front.URL, "http://")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	return guard, front.URL
}
