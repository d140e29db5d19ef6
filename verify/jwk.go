package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
)

// A jwk is a public key as JSON (RFC 7517).
type jwk struct {
	Kty, Crv, X, Y, N, E, Kid string
}

// ParseJWKS reads a JSON Web Key Set, or a single key wrapped as {"key": ...},
// and returns at most 100 keys by their ids; a key that cannot be used is nil.
// It is for the [KeySource] that fetches sets.
func ParseJWKS(doc []byte) map[string]crypto.PublicKey {
	var set struct {
		Keys []jwk `json:"keys"`
		Key  *jwk  `json:"key"`
	}
	if json.Unmarshal(doc, &set) != nil {
		return nil
	}
	if set.Key != nil {
		set.Keys = append(set.Keys, *set.Key)
	}
	out := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		if len(out) == maxKeys {
			break
		}
		key, ok := k.public()
		if !ok {
			key = nil
		}
		out[k.Kid] = key
	}
	return out
}

const maxKeys = 100

func parseJWK(text string) (crypto.PublicKey, bool) {
	var k jwk
	if json.Unmarshal([]byte(text), &k) != nil {
		return nil, false
	}
	return k.public()
}

func (k jwk) public() (crypto.PublicKey, bool) {
	switch {
	case k.Kty == "EC" && k.Crv == "P-256":
		x, okX := k.number(k.X)
		y, okY := k.number(k.Y)
		if !okX || !okY || len(x) > 32 || len(y) > 32 {
			return nil, false
		}
		point := make([]byte, 65)
		point[0] = 4
		copy(point[33-len(x):33], x)
		copy(point[65-len(y):], y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		return key, err == nil
	case k.Kty == "RSA":
		n, okN := k.number(k.N)
		e, okE := k.number(k.E)
		if !okN || !okE || len(e) > 4 || len(n)*8 < minRSABits || len(n) > maxSignature {
			return nil, false
		}
		exponent := new(big.Int).SetBytes(e).Int64()
		if exponent < 3 || exponent%2 == 0 || exponent > math.MaxInt32 {
			return nil, false
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, true
	case k.Kty == "OKP" && k.Crv == "Ed25519":
		x, ok := k.number(k.X)
		return ed25519.PublicKey(x), ok && len(x) == ed25519.PublicKeySize
	}
	return nil, false
}

func (k jwk) number(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return b, err == nil && len(b) > 0
}
