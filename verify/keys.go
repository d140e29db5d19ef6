package verify

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"
	"sync"
)

// maxSecrets bounds the secrets of a hook: each costs one pass over the body.
const maxSecrets = 16

// A macKey is one secret, ready to be used. Its states are pooled: a keyed hash
// that is reset keeps the work of hashing the key.
type macKey struct {
	no     int    // index of the secret in the configuration
	secret string // as text, for schemes that hash it into the message
	pool   sync.Pool
}

// A macState is one keyed hash and room to put short texts into it.
type macState struct {
	h   hash.Hash
	buf [256]byte
	sum [sha512.Size]byte
}

func newMACKey(no int, key []byte, algorithm func() hash.Hash) *macKey {
	k := &macKey{no: no, secret: string(key)}
	k.pool.New = func() any { return &macState{h: hmac.New(algorithm, key)} }
	return k
}

// newHashKey is for the schemes that hash the secret together with the text.
func newHashKey(no int, key []byte, algorithm func() hash.Hash) *macKey {
	k := &macKey{no: no, secret: string(key)}
	k.pool.New = func() any { return &macState{h: algorithm()} }
	return k
}

// mac writes the MAC of t into the state that it returns; give it back with put.
func (k *macKey) mac(t text, in *signing) (*macState, []byte) {
	s := k.pool.Get().(*macState)
	s.h.Reset()
	in.secret = k.secret
	t.write(s.h, s.buf[:], in)
	return s, s.h.Sum(s.sum[:0])
}

func (k *macKey) put(s *macState) { k.pool.Put(s) }

// algorithmOf returns the hash of a name.
func algorithmOf(name string) (func() hash.Hash, bool) {
	switch name {
	case "sha1":
		return sha1.New, true
	case "", "sha256":
		return sha256.New, true
	case "sha384":
		return sha512.New384, true
	case "sha512":
		return sha512.New, true
	}
	return nil, false
}

// decodeSecret returns the keys that a secret may stand for, the likelier
// first: one, but for a Standard Webhooks secret without its prefix, which
// senders use both as base64 and as text.
func decodeSecret(secret, form string) ([][]byte, *ConfigError) {
	switch form {
	case "hex":
		key, err := hex.DecodeString(secret)
		if err != nil {
			return nil, badSecret("is not hexadecimal", "copy it from the sender's console: an even number of characters 0-9 and a-f")
		}
		return [][]byte{key}, nil
	case "base64":
		key, ok := decodeBase64(secret)
		if !ok {
			return nil, badSecret("is not base64", "copy it from the sender's console, with its = at the end")
		}
		return [][]byte{key}, nil
	case "whsec":
		return decodeWhsec(secret)
	}
	return [][]byte{[]byte(secret)}, nil
}

func decodeWhsec(secret string) ([][]byte, *ConfigError) {
	if strings.HasPrefix(secret, "whpk_") {
		return nil, badSecret("is a public key", "write it under public_keys")
	}
	if strings.HasPrefix(secret, "whsk_") {
		return nil, badSecret("is the sender's private key", "write the public key (whpk_...) under public_keys, and have the private one replaced")
	}
	rest, prefixed := strings.CutPrefix(secret, "whsec_")
	key, ok := decodeBase64(rest)
	switch {
	case prefixed && (!ok || len(key) == 0):
		return nil, badSecret("has nothing, or no base64, after whsec_", "copy the whole secret from the sender's console")
	case prefixed:
		return [][]byte{key}, nil
	case ok && len(key) > 0:
		return [][]byte{key, []byte(secret)}, nil
	}
	return [][]byte{[]byte(secret)}, nil
}

// decodeBase64 reads a key in base64 of either alphabet, with or without
// padding, but strictly.
func decodeBase64(s string) ([]byte, bool) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	if pad := len(s) % 4; pad != 0 {
		s += strings.Repeat("=", 4-pad)
	}
	key, err := base64Of(base64Encoding).Strict().DecodeString(s)
	return key, err == nil && !strings.ContainsAny(s, "\r\n")
}

func badSecret(what, remedy string) *ConfigError {
	return &ConfigError{Field: "secrets", Message: "the secret " + what, Remedy: remedy}
}
