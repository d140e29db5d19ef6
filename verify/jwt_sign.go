package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
)

// sign makes a token as the sender would, good for five minutes.
func (j *jwt) sign(r *Request, in *SignInput) error {
	p := j.row.Proof
	claims := map[string]any{"iat": in.Now.Unix(), "nbf": in.Now.Unix(), "exp": in.Now.Add(minutes5).Unix(), "jti": orElse(in.ID, "id-1")}
	for name, value := range map[string]string{"iss": j.issuer, "sub": j.subject, "aud": j.audience, "email": j.email} {
		if value != "" {
			claims[name] = value
		}
	}
	if j.email != "" {
		claims["email_verified"] = true
	}
	if sum := sha256.Sum256(r.Body); p.BodyClaim != "" {
		claims[p.BodyClaim] = encode(sum[:], orElse(p.ClaimEncoding, hexEncoding))
	}
	head, err := json.Marshal(map[string]string{"alg": p.Algorithm, "typ": "JWT", "kid": orElse(in.KeyID, "key-1")})
	if err != nil {
		return err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return err
	}
	text := encode(head, base64URLEncoding) + "." + encode(body, base64URLEncoding)
	sig, err := j.signText(text, in.Key)
	if err != nil {
		return err
	}
	r.Header.Set(j.header, p.Prefix+text+"."+encode(sig, base64URLEncoding))
	return nil
}

// signText signs the first two segments of a token.
func (j *jwt) signText(text string, key crypto.Signer) ([]byte, error) {
	if len(j.secrets) > 0 {
		return hmac256(j.secrets[0], text), nil
	}
	sum := sha256.Sum256([]byte(text))
	switch k := key.(type) {
	case nil:
		return nil, errNoKey()
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
		if err != nil {
			return nil, err
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig, nil
	}
	return key.Sign(rand.Reader, sum[:], crypto.SHA256)
}
