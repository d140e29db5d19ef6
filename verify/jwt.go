package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// jwt proves a JSON Web Token (RFC 7519, RFC 7515) that a sender puts into a
// header. Algorithm, issuer and key set are the row's and the configuration's:
// what the token says about its own key is never followed (RFC 8725).
type jwt struct {
	row       Sender
	header    string
	prefix    string
	secrets   []string
	keys      []crypto.PublicKey
	source    KeySource
	keySet    string
	issuer    string
	audience  string
	email     string
	subject   string
	tolerance time.Duration
}

const (
	hintJWT    = "check that the hook's type, key and claims are those that the sender shows"
	hintKeyset = "the sender's published keys could not be read yet; the sender tries again"

	// leeway is what clocks may differ by where a token has an expiry.
	leeway = time.Minute
)

func (j *jwt) prove(r *Request) (proven, *Error) {
	value, err := signatureHeader(r.Header, j.header)
	if err != nil {
		return proven{}, err
	}
	if len(value) >= len(j.prefix) && strings.EqualFold(value[:len(j.prefix)], j.prefix) {
		value = value[len(j.prefix):]
	}
	head, claims, signed, sig, err := splitJWT(value)
	if err != nil {
		return proven{}, err
	}
	no, err := j.signature(head, signed, sig, r.Now)
	if err != nil {
		return proven{}, err
	}
	at, err := j.times(claims, r.Now)
	if err != nil {
		return proven{}, err
	}
	if err := j.claims(claims); err != nil {
		return proven{}, err
	}
	if err := j.body(claims, r.Body); err != nil {
		return proven{}, err
	}
	return j.proven(r.Body, no, at), nil
}

// proven: a token that covers the body is fresh for every attempt, so that the
// digest is of the body.
func (j *jwt) proven(body []byte, no int, at time.Time) proven {
	digest := sha256.Sum256(body)
	return proven{digest: digest[:], secretNo: no, time: at}
}

// splitJWT cuts a token and decodes its parts, strictly.
func splitJWT(token string) (head, claims, signed, sig []byte, err *Error) {
	bad := refuse(CodeJWTMalformed, "the header carries no JSON Web Token", hintJWT)
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last <= first+1 || strings.Count(token, ".") != 2 {
		return nil, nil, nil, nil, bad
	}
	head, ok1 := decodeSegment(token[:first])
	claims, ok2 := decodeSegment(token[first+1 : last])
	sig, ok3 := decodeSegment(token[last+1:])
	if !ok1 || !ok2 || !ok3 || len(sig) > maxSignature || !gjson.ParseBytes(head).IsObject() || !gjson.ParseBytes(claims).IsObject() {
		return nil, nil, nil, nil, bad
	}
	return head, claims, []byte(token[:last]), sig, nil
}

func decodeSegment(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && !strings.ContainsAny(s, "\r\n")
}

// signature checks the token's algorithm against the one that is pinned, and
// then the signature.
func (j *jwt) signature(head, signed, sig []byte, now time.Time) (int, *Error) {
	if alg := jsonText(head, "alg"); alg != j.row.Proof.Algorithm {
		return 0, refuse(CodeJWTAlgorithm, "the token is not signed with "+j.row.Proof.Algorithm, hintJWT)
	}
	for _, name := range [...]string{"jku", "jwk", "x5u", "x5c", "crit"} {
		if gjson.GetBytes(head, name).Exists() {
			return 0, refuse(CodeJWTForeignKey, "the token brings its own key or extension ("+name+")", hintJWT)
		}
	}
	for no, secret := range j.secrets {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write(signed)
		if hmac.Equal(m.Sum(nil), sig) {
			return no, nil
		}
	}
	for no, key := range j.keys {
		if signedJWT(key, signed, sig) {
			return no, nil
		}
	}
	return j.published(head, signed, sig, now)
}

// published checks the signature with a key of the sender's key set.
func (j *jwt) published(head, signed, sig []byte, now time.Time) (int, *Error) {
	mismatch := refuse(CodeSignatureMismatch, "no configured key made this signature", hintJWT)
	if j.keySet == "" || j.source == nil {
		return 0, mismatch
	}
	kid := jsonText(head, "kid")
	if kid == "" || len(kid) > maxText || !printable(kid) {
		return 0, refuse(CodeJWTMalformed, "the token names no key", hintJWT)
	}
	ref := KeyRef{Sender: j.row.Name, URL: j.keySet, ID: kid}
	key, ok := j.source.Key(ref, now)
	switch {
	case !ok:
		return 0, &Error{Code: CodeKeyUnavailable, Message: "the key that the token names is not known yet", Hint: hintKeyset, Need: &ref}
	case !suits(key, j.row.Proof.Algorithm):
		return 0, unsuitable(j.row.Proof.Algorithm)
	case !signedJWT(key, signed, sig):
		return 0, mismatch
	}
	return 0, nil
}

