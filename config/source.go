package config

import "github.com/forebayhq/forebay/verify"

// Verification returns how requests to a hook with this source are verified.
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
	}
}
