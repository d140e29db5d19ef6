package verify

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A ConfigError says which field of a source is wrong, why, and what to write
// instead. It contains no secret.
type ConfigError struct {
	Field   string // as in the configuration file: "secrets", "public_url"
	Index   int    // of the value in a list that is wrong
	Message string
	Remedy  string
}

// Error returns field, cause and remedy.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Message + "; " + e.Remedy }

// New returns the verifier of one hook, or a *[ConfigError].
func New(cfg Config) (Verifier, error) {
	h, err := build(cfg)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// build is New for this package. The error is untyped so that a nil one stays nil.
func build(cfg Config) (*hook, error) {
	s, ok := Lookup(cfg.Type)
	if !ok {
		return nil, unknownType(cfg.Type)
	}
	s, err := chosen(s, cfg)
	if err == nil {
		err = check(s, cfg)
	}
	if err != nil {
		return nil, err
	}
	if pending(s, cfg) {
		return newHook(s, cfg, waiting{})
	}
	p, err := newProver(s, cfg)
	if err != nil {
		return nil, err
	}
	return newHook(s, cfg, p)
}

// newProver turns a row into code.
func newProver(s Sender, cfg Config) (prover, *ConfigError) {
	switch s.Proof.Scheme {
	case "hmac", "hash":
		return newMAC(s, cfg)
	case "ed25519", "ecdsa", "rsa":
		return newPublic(s, cfg)
	case "token":
		return newToken(s, cfg)
	case "basic":
		return newBasic(cfg)
	case "jwt":
		return newJWT(s, cfg)
	case "gitlab":
		return newGitLab(s, cfg)
	case "twilio":
		return newTwilio(cfg)
	case "braintree":
		return newBraintree(cfg)
	case "adyen":
		return newAdyen(cfg)
	case "aws-sns":
		return newSNS(cfg)
	case "paypal":
		return newPayPal(s, cfg)
	}
	return nil, &ConfigError{Field: "type", Message: "no scheme " + s.Proof.Scheme, Remedy: "use another type"}
}

// waiting refuses everything until the handshake has brought the secret.
type waiting struct{}

func (waiting) prove(*Request) (proven, *Error) {
	return proven{}, refuse(CodeSecretPending, "the secret of this hook is not known yet",
		"run the sender's handshake, then write the secret that it offered in place of "+pendingSecret)
}

// pendingSecret stands in the configuration for a secret that the sender's
// handshake will bring.
const pendingSecret = "pending"

func pending(s Sender, cfg Config) bool {
	return s.Proof.Pending && len(cfg.Secrets) == 1 && cfg.Secrets[0] == pendingSecret
}

// check refuses what the row cannot use and demands what it needs.
func check(s Sender, cfg Config) *ConfigError {
	if len(cfg.Secrets) > maxSecrets || len(cfg.PublicKeys) > maxSecrets {
		return &ConfigError{Field: "secrets", Message: "there are more than " + itoa(maxSecrets), Remedy: "keep the current one and those that are being rotated out"}
	}
	for i, secret := range cfg.Secrets {
		if err := checkSecret(secret); err != nil {
			err.Index = i
			return err
		}
	}
	for i, key := range cfg.PublicKeys {
		if strings.TrimSpace(key) == "" {
			return &ConfigError{Field: "public_keys", Index: i, Message: "the public key is empty", Remedy: "copy it from the sender's console"}
		}
	}
	if err := checkKeys(s, cfg); err != nil {
		return err
	}
	return checkFields(s, cfg)
}

func checkSecret(secret string) *ConfigError {
	switch {
	case secret == "":
		return badSecret("is empty", "write the secret that you gave the sender; anybody can sign with an empty one")
	case strings.TrimFunc(secret, unicode.IsSpace) != secret:
		return badSecret("begins or ends with a space or line break", "remove it; a file often ends in a line break")
	case len(secret) > maxHeader:
		return badSecret("is longer than 8 KiB", "write the secret alone")
	}
	return nil
}

// checkKeys: every scheme needs a secret, a public key, or a source of keys.
func checkKeys(s Sender, cfg Config) *ConfigError {
	wantSecret, wantPublic := s.needs()
	switch {
	case wantSecret && wantPublic && len(cfg.Secrets)+len(cfg.PublicKeys) == 0:
		return &ConfigError{Field: "secrets", Message: s.Title + " needs a secret or a public key", Remedy: "write secrets: [...] with what its console shows"}
	case wantSecret && !wantPublic && len(cfg.Secrets) == 0:
		return &ConfigError{Field: "secrets", Message: s.Title + " needs a secret", Remedy: "write secrets: [\"${NAME}\"]"}
	case !wantSecret && len(cfg.Secrets) > 0:
		return &ConfigError{Field: "secrets", Message: s.Title + " signs with a private key, so that there is no secret", Remedy: "write its public key under public_keys"}
	case !wantPublic && len(cfg.PublicKeys) > 0:
		return &ConfigError{Field: "public_keys", Message: s.Title + " signs with a shared secret", Remedy: "remove public_keys and write secrets"}
	case !wantSecret && wantPublic && len(cfg.PublicKeys) == 0 && !s.fetches():
		return &ConfigError{Field: "public_keys", Message: s.Title + " needs its public key", Remedy: "copy it from the sender's console: hex, base64 or PEM"}
	}
	return nil
}

// needs says which kinds of key a sender takes.
func (s Sender) needs() (secret, public bool) {
	switch s.Proof.Scheme {
	case "ed25519", "ecdsa", "rsa", "aws-sns", "paypal":
		return false, true
	case "jwt":
		return s.Proof.Algorithm == "HS256", s.Proof.Algorithm != "HS256"
	}
	return true, len(s.Proof.Labels25519) > 0
}

// fetches says whether a sender's keys can come from a [KeySource].
func (s Sender) fetches() bool {
	switch s.Proof.Scheme {
	case "aws-sns", "paypal", "jwt":
		return true
	}
	return false
}

// checkFields refuses settings that a sender fixes itself: two truths about one
// scheme are a mistake waiting.
func checkFields(s Sender, cfg Config) *ConfigError {
	given := map[string]string{
		"algorithm": cfg.Algorithm, "header": cfg.Header, "prefix": cfg.Prefix, "encoding": cfg.Encoding, "signed": cfg.Signed,
		"timestamp_header": cfg.TimestampHeader, "id_header": cfg.IDHeader, "type_header": cfg.TypeHeader,
		"issuer": cfg.Issuer, "audience": cfg.Audience, "jwks_url": cfg.JWKSURL, "email": cfg.Email,
		"verify_token": cfg.VerifyToken, "webhook_id": cfg.WebhookID, "key_id": cfg.KeyID,
		"topics": strings.Join(cfg.Topics, " "), "client_id": cfg.ClientID, "client_secret": cfg.ClientSecret,
	}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		if given[field] != "" && !slices.Contains(s.Proof.Choose, field) {
			return &ConfigError{Field: field, Message: s.Title + " fixes that itself", Remedy: "remove " + field + ", or use type: hmac and describe the scheme"}
		}
	}
	if cfg.Tolerance < 0 {
		return &ConfigError{Field: "tolerance", Message: "it is negative", Remedy: "write how far a timestamp may be off: 5m"}
	}
	if cfg.Tolerance > 0 && !s.stamped() {
		return &ConfigError{Field: "tolerance", Message: s.Title + " signs no timestamp, so that a tolerance would promise what nobody checks", Remedy: "remove tolerance"}
	}
	return nil
}

