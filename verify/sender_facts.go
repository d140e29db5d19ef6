package verify

import "strings"

// PrivateKey is the kind of private key that a sender signs with: "ed25519",
// "ecdsa" (P-256) or "rsa"; empty for senders that share a secret.
func (s Sender) PrivateKey() string {
	switch p := s.Proof; {
	case p.Scheme == "ed25519", p.Scheme == "ecdsa", p.Scheme == "rsa":
		return p.Scheme
	case p.Scheme == "aws-sns", p.Scheme == "paypal", p.Scheme == "jwt" && p.Algorithm == "RS256":
		return "rsa"
	case p.Scheme == "jwt" && p.Algorithm == "ES256":
		return "ecdsa"
	}
	return ""
}

// SignsURL says whether the URL that the sender calls is a part of what it
// signs, so that a hook needs its public_url.
func (s Sender) SignsURL() bool {
	p := s.Proof
	if p.Scheme == "twilio" || p.SubjectURL {
		return true
	}
	for _, part := range []string{"{url", "{called", "{contentful:path}", "{plivo:"} {
		if strings.Contains(p.Signed, part) {
			return true
		}
	}
	return false
}

// FetchesKeys says whether the sender publishes its keys, so that a hook may do
// without public_keys.
func (s Sender) FetchesKeys() bool { return s.fetches() && s.PrivateKey() != "" }
