package verify

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/tidwall/gjson"
)

// token proves knowledge of a shared secret that travels with the request: in
// a header, in a field of the body, or in the URL. It proves nothing about the
// body.
type token struct {
	where   place
	list    string // of a batch whose elements have a token each
	part    place  // of an element's
	header  string // canonical, when the place is a header
	prefix  string
	form    string
	secrets [][sha256.Size]byte
	plain   string // the first secret, to sign with
}

// prove compares digests of equal length, so that neither content nor length
// of a secret shows in the time it takes.
func (t *token) prove(r *Request) (proven, *Error) {
	if ours, no, ok := t.parts(r.Body); ok {
		return proven{secretNo: no, ours: ours}, nil
	}
	text, err := t.read(r)
	if err != nil {
		return proven{}, err
	}
	no, ok := matchSecret(t.secrets, text)
	if !ok {
		return proven{}, refuse(CodeTokenMismatch, "the token is not a configured secret", hintToken)
	}
	digest := sha256.Sum256(r.Body)
	return proven{digest: digest[:], secretNo: no}, nil
}

// parts says which parts of a batch show a secret, and the number of one; ok:
// at least one does.
func (t *token) parts(body []byte) (ours []bool, no int, ok bool) {
	if t.part == nil {
		return nil, 0, false
	}
	gjson.GetBytes(body, t.list).ForEach(func(_, item gjson.Result) bool {
		n, mine := matchSecret(t.secrets, t.part.read(&source{json: []byte(item.Raw)}))
		if mine {
			no, ok = n, true
		}
		ours = append(ours, mine)
		return len(ours) <= maxBatch
	})
	return ours, no, ok
}

const hintToken = "check that the secret in the configuration is the one that the sender was given"

func matchSecret(secrets [][sha256.Size]byte, text string) (int, bool) {
	got := sha256.Sum256([]byte(text))
	no, ok := 0, false
	for i := range secrets {
		if subtle.ConstantTimeCompare(got[:], secrets[i][:]) == 1 {
			no, ok = i, true
		}
	}
	return no, ok
}

func (t *token) read(r *Request) (string, *Error) {
	if t.header == "" {
		return t.readPlace(r)
	}
	value, n := single(r.Header, t.header)
	switch {
	case n == 0 || n == 1 && value == "":
		return "", refuse(CodeTokenMissing, "the header "+t.header+" is missing", hintToken)
	case n > 1:
		return "", refuse(CodeTokenRepeated, "the header "+t.header+" is there more than once", hintRepeat)
	case len(value) > maxHeader:
		return "", refuse(CodeTokenMalformed, "the header "+t.header+" is too long", hintToken)
	}
	return t.cut(value)
}

// cut takes the prefix off. An authentication scheme's name is told apart
// without regard to case (RFC 9110, 11.1).
func (t *token) cut(value string) (string, *Error) {
	if len(value) < len(t.prefix) || !strings.EqualFold(value[:len(t.prefix)], t.prefix) {
		return "", refuse(CodeTokenMalformed, "the header "+t.header+" does not begin with "+strings.TrimSpace(t.prefix), hintToken)
	}
	return value[len(t.prefix):], nil
}

func (t *token) readPlace(r *Request) (string, *Error) {
	doc, ok := jsonPayload(r, t.form)
	if !ok {
		doc = nil
	}
	text := t.where.read(&source{header: r.Header, json: doc, body: r.Body, rawURL: r.URL})
	if text == "" {
		return "", refuse(CodeTokenMissing, "the request carries no token", hintToken)
	}
	if len(text) > maxHeader {
		return "", refuse(CodeTokenMalformed, "the token is too long", hintToken)
	}
	return text, nil
}

func newToken(s Sender, cfg Config) (*token, *ConfigError) {
	t := &token{prefix: s.Proof.Prefix, form: s.Form, secrets: sumsOf(cfg.Secrets), plain: first(cfg.Secrets)}
	name := s.Proof.Headers[0]
	if kind, _, ok := strings.Cut(name, ":"); ok && (kind == inJSON || kind == inQuery || kind == inForm) {
		t.where, _ = parsePlace(name)
		t.list = s.Batch
		t.part, _ = parsePlace(s.PartToken)
		return t, nil
	}
	t.header = canonical(name)
	return t, nil
}

func sumsOf(secrets []string) [][sha256.Size]byte {
	var out [][sha256.Size]byte
	for _, s := range secrets {
		out = append(out, sha256.Sum256([]byte(s)))
	}
	return out
}

// basic proves a user name and password (RFC 7617). The password may contain
// colons, the user name may not.
type basic struct {
	secrets [][sha256.Size]byte
	plain   string // the first pair, to sign with
}

func (b *basic) prove(r *Request) (proven, *Error) {
	t := token{header: "Authorization", prefix: "Basic "}
	text, err := t.read(r)
	if err != nil {
		return proven{}, err
	}
	pair, decodeErr := base64.StdEncoding.Strict().DecodeString(text)
	if decodeErr != nil || strings.ContainsAny(text, "\r\n") || !strings.Contains(string(pair), ":") {
		return proven{}, refuse(CodeTokenMalformed, "the header Authorization is not Basic and base64 of user:password", hintToken)
	}
	no, ok := matchSecret(b.secrets, string(pair))
	if !ok {
		return proven{}, refuse(CodeTokenMismatch, "user name or password is not a configured one", hintToken)
	}
	digest := sha256.Sum256(r.Body)
	return proven{digest: digest[:], secretNo: no}, nil
}

func newBasic(cfg Config) (*basic, *ConfigError) {
	for i, s := range cfg.Secrets {
		if user, _, ok := strings.Cut(s, ":"); !ok || user == "" {
			return nil, &ConfigError{Field: "secrets", Index: i, Message: "the secret is not a user name and a password", Remedy: "write user:password"}
		}
	}
	return &basic{secrets: sumsOf(cfg.Secrets), plain: first(cfg.Secrets)}, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
