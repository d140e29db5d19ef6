package config

import (
	"crypto"
	"time"

	"github.com/forebayhq/forebay/verify"
)

// published stands for the keys that a server fetches from senders. It knows
// none of them.
type published struct{}

// Key implements verify.KeySource.
func (published) Key(verify.KeyRef, time.Time) (crypto.PublicKey, bool) { return nil, false }

// Verification returns how requests to a hook with this source are verified. Its
// Keys know no key that would have to be fetched: who can fetch sets another.
func (s Source) Verification() verify.Config {
	secrets := make([]string, len(s.Secrets))
	for i, secret := range s.Secrets {
		secrets[i] = secret.Reveal()
	}
	return verify.Config{
		Type: s.Type, Secrets: secrets, PublicKeys: s.PublicKeys, Tolerance: s.Tolerance.D(), PublicURL: s.PublicURL,
		Algorithm: s.Algorithm, Header: s.Header, Prefix: s.Prefix, Encoding: s.Encoding, Signed: s.Signed,
		TimestampHeader: s.TimestampHeader, IDHeader: s.IDHeader, TypeHeader: s.TypeHeader,
		Issuer: s.Issuer, Audience: s.Audience, Email: s.Email, Topics: s.Topics,
		VerifyToken: s.VerifyToken.Reveal(), WebhookID: s.WebhookID, KeyID: s.KeyID,
		JWKSURL: s.JWKSURL, ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), Keys: published{},
	}
}