// stamped says whether the row checks the age of a request.
func (s Sender) stamped() bool {
	return s.Proof.Stamp != "" || s.Proof.Scheme == "jwt" || s.Proof.Tolerance > 0
}

func needURL(t text, s Sender, cfg Config) *ConfigError {
	if !t.signsURL() {
		return nil
	}
	return checkURL(s.Title, cfg.PublicURL)
}

func checkURL(title, public string) *ConfigError {
	const remedy = "write the full URL as it stands in the sender's console: https://example.com/hooks/name"
	switch {
	case public == "":
		return &ConfigError{Field: "public_url", Message: title + " signs the URL it calls, and the Host header cannot be trusted for it", Remedy: remedy}
	case !strings.HasPrefix(public, "https://") && !strings.HasPrefix(public, "http://"):
		return &ConfigError{Field: "public_url", Message: "it has no scheme", Remedy: remedy}
	}
	return nil
}

func badAlgorithm(name string) *ConfigError {
	return &ConfigError{Field: "algorithm", Message: "there is no algorithm " + quote(name), Remedy: "write sha256, or sha512, sha384 or sha1 if the sender leaves no choice"}
}

func unknownType(name string) *ConfigError {
	near := nearest(name, Types(), 3)
	return &ConfigError{
		Field: "type", Message: "there is no sender " + quote(name),
		Remedy: "the nearest names are " + strings.Join(near, ", ") + "; a sender that is not in the list can be described with type: hmac or token",
	}
}

// nearest returns the n names with the smallest edit distance, prefixes first.
func nearest(name string, names []string, n int) []string {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 64 {
		name = name[:64]
	}
	rank := func(other string) int {
		d := 2 * distance(name, other)
		if name != "" && (strings.Contains(other, name) || strings.Contains(name, other)) {
			d = min(d, 3)
		}
		return d
	}
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return out[:min(n, len(out))]
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' {
			return -1
		}
		return r
	}, s) + `"`
}
