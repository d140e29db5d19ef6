package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"time"
)

// A public prover checks signatures made with a private key: Ed25519, ECDSA on
// P-256, RSA with PKCS #1 v1.5.
type public struct {
	mac  // what it reads and how; only the comparison is another
	keys []crypto.PublicKey
	hash crypto.Hash
}

func (p *public) prove(r *Request) (proven, *Error) {
	in := signing{r: r, publicURL: p.publicURL}
	fam, err := p.family(r.Header)
	if err != nil {
		return proven{}, err
	}
	value, err := signatureHeader(r.Header, fam.signatures[0])
	if err != nil {
		return proven{}, err
	}
	var sig [maxSignature]byte
	n, ok := decodeInto(sig[:], strings.TrimPrefix(value, p.shape.prefix), p.shape.encoding)
	if !ok {
		return proven{}, refuse(CodeSignatureMalformed, "the signature is not "+p.shape.encoding, hintShape)
	}
	at, err := p.covered(r, fam, &in, &candidates{})
	if err != nil {
		return proven{}, err
	}
	msg := p.text.bytes(&in)
	for no, key := range p.keys {
		if !signedBy(key, p.hash, msg, sig[:n]) {
			continue
		}
		digest := sha256.Sum256(msg)
		out := proven{digest: digest[:], secretNo: no, id: in.id, time: at}
		return out, p.fresh(r, &out)
	}
	return proven{}, refuse(CodeSignatureMismatch, "no configured public key made this signature", hintPublic)
}

const hintPublic = "check that the public key in the configuration is the one that the sender shows for this application, and that nothing between you and the sender rewrites the body"

// signedBy reports whether key signed msg. The kind of the key decides the
// scheme, never the message.
func signedBy(key crypto.PublicKey, h crypto.Hash, msg, sig []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k, msg, sig)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digestWith(h, msg), sig)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, h, digestWith(h, msg), sig) == nil
	}
	return false
}

func digestWith(h crypto.Hash, msg []byte) []byte {
	if h == crypto.SHA1 {
		sum := sha1.Sum(msg)
		return sum[:]
	}
	sum := sha256.Sum256(msg)
	return sum[:]
}

// newPublic compiles a row whose scheme is a public key.
func newPublic(s Sender, cfg Config) (*public, *ConfigError) {
	p := s.Proof
	out := &public{hash: crypto.SHA256}
	if p.Algorithm == "sha1" {
		out.hash = crypto.SHA1
	}
	out.mac = mac{unit: orElse(p.Unit, unitSeconds), tolerance: toleranceOf(p, cfg), publicURL: cfg.PublicURL, form: s.Form}
	out.shape = shape{prefix: p.Prefix, encoding: orElse(p.Encoding, hexEncoding)}
	if err := out.compile(p); err != nil {
		return nil, err
	}
	for _, text := range cfg.PublicKeys {
		key, err := parsePublic(p.Scheme, text)
		if err != nil {
			return nil, err
		}
		out.keys = append(out.keys, key)
	}
	return out, needURL(out.text, s, cfg)
}

// parsePublic reads a key of one scheme in the notation of the sender's console.
func parsePublic(scheme, text string) (crypto.PublicKey, *ConfigError) {
	if scheme == "ed25519" {
		return parseEd25519(text)
	}
	key, ok := parsePKIX(text)
	if !ok {
		return nil, badPublicKey("is not PEM or base64 of a public key or certificate")
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if scheme == "ecdsa" && k.Curve == elliptic.P256() {
			return k, nil
		}
	case *rsa.PublicKey:
		if scheme == "rsa" && k.N.BitLen() >= minRSABits && k.N.BitLen() <= maxSignature*8 {
			return k, nil
		}
	}
	return nil, badPublicKey("is not a key for " + scheme)
}

const minRSABits = 1024

// parseEd25519 reads 32 bytes in hex, in base64 (whpk_ before it or not), or as
// PEM.
func parseEd25519(text string) (ed25519.PublicKey, *ConfigError) {
	text = strings.TrimPrefix(text, "whpk_")
	if key, err := hex.DecodeString(text); err == nil && len(key) == ed25519.PublicKeySize {
		return key, nil
	}
	if key, ok := decodeBase64(text); ok && len(key) == ed25519.PublicKeySize {
		return key, nil
	}
	if key, ok := parsePKIX(text); ok {
		if ed, ok := key.(ed25519.PublicKey); ok {
			return ed, nil
		}
	}
	return nil, badPublicKey("is not an Ed25519 key of 32 bytes")
}

// parsePKIX reads a public key or the one in a certificate, from PEM, from the
// base64 of its DER form, or from a JSON Web Key.
func parsePKIX(text string) (crypto.PublicKey, bool) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return parseJWK(text)
	}
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if raw, ok := decodeBase64(strings.TrimSpace(text)); ok {
		der = raw
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return key, true
	}
	if cert, err := x509.ParseCertificate(der); err == nil {
		return cert.PublicKey, true
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, true
	}
	return nil, false
}

func badPublicKey(what string) *ConfigError {
	return &ConfigError{Field: "public_keys", Message: "the public key " + what, Remedy: "copy it from the sender's console: hex, base64 or PEM"}
}

// A KeyRef names a key that a sender publishes.
type KeyRef struct {
	Sender string // the type of the hook
	URL    string // of the key set (JWKS) or certificate; its host has been checked
	ID     string // the key's id in a set; empty for a certificate
}

// A KeySource finds keys that senders publish and rotate: a cache that somebody
// else fills. It does no I/O. When it does not know a key, Verify fails with
// [CodeKeyUnavailable] and says in [Error.Need] what to fetch. A nil key that is
// known is one that the sender publishes and nobody can use.
type KeySource interface {
	Key(ref KeyRef, now time.Time) (crypto.PublicKey, bool)
}
