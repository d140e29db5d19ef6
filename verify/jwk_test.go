package verify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// FuzzParseJWKS: whatever a server publishes, what comes of it is bounded, and
// each key is of a kind and size that a signature can be checked with.
func FuzzParseJWKS(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`))
	f.Add([]byte(`{"key":{"kty":"RSA","kid":"b","n":"` + strings.Repeat("q", 342) + `","e":"AQAB"}}`))
	f.Add([]byte(`{"key":{"kty":"RSA","kid":"c","n":"` + strings.Repeat("q", 342) + `","e":"AA"}}`))
	f.Add([]byte(`{"keys":[` + strings.Repeat(`{"kid":"x"},`, 200) + `{}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		set := ParseJWKS(doc)
		if len(set) > maxKeys {
			t.Fatalf("%d keys, want %d at most", len(set), maxKeys)
		}
		for kid, key := range set {
			switch k := key.(type) {
			case nil:
			case *ecdsa.PublicKey:
				if k.Curve != elliptic.P256() {
					t.Fatalf("%q: a key on another curve", kid)
				}
			case *rsa.PublicKey:
				if k.N.BitLen() > maxSignature*8 || k.E <= 0 {
					t.Fatalf("%q: an RSA key of %d bits, exponent %d", kid, k.N.BitLen(), k.E)
				}
			case ed25519.PublicKey:
				if len(k) != ed25519.PublicKeySize {
					t.Fatalf("%q: an Ed25519 key of %d bytes", kid, len(k))
				}
			default:
				t.Fatalf("%q: a key of type %T", kid, key)
			}
			signedJWT(key, []byte("x"), []byte("y"))
			suits(key, "RS256")
		}
	})
}

// FuzzParseCertificate: what is no certificate that is good now yields no key.
func FuzzParseCertificate(f *testing.F) {
	f.Add(certificate(f, testNow.Add(time.Hour)))
	f.Add(certificate(f, testNow.Add(-time.Hour)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		key, until, err := ParseCertificate(doc, testNow)
		if err == nil && (key == nil || until.Before(testNow)) {
			t.Fatalf("got key %v until %v", key, until)
		}
	})
}

func TestParseCertificate(t *testing.T) {
	t.Parallel()
	good := certificate(t, testNow.Add(time.Hour))
	for name, c := range map[string]struct {
		doc  []byte
		want string
	}{
		"good":             {good, ""},
		"a chain":          {append(append([]byte{}, good...), certificate(t, testNow.Add(-time.Hour))...), ""},
		"expired":          {certificate(t, testNow.Add(-time.Hour)), "not valid now"},
		"inside an answer": {append([]byte("<Value>"), good...), "no PEM certificate"},
		"a public key":     {[]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), "no PEM certificate"},
		"cut":              {good[:len(good)/2], "no PEM certificate"},
		"empty":            {nil, "no PEM certificate"},
	} {
		key, _, err := ParseCertificate(c.doc, testNow)
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) || (key == nil) != (err != nil) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func certificate(tb testing.TB, until time.Time) []byte {
	tb.Helper()
	key := testKeys()["ecdsa"]
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: testNow.Add(-24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