// suits reports whether a published key is of the kind and size that an
// algorithm asks for (RFC 7518, sections 3.3 and 3.4).
func suits(key crypto.PublicKey, algorithm string) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && k.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return algorithm == "RS256" && k.N.BitLen() >= minPublishedRSA && k.N.BitLen() <= maxSignature*8
	}
	return false
}

// minPublishedRSA is the least size of an RSA key that is fetched.
const minPublishedRSA = 2048

func unsuitable(algorithm string) *Error {
	return refuse(CodeKeyUnsuitable, "the published key of that name is too small or of the wrong kind for "+algorithm, hintJWT)
}

// signedJWT checks ES256 (two numbers of 32 bytes, RFC 7518) or RS256.
func signedJWT(key crypto.PublicKey, signed, sig []byte) bool {
	sum := sha256.Sum256(signed)
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if len(sig) != 64 || k.Curve != elliptic.P256() {
			return false
		}
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		return ecdsa.Verify(k, sum[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
	}
	return false
}

// times checks exp, nbf and iat. Where a sender sets no expiry, its row bounds
// the age by iat.
func (j *jwt) times(claims []byte, now time.Time) (time.Time, *Error) {
	exp, iat, nbf := claimTime(claims, "exp"), claimTime(claims, "iat"), claimTime(claims, "nbf")
	switch {
	case exp.IsZero() && !j.row.Proof.NoExpiry:
		return iat, refuse(CodeJWTNoExpiry, "the token has no expiry", hintJWT)
	case !exp.IsZero() && now.Unix() > exp.Add(leeway).Unix():
		return iat, refuse(CodeJWTExpired, "the token has expired", hintClock)
	case !nbf.IsZero() && now.Add(leeway).Unix() < nbf.Unix():
		return iat, refuse(CodeJWTNotYetValid, "the token is not valid yet", hintClock)
	case j.tolerance == 0:
		return iat, nil
	case iat.IsZero():
		return iat, refuse(CodeTimestampMissing, "the token does not say when it was made", hintJWT)
	case !within(iat, now, j.tolerance):
		return iat, stale(iat, now, j.tolerance)
	}
	return iat, nil
}

// claimTime reads a NumericDate; what is no sensible one is absent.
func claimTime(claims []byte, name string) time.Time {
	v := gjson.GetBytes(claims, name)
	if v.Type != gjson.Number || v.Num <= 0 || v.Num > 1e12 {
		return time.Time{}
	}
	return time.Unix(int64(v.Num), 0)
}

// claims checks who the token is from and for.
func (j *jwt) claims(claims []byte) *Error {
	for _, c := range [...]struct{ name, want, code string }{{"iss", j.issuer, CodeJWTIssuer}, {"sub", j.subject, CodeJWTClaim}, {"email", j.email, CodeJWTClaim}} {
		if c.want == "" {
			continue
		}
		if got := jsonText(claims, c.name); !sameText(got, c.want) {
			return refuse(c.code, "the claim "+c.name+" is not the configured one", hintJWT)
		}
	}
	if j.email != "" && !gjson.GetBytes(claims, "email_verified").Bool() {
		return refuse(CodeJWTClaim, "the claim email is not verified", hintJWT)
	}
	if j.audience != "" && !hasAudience(gjson.GetBytes(claims, "aud"), j.audience) {
		return refuse(CodeJWTClaim, "the claim aud is not the configured audience", hintJWT)
	}
	return nil
}

func sameText(got, want string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// hasAudience: aud is one text or a list of them (RFC 7519, 4.1.3).
func hasAudience(aud gjson.Result, want string) bool {
	if aud.Type == gjson.String {
		return sameText(aud.Str, want)
	}
	found := false
	if aud.IsArray() {
		aud.ForEach(func(_, one gjson.Result) bool {
			found = found || one.Type == gjson.String && sameText(one.Str, want)
			return true
		})
	}
	return found
}

// body compares the digest that the token gives of the body.
func (j *jwt) body(claims, body []byte) *Error {
	p := j.row.Proof
	if p.BodyClaim == "" {
		return nil
	}
	sum := sha256.Sum256(body)
	got := strings.TrimRight(jsonText(claims, p.BodyClaim), "=")
	var want string
	switch p.ClaimEncoding {
	case base64Encoding:
		want = base64.RawStdEncoding.EncodeToString(sum[:])
	case base64URLEncoding:
		want = base64.RawURLEncoding.EncodeToString(sum[:])
	default:
		want, got = hex.EncodeToString(sum[:]), strings.ToLower(got)
	}
	if !sameText(got, want) {
		return refuse(CodeBodyMismatch, "the token is signed, but its claim "+p.BodyClaim+" is not the digest of the body", hintRewrite)
	}
	return nil
}

func newJWT(s Sender, cfg Config) (*jwt, *ConfigError) {
	p := s.Proof
	j := &jwt{
		row: s, header: canonical(p.Headers[0]), prefix: orElse(p.Prefix, "Bearer "), secrets: cfg.Secrets,
		source: cfg.Keys, keySet: keySet(p, cfg), issuer: orElse(p.Issuer, cfg.Issuer), audience: cfg.Audience,
		email: cfg.Email, tolerance: toleranceOf(p, cfg),
	}
	for i, text := range cfg.PublicKeys {
		keys, err := pinnedKeys(p.Algorithm, text)
		if err != nil {
			err.Index = i
			return nil, err
		}
		j.keys = append(j.keys, keys...)
	}
	if p.SubjectURL {
		j.subject = cfg.PublicURL
		if err := checkURL(s.Title, cfg.PublicURL); err != nil {
			return nil, err
		}
	}
	if s.Name == "livekit" {
		j.issuer = cfg.KeyID
	}
	return j, j.demand(cfg)
}

// keySet is where keys are fetched from. Pinned keys stand alone, unless the
// configuration names a set as well: so a hook with them needs no network.
func keySet(p Proof, cfg Config) string {
	if cfg.JWKSURL == "" && len(cfg.PublicKeys) > 0 {
		return ""
	}
	return orElse(cfg.JWKSURL, p.KeySet)
}

// pinnedKeys reads one entry of public_keys: a key, or a whole key set.
func pinnedKeys(algorithm, text string) ([]crypto.PublicKey, *ConfigError) {
	if gjson.Get(text, "keys").IsArray() {
		var keys []crypto.PublicKey
		for _, key := range ParseJWKS([]byte(text)) {
			if suits(key, algorithm) {
				keys = append(keys, key)
			}
		}
		if len(keys) == 0 {
			return nil, badPublicKey("set has no key for " + algorithm)
		}
		return keys, nil
	}
	key, err := parsePublic(map[string]string{"ES256": "ecdsa", "RS256": "rsa"}[algorithm], text)
	if err != nil {
		return nil, err
	}
	return []crypto.PublicKey{key}, nil
}

// demand: a token that many can get from the same issuer proves nothing unless
// it is for us.
func (j *jwt) demand(cfg Config) *ConfigError {
	for _, d := range j.row.Proof.Demand {
		if value, remedy := demanded(d, cfg); value == "" {
			return &ConfigError{Field: d, Message: j.row.Title + " needs it, and it is not set", Remedy: remedy}
		}
	}
	if j.row.Name == "plaid" && j.keySet != "" && (cfg.ClientID == "" || cfg.ClientSecret == "") {
		return &ConfigError{Field: "client_id", Message: "Plaid hands out its keys to its customers alone", Remedy: "write client_id and client_secret of your Plaid account, or pin its keys under public_keys"}
	}
	if len(j.secrets) == 0 && len(j.keys) == 0 && (j.keySet == "" || j.source == nil) {
		return &ConfigError{Field: "public_keys", Message: "there is no key to check tokens with", Remedy: "write public_keys: [...], or jwks_url: https://..."}
	}
	return nil
}

func demanded(field string, cfg Config) (value, remedy string) {
	switch field {
	case "audience":
		return cfg.Audience, "write the audience that the sender puts into its tokens, usually the URL of this hook"
	case "email":
		return cfg.Email, "write the e-mail address of the service account that signs"
	case "issuer":
		return cfg.Issuer, "write the issuer (iss) of the tokens"
	case "key_id":
		return cfg.KeyID, "write the name of the key, as the sender's console shows it beside the secret"
	case "webhook_id":
		return cfg.WebhookID, "write the id of the webhook, as the sender's console shows it"
	}
	return "", ""
}
