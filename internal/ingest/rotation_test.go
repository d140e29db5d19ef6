package ingest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/verify"
)

// TestRotation: while one secret takes the place of another, a delivery stays
// known although its signature changes, under its own id and under any other.
func TestRotation(t *testing.T) {
	t.Parallel()
	first := newBench(t, nil, nil)
	with := func(secrets ...string) *bench {
		return serve(t, first.db, func(h *ingest.Hook) {
			v, err := verify.New(verify.Config{Type: "github", Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			h.Verifier = v
		}, nil)
	}
	const renewed = "the new one"
	during, after := `{"action":"opened","number":8}`, `{"action":"opened","number":9}`
	both, last := with(renewed, secret, secret, renewed), with(renewed, renewed) // variables of the environment are often equal
	for _, step := range []struct {
		name         string
		to           *bench
		body, secret string
		want         int
	}{
		{"before", first, opened, secret, http.StatusAccepted},
		{"of before, signed anew", both, opened, renewed, http.StatusOK},
		{"of before, as it was", both, opened, secret, http.StatusOK},
		{"during", both, during, secret, http.StatusAccepted},
		{"of during, signed anew", both, during, renewed, http.StatusOK},
		{"of during, when the old secret is gone", last, during, renewed, http.StatusOK},
		{"after", last, after, renewed, http.StatusAccepted},
		{"of after, with the old secret", last, after, secret, http.StatusUnauthorized},
	} {
		for _, id := range []string{"", "X-GitHub-Delivery: another"} {
			headers := []string{"X-Hub-Signature-256: sha256=" + signed(step.secret, step.body)}
			if id != "" {
				headers = append(headers, id)
			}
			want := step.want
			if id != "" && want == http.StatusAccepted {
				want = http.StatusOK // it has just been accepted
			}
			if got, doc, _ := step.to.post(t, step.body, headers...); got != want {
				t.Errorf("%s, header %q: got %d %v, want %d", step.name, id, got, doc, want)
			}
		}
	}
}

func signed(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}
