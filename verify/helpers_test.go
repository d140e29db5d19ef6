package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

var testNow = time.Unix(1760000000, 0).UTC()

const testURL = "https://example.com/hooks/test"

// testKeys makes one key pair of each kind, once.
var testKeys = sync.OnceValue(func() map[string]crypto.Signer {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{
		"ed25519": ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef")), "ecdsa": ec, "rsa": rs,
	}
})

func publicText(key crypto.Signer) string {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// sample is a configuration that the row accepts, and the key that signs for it.
func sample(s Sender) (Config, crypto.Signer) {
	cfg := Config{Type: s.Name, PublicURL: testURL}
	if s.Name == "hmac" {
		cfg.Header, cfg.Signed, cfg.TimestampHeader = "X-Signature", "{timestamp}.{body}", "X-Timestamp"
	}
	full := Config{
		Issuer: "https://issuer.example", Audience: "https://example.com", Email: "push@example.iam.gserviceaccount.com", KeyID: "key-1",
		WebhookID: "WH-1", Topics: []string{"arn:aws:sns:us-east-1:123456789012:Topic"}, VerifyToken: "verify-me",
	}
	for _, field := range s.Proof.Choose {
		switch field {
		case "issuer":
			cfg.Issuer = full.Issuer
		case "audience":
			cfg.Audience = full.Audience
		case "email":
			cfg.Email = full.Email
		case "key_id":
			cfg.KeyID = full.KeyID
		case "webhook_id":
			cfg.WebhookID = full.WebhookID
		case "topics":
			cfg.Topics = full.Topics
		case "verify_token":
			cfg.VerifyToken = full.VerifyToken
		}
	}
	if key := testKeys()[keyKind(s)]; key != nil {
		cfg.PublicKeys = []string{publicText(key)}
		return cfg, key
	}
	cfg.Secrets = []string{sampleSecret(s, "0123456789abcdef0123456789abcdef")}
	return cfg, nil
}

func sampleSecret(s Sender, text string) string {
	if s.Proof.Scheme == "basic" {
		return "user:" + text + ":x"
	}
	switch s.Proof.Key {
	case "hex":
		return hex.EncodeToString([]byte(text))
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(text))
	case "whsec":
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

// codeOf returns the code of a refusal.
func codeOf(tb testing.TB, err error) string {
	tb.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		tb.Fatalf("got %T %v, want *Error", err, err)
	}
	if e.Message == "" || e.Hint == "" {
		tb.Errorf("%s has no message or no hint", e.Code)
	}
	return e.Code
}

// clone returns a copy of r that shares nothing with it.
func clone(r Request) Request {
	r.Header = r.Header.Clone()
	r.Body = []byte(string(r.Body))
	return r
}

func mustNew(tb testing.TB, cfg Config) Verifier {
	tb.Helper()
	v, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// chosenRow is the row as the configuration completes it.
func chosenRow(tb testing.TB, cfg Config) Sender {
	tb.Helper()
	h, err := build(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return h.sender
}

func mustSign(tb testing.TB, cfg Config, in SignInput) Request {
	tb.Helper()
	if in.Now.IsZero() {
		in.Now = testNow
	}
	r, err := Sign(cfg, in)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// proofHeaders are the headers of r that carry a signature or a token.
func proofHeaders(s Sender, r Request) []string {
	var out []string
	for _, fam := range familiesOf(s.Proof, "") {
		for _, name := range fam.signatures {
			if len(r.Header[name]) > 0 && !strings.Contains(name, ":") {
				out = append(out, name)
			}
		}
	}
	return out
}

func keyKind(s Sender) string {
	switch s.Proof.Scheme + s.Proof.Algorithm {
	case "jwtES256":
		return "ecdsa"
	case "jwtRS256", "aws-snssha256", "paypal":
		return "rsa"
	}
	return s.Proof.Scheme
}

func mustRSA(tb testing.TB) crypto.Signer {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
