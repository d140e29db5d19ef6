package verify

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"strings"
	"testing"
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
