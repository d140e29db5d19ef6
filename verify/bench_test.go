package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
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

// BenchmarkOfBare proves 21 KB bodies and, in turn with each, computes the bare
// MAC of the very bytes that were signed, with a keyed hash that is reset and not
// made anew. of_bare is the rate of the proof as a share of the rate of the hash,
// by the medians of both; whole_of_bare is the same for all that Verify does,
// which also looks for id, type, time and subject in the body: once it is passed
// over where they are not at its beginning.
func BenchmarkOfBare(b *testing.B) {
	for _, name := range []string{"github", "stripe", "shopify", "slack", "standardwebhooks", "square", "linear"} {
		b.Run(name, func(b *testing.B) { benchmarkOfBare(b, name) })
	}
}

func benchmarkOfBare(b *testing.B, name string) {
	const least = 0.8
	s, _ := Lookup(name)
	cfg, _ := sample(s)
	if !signsURL(s) {
		cfg.PublicURL = ""
	}
	r := mustSign(b, cfg, SignInput{Body: pullRequest(b), ID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Type: "pull_request"})
	h, err := build(cfg)
	if err != nil {
		b.Fatal(err)
	}
	m := h.prover.(*mac)
	in, ok := m.signing(&r)
	if !ok {
		b.Fatal("nothing is signed")
	}
	bare := bareMAC{hmac.New(sha256.New, []byte(m.keys[0].secret)), m.text.bytes(in)}
	var took [3][]time.Duration
	b.SetBytes(int64(len(r.Body)))
	b.ReportAllocs()
	for b.Loop() {
		for i, f := range []func() error{
			func() error { bare.sum(); return nil },
			func() error { return failed(m.prove(&r)) },
			func() error { _, err := h.Verify(r); return err },
		} {
			begun := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(begun))
		}
	}
	ratio := median(took[0]) / median(took[1])
	b.ReportMetric(ratio, "of_bare")
	b.ReportMetric(median(took[0])/median(took[2]), "whole_of_bare")
	// Linear's timestamp is inside the body, which has to be passed over to find it.
	if len(took[0]) > 1000 && ratio < least && m.stampJSON == "" {
		b.Errorf("the proof runs at %.2f of the bare hash, want %.1f", ratio, least)
	}
}

func failed(_ proven, err *Error) error {
	if err != nil {
		return err
	}
	return nil
}

// A bareMAC is the hash alone.
type bareMAC struct {
	hash.Hash
	text []byte
}

func (m bareMAC) sum() []byte {
	m.Reset()
	m.Write(m.text)
	return m.Sum(nil)
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
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

// TestHostileHeadersCostNoMemory is the same in bytes, for every sender: a
// hundred times as many signatures, values or headers cost no more memory.
func TestHostileHeadersCostNoMemory(t *testing.T) {
	const slack = 4 << 10 // bytes of one refusal more or less
	for _, s := range Senders() {
		cfg, key := sample(s)
		v, r := mustNew(t, cfg), Request{Method: "POST", Header: http.Header{}, Body: []byte("{}"), URL: testURL, Now: testNow}
		if signed, err := Sign(cfg, SignInput{Body: []byte("{}"), Key: key, Now: testNow, ID: "id-1"}); err == nil {
			r = signed
			r.Now = testNow
		}
		s = chosenRow(t, cfg)
		for name, header := range hostileHeaders(s, r) {
			few, many := verifyCost(v, r, header(10)), verifyCost(v, r, header(1000))
			if many > few+slack {
				t.Errorf("%s, %s: %d bytes of memory for 10, %d for 1000", s.Name, name, few, many)
			}
		}
	}
}

// hostileHeaders make n of something out of the headers of a signed request.
func hostileHeaders(s Sender, r Request) map[string]func(n int) http.Header {
	out := map[string]func(n int) http.Header{
		"other headers": func(n int) http.Header {
			h := r.Header.Clone()
			for i := range n {
				h.Set(fmt.Sprintf("X-Other-%d", i), "v")
			}
			return h
		},
	}
	for _, name := range proofHeaders(s, r) {
		value := r.Header.Get(name)
		with := func(change func(h http.Header, n int)) func(int) http.Header {
			return func(n int) http.Header { h := r.Header.Clone(); change(h, n); return h }
		}
		out["signatures in "+name] = with(func(h http.Header, n int) { h.Set(name, strings.Repeat(value+orElse(s.Proof.List, ","), n)) })
		out["length of "+name] = with(func(h http.Header, n int) { h.Set(name, value+strings.Repeat("0", 100*n)) })
		out["repeated "+name] = with(func(h http.Header, n int) { h[name] = slices.Repeat([]string{value}, n) })
	}
	return out
}

// verifyCost is how many bytes one verification allocates.
func verifyCost(v Verifier, r Request, h http.Header) uint64 {
	const runs = 8
	r.Header = h
	_, _ = v.Verify(r) // fills the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_, _ = v.Verify(r) // whatever it says
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}
