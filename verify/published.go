package verify

import (
	"crypto"
	"time"
)

// A published is how a sender proves itself that signs with a key of a
// certificate which it publishes: by the pinned keys, or else by the certificate
// that the request names.
type published struct {
	title  string // of the sender
	keys   []crypto.PublicKey
	source KeySource // nil where keys are pinned: they stand alone

	// What a signature is refused with that no pinned key, or not the named one,
	// has made.
	notPinned, notNamed *Error
}

// newPublished reads the pinned keys of a configuration.
func newPublished(title string, cfg Config) (published, *ConfigError) {
	p := published{title: title}
	if len(cfg.PublicKeys) == 0 {
		p.source = cfg.Keys
	}
	for i, text := range cfg.PublicKeys {
		key, err := parsePublic("rsa", text)
		if err != nil {
			err.Index = i
			return p, err
		}
		p.keys = append(p.keys, key)
	}
	if len(p.keys) == 0 && p.source == nil {
		return p, &ConfigError{Field: "public_keys", Message: title + " needs a certificate, and nothing can fetch one here", Remedy: "write public_keys: [\"${file:cert.pem}\"]"}
	}
	return p, nil
}

// A signature is what a public key is asked about.
type signature struct {
	hash      crypto.Hash
	text, sig []byte
}

func (s signature) by(key crypto.PublicKey) bool { return signedBy(key, s.hash, s.text, s.sig) }

// signed returns the number of the key that made the signature.
func (p *published) signed(s signature, ref KeyRef, now time.Time) (int, *Error) {
	for no, key := range p.keys {
		if s.by(key) {
			return no, nil
		}
	}
	if p.source == nil {
		return 0, p.notPinned
	}
	key, ok := p.source.Key(ref, now)
	switch {
	case !ok:
		return 0, &Error{Code: CodeKeyUnavailable, Message: "the certificate is not known yet", Hint: hintKeyset, Need: &ref}
	case !suits(key, "RS256"):
		return 0, unsuitable(p.title)
	case !s.by(key):
		return 0, p.notNamed
	}
	return 0, nil
}
