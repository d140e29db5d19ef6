package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// pullRequest is the real pull_request payload among the vectors, 21 KB.
func pullRequest(tb testing.TB) []byte {
	tb.Helper()
	for _, v := range loadVectors(tb) {
		if v.Provider == "github" && len(v.Body) > 20_000 {
			return []byte(v.Body)
		}
	}
	tb.Fatal("no pull_request among the vectors")
	return nil
}

// BenchmarkBareHMAC is the floor: what any verifier must do.
func BenchmarkBareHMAC(b *testing.B) {
	body := pullRequest(b)
	key := []byte("octokit-secret")
	m := hmac.New(sha256.New, key)
	m.Write(body)
	want := "sha256=" + hex.EncodeToString(m.Sum(nil))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		m := hmac.New(sha256.New, key)
		m.Write(body)
		got, err := hex.DecodeString(want[7:])
		if err != nil || !hmac.Equal(got, m.Sum(nil)) {
			b.Fatal("mismatch")
		}
	}
}

func BenchmarkGitHub(b *testing.B) { benchmarkGitHub(b, []string{"octokit-secret"}) }

func benchmarkGitHub(b *testing.B, secrets []string) {
	body := pullRequest(b)
	cfg := Config{Type: "github", Secrets: secrets}
	r := mustSign(b, cfg, SignInput{Body: body, ID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Type: "pull_request"})
	v := mustNew(b, cfg)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := v.Verify(r)
		if err != nil || d.Subject == "" {
			b.Fatal(err)
		}
	}
}

// TestHostileHeadersDoNotAllocate: what an unverified header says must not
// decide how much is allocated for it.
func TestHostileHeadersDoNotAllocate(t *testing.T) {
	for _, name := range []string{"github", "stripe", "slack", "shopify", "standardwebhooks", "hmac", "twilio", "token"} {
		s, ok := Lookup(name)
		if !ok {
			t.Fatal(name)
		}
		cfg, _ := sample(s)
		v := mustNew(t, cfg)
		r := mustSign(t, cfg, SignInput{Body: []byte("{}")})
		header := proofHeaders(chosenRow(t, cfg), r)[0]
		measure := func(value string) float64 {
			req := clone(r)
			req.Header = http.Header{header: {value}}
			return testing.AllocsPerRun(100, func() { _, _ = v.Verify(req) })
		}
		small := measure(",")
		for _, hostile := range []string{
			strings.Repeat(",", maxHeader), strings.Repeat("v1=00,", maxHeader/6), strings.Repeat("v1,AAAA ", maxHeader/8),
			strings.Repeat("t=1,", maxHeader/4), strings.Repeat("a", 1<<20), "sha256=" + strings.Repeat("0", maxHeader-7),
		} {
			if got := measure(hostile); got > small+8 {
				t.Errorf("%s: %d bytes of header cost %v allocations, %v without", name, len(hostile), got, small)
			}
		}
	}
}
