package verify

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// everySender runs f over every row that can sign for itself, with a request
// that it would send.
func everySender(t *testing.T, f func(t *testing.T, s Sender, cfg Config, r Request)) {
	t.Parallel()
	for _, s := range Senders() {
		t.Run(s.Name, func(t *testing.T) {
			cfg, key := sample(s)
			body := []byte(`{"id":"evt_1","type":"made","text":"Zoë \u2665 🚀"}`)
			r := mustSign(t, cfg, SignInput{Body: body, ID: "id-1", Type: "made", Key: key})
			f(t, chosenRow(t, cfg), cfg, r)
		})
	}
}

func TestEverySenderAcceptsItsOwn(t *testing.T) {
	everySender(t, func(t *testing.T, s Sender, cfg Config, r Request) {
		d, err := mustNew(t, cfg).Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Digest) != 32 {
			t.Errorf("got a digest of %d bytes, want 32", len(d.Digest))
		}
		again, err := mustNew(t, cfg).Verify(clone(r))
		if err != nil || !bytes.Equal(again.Digest, d.Digest) {
			t.Errorf("a copy of the request has another digest (%v)", err)
		}
	})
}

func TestEverySenderRefusesAnotherSecret(t *testing.T) {
	everySender(t, func(t *testing.T, s Sender, cfg Config, r Request) {
		if len(cfg.Secrets) == 0 {
			t.Skip("signs with a private key")
		}
		other := cfg
		other.Secrets = []string{sampleSecret(s, "another-secret-of-the-same-length")}
		if got := codeOf(t, second(mustNew(t, other).Verify(r))); !slices.Contains(mismatches, got) {
			t.Errorf("got %q, want one of %v", got, mismatches)
		}
		both := cfg
		both.Secrets = []string{other.Secrets[0], cfg.Secrets[0]}
		d, err := mustNew(t, both).Verify(r)
		if err != nil || d.SecretNo != 1 {
			t.Errorf("rotation: got secret %d, error %v; want the second", d.SecretNo, err)
		}
	})
}

var mismatches = []string{CodeSignatureMismatch, CodeTokenMismatch}

func second[T any](_ T, err error) error { return err }

func TestEverySenderRefusesAChangedBody(t *testing.T) {
	everySender(t, func(t *testing.T, s Sender, cfg Config, r Request) {
		v := mustNew(t, cfg)
		good, err := v.Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Body {
			bad := clone(r)
			bad.Body[i] ^= 1
			d, err := v.Verify(bad)
			if s.Name == "aws-sns" && err == nil && bytes.Equal(d.Digest, good.Digest) {
				continue // it signs values of fields, and the byte is in none
			}
			if s.signsBody() && err == nil {
				t.Fatalf("byte %d of the body was changed, and it was accepted", i)
			}
		}
		longer := clone(r)
		longer.Body = append(longer.Body, '\n')
		if _, err := v.Verify(longer); s.signsBody() && s.Name != "aws-sns" && err == nil {
			t.Error("a line break after the body was accepted")
		}
	})
}

// TestEverySenderRefusesBrokenHeaders changes the header that carries the proof
// in every way that has fooled a verifier before.
func TestEverySenderRefusesBrokenHeaders(t *testing.T) {
	everySender(t, func(t *testing.T, s Sender, cfg Config, r Request) {
		v := mustNew(t, cfg)
		for _, name := range proofHeaders(s, r) {
			good := r.Header.Get(name)
			if s.Proof.Scheme == "basic" || s.Proof.Scheme == "token" {
				continue // every text is a well-formed token; see token_test.go
			}
			for what, bad := range map[string][]string{
				"missing": nil, "empty": {""}, "twice": {good, good}, "truncated": {good[:len(good)-1]}, "half": {good[:len(good)/2]},
				"long": {good + strings.Repeat("a", maxHeader)}, "trailing": {good + ";x"}, "not ascii": {"é" + good}, "non ascii tail": {good + "é"},
				"space": {" " + good}, "line break": {good[:len(good)-2] + "\r\n" + good[len(good)-2:]}, "NUL": {good + "\x00"},
			} {
				req := clone(r)
				req.Header[name] = bad
				if len(bad) == 0 {
					req.Header.Del(name)
				}
				if what == "space" && s.Proof.List != "" || what == "trailing" && s.Proof.List == ";" {
					continue // lists may have spaces around their items, and items of other kinds
				}
				if _, err := v.Verify(req); err == nil {
					t.Errorf("%s: %s was accepted", name, what)
				} else {
					codeOf(t, err)
				}
			}
		}
	})
}

func TestEverySenderChecksItsTimestamp(t *testing.T) {
	everySender(t, func(t *testing.T, s Sender, cfg Config, r Request) {
		if s.Proof.Tolerance == 0 || s.Proof.Scheme == "jwt" || s.Proof.Scheme == "gitlab" {
			t.Skip("signs no timestamp, or not with this secret")
		}
		v := mustNew(t, cfg)
		limit := s.Proof.Tolerance
		for _, skew := range []time.Duration{limit, -limit} {
			r.Now = testNow.Add(skew)
			if _, err := v.Verify(r); err != nil {
				t.Errorf("at the limit of %v: %v", skew, err)
			}
			r.Now = r.Now.Add(skew / limit * time.Second)
			if got := codeOf(t, second(v.Verify(r))); got != CodeTimestampOutOfTolerance {
				t.Errorf("a second past %v: got %q, want %q", skew, got, CodeTimestampOutOfTolerance)
			}
		}
	})
}

func TestEveryRowIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Senders() {
		if seen[s.Name] || s.Name == "" || s.Name != strings.ToLower(s.Name) || strings.ContainsAny(s.Name, " _.") {
			t.Errorf("%q: the name is there twice or is not lower-case words with hyphens", s.Name)
		}
		seen[s.Name] = true
		if s.Title == "" {
			t.Errorf("%s: no title", s.Name)
		}
		if s.Source == "" && !slices.Contains([]string{"hmac", "token", "basic"}, s.Name) {
			t.Errorf("%s: no source", s.Name)
		}
		for _, text := range []string{s.ID, s.Type, s.Time, s.Subject, s.PartID, s.PartType, s.PartTime, s.PartSubject} {
			if _, err := parsePlace(text); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
		for _, shake := range s.Shakes {
			for _, text := range []string{shake.When, shake.Unless, shake.Token, shake.What, shake.Offer} {
				if _, err := parsePlace(text); err != nil {
					t.Errorf("%s: %v", s.Name, err)
				}
			}
		}
	}
}

// TestSingleHeaderSpelling: header names reach a scheme in canonical form.
func TestSingleHeaderSpelling(t *testing.T) {
	t.Parallel()
	for _, s := range Senders() {
		for _, fam := range familiesOf(s.Proof, "") {
			for _, name := range fam.signatures {
				if got := http.CanonicalHeaderKey(name); got != name {
					t.Errorf("%s: got %q, want %q", s.Name, name, got)
				}
			}
		}
	}
}
