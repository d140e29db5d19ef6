package verify

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// twilio signs the URL that it calls, followed by the sorted form parameters,
// with HMAC-SHA1. A JSON body is covered by its digest in the URL.
// https://www.twilio.com/docs/usage/security#validating-requests
type twilio struct {
	keys      []*macKey
	publicURL string
	text      text
}

const twilioHeader = "X-Twilio-Signature"

func newTwilio(cfg Config) (*twilio, *ConfigError) {
	if err := checkURL("Twilio", cfg.PublicURL); err != nil {
		return nil, err
	}
	t := &twilio{publicURL: cfg.PublicURL, text: text{{kind: pieceURL}, {kind: piecePayload}}}
	for no, secret := range cfg.Secrets {
		t.keys = append(t.keys, newMACKey(no, []byte(secret), sha1.New))
	}
	return t, nil
}

func (t *twilio) prove(r *Request) (proven, *Error) {
	value, err := signatureHeader(r.Header, twilioHeader)
	if err != nil {
		return proven{}, err
	}
	var sig [sha1.Size]byte
	if n, ok := decodeInto(sig[:], value, base64Encoding); !ok || n != len(sig) {
		return proven{}, refuse(CodeSignatureMalformed, "the signature is not 20 bytes in base64", hintShape)
	}
	params, bodySum, err := twilioParams(r)
	if err != nil {
		return proven{}, err
	}
	p, ok := t.match(r, params, sig[:])
	if !ok {
		return proven{}, refuse(CodeSignatureMismatch, "no configured auth token made this signature for public_url", hintURL+"; or "+hintSecret)
	}
	if bodySum != "" {
		return p, twilioBody(r, bodySum)
	}
	return p, nil
}

// twilioParams returns the text that follows the URL, or the digest that the
// URL gives of the body.
func twilioParams(r *Request) (params []byte, bodySum string, err *Error) {
	sums := queryOf(r.URL)["bodySHA256"]
	switch {
	case len(sums) > 1:
		return nil, "", refuse(CodeBodyMismatch, "the URL has more than one bodySHA256", hintShape)
	case len(sums) == 1:
		return nil, sums[0], nil
	case len(r.Body) == 0:
		return nil, "", nil
	case isForm(r.Header):
		params, err = twilioForm(r.Body)
		return params, "", err
	}
	return nil, "", refuse(CodeBodyMismatch, "the body is no form, and the URL has no bodySHA256 to cover it", "a proxy may have dropped the query of the URL")
}

// twilioForm joins name and value of every parameter in the order of the names;
// the values of a repeated one are sorted and each used once.
func twilioForm(body []byte) ([]byte, *Error) {
	bad := refuse(CodeBodyMalformed, "the form cannot be read", hintRewrite)
	if strings.Count(string(body), "&") >= maxFormFields {
		return nil, bad
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, bad
	}
	var out []byte
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Compact(slices.Sorted(slices.Values(form[name])))
		for _, v := range values {
			out = append(append(out, name...), v...)
		}
	}
	return out, nil
}

func (t *twilio) match(r *Request, params, sig []byte) (proven, bool) {
	for _, candidate := range twilioURLs(t.publicURL, r.URL) {
		in := signing{r: r, publicURL: candidate, payload: params}
		for _, key := range t.keys {
			state, sum := key.mac(t.text, &in)
			ok := subtle.ConstantTimeCompare(sum, sig)
			digest := digestOf(sum)
			key.put(state)
			if ok == 1 {
				return proven{digest: digest[:], secretNo: key.no}, true
			}
		}
	}
	return proven{}, false
}

// twilioBody compares the digest in the URL, which is signed, with the body's.
func twilioBody(r *Request, want string) *Error {
	sum := sha256.Sum256(r.Body)
	got := hex.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(got), []byte(strings.ToLower(want))) != 1 {
		return refuse(CodeBodyMismatch, "the URL is signed, but its bodySHA256 is not that of the body", hintRewrite)
	}
	return nil
}

// twilioURLs are the spellings of one URL that Twilio may have signed: with and
// without the port; with special characters escaped as browsers do; and that
// with the query encoded again by Node's old querystring module. Twilio's own
// library for Node tries the same.
func twilioURLs(public, received string) []string {
	called := calledURL(public, received)
	escaped := escapedURL(called)
	var out []string
	for _, u := range [...]string{
		called, withoutPort(called), withPort(called), withoutPort(escaped), withPort(escaped),
		legacyQuery(withoutPort(escaped)), legacyQuery(withPort(escaped)),
	} {
		if !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// escapedURL escapes what the URL standard escapes in paths and queries.
func escapedURL(u string) string {
	path, query, ok := strings.Cut(u, "?")
	path = escapeBytes(path, " \"<>`{}")
	if !ok {
		return path
	}
	return path + "?" + escapeBytes(query, " \"<>'")
}

// escapeBytes escapes control characters, bytes outside ASCII, and those in set.
func escapeBytes(s, set string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(set, c) >= 0 {
			escapeByte(&b, c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func escapeByte(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.Write([]byte{'%', digits[c>>4], digits[c&15]})
}

// splitURL cuts a URL around its host and port without decoding anything.
func splitURL(u string) (before, host, port, after string) {
	scheme, rest, _ := strings.Cut(u, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, after := rest[:end], rest[end:]
	at := strings.LastIndexByte(authority, '@') + 1
	before, host = scheme+"://"+authority[:at], authority[at:]
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	return before, host, port, after
}

func withoutPort(u string) string {
	before, host, _, after := splitURL(u)
	return before + host + after
}

func withPort(u string) string {
	before, host, port, after := splitURL(u)
	if port != "" {
		return u
	}
	if strings.HasPrefix(u, "https:") {
		return before + host + ":443" + after
	}
	return before + host + ":80" + after
}

// legacyQuery decodes the query and encodes it again in its order.
func legacyQuery(u string) string {
	base, query, ok := strings.Cut(u, "?")
	if !ok || len(query) > maxHeader {
		return u
	}
	var b strings.Builder
	b.WriteString(base)
	sep := byte('?')
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		b.WriteByte(sep)
		b.WriteString(escapeNode(unescape(name)))
		b.WriteByte('=')
		b.WriteString(escapeNode(unescape(value)))
		sep = '&'
	}
	return b.String()
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// escapeNode escapes what JavaScript's encodeURIComponent escapes.
func escapeNode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		escapeByte(&b, c)
	}
	return b.String()
}
