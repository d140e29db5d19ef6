package verify

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// A Shake is a handshake: a request that is answered at once and makes no job.
type Shake struct {
	Name string // "url_verification"

	// Before: it comes without a signature, before there is a subscription.
	Before bool
	// Method is the one it comes with; empty: any.
	Method string
	// When is a place that must hold Is, or anything if Is is empty.
	When, Is string
	// Unless is a place that must be empty.
	Unless string
	// Token is a place that must hold the configured verify_token.
	Token string

	// Reply is how the answer is made, from the text at What (default: When):
	//
	//	""          no body, or Body literally
	//	echo        the text itself, as text/plain
	//	json:KEY    {"KEY": text}
	//	zoom        {"plainToken": text, "encryptedToken": its MAC}
	//	crc         {"response_token": "sha256=" and its MAC in base64}
	//	braintree   the key's name and the text's MAC
	//	header:NAME the text in a header
	//	confirm     the text is a URL to fetch, on a host of the sender's
	Reply, What string
	Status      int // default 200
	Body        string
	Type        string            // content type of Body
	Header      map[string]string // sent along
	// Offer is the place of a secret that the handshake brings.
	Offer string
}

// maxEcho bounds what an unverified request can have repeated to it.
const maxEcho = 2048

// A shake is a compiled Shake.
type shake struct {
	Shake
	when, unless, token, what, offer place
	verifyToken                      string
	secrets                          []string
	keyID                            string
}

func compileShakes(s Sender, cfg Config) ([]shake, error) {
	var out []shake
	for _, one := range s.Shakes {
		c := shake{Shake: one, verifyToken: cfg.VerifyToken, secrets: cfg.Secrets, keyID: cfg.KeyID}
		for _, p := range []struct {
			into *place
			text string
		}{{&c.when, one.When}, {&c.unless, one.Unless}, {&c.token, one.Token}, {&c.what, orElse(one.What, one.When)}, {&c.offer, one.Offer}} {
			var err error
			if *p.into, err = parsePlace(p.text); err != nil {
				return nil, &ConfigError{Field: "type", Message: err.Error(), Remedy: "report it: the row of " + s.Name + " is broken"}
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// Greet implements [Greeter]. Nothing here is proven: only small bodies are
// looked at, and what is repeated is bounded and typed as plain text.
func (h *hook) Greet(r Request) *Answer {
	src := source{header: r.Header, rawURL: r.URL}
	if len(r.Body) <= maxHeader {
		src.json, src.body = r.Body, r.Body
	}
	return h.find(&r, &src, true)
}

// answer returns the answer to a handshake that is signed.
func (h *hook) answer(r *Request, src *source) *Answer { return h.find(r, src, false) }

func (h *hook) find(r *Request, src *source, before bool) *Answer {
	for i := range h.shakes {
		s := &h.shakes[i]
		if s.Before != before || !s.applies(r, src) {
			continue
		}
		if a := s.reply(src); a != nil {
			return a
		}
	}
	return nil
}

func (s *shake) applies(r *Request, src *source) bool {
	if s.Method != "" && s.Method != r.Method {
		return false
	}
	text := s.when.read(src)
	switch {
	case s.when != nil && text == "", s.Is != "" && text != s.Is, s.unless.read(src) != "":
		return false
	case s.token != nil:
		got := s.token.read(src)
		return s.verifyToken != "" && subtle.ConstantTimeCompare([]byte(got), []byte(s.verifyToken)) == 1
	}
	return true
}

func (s *shake) reply(src *source) *Answer {
	a := &Answer{Name: s.Name, Status: s.Status, ContentType: s.Type, Header: map[string]string{}}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	maps.Copy(a.Header, s.Header)
	if s.Body != "" {
		a.Body = []byte(s.Body)
	}
	text := s.what.read(src)
	if s.Reply != "" && (text == "" || len(text) > maxEcho) {
		return nil
	}
	a.Offer = s.offer.read(src)
	s.fill(a, text, first(s.secrets[min(src.secretNo, len(s.secrets)):]))
	if len(a.Body) > 0 && a.ContentType == "" {
		a.ContentType = "text/plain; charset=utf-8"
	}
	a.Header["X-Content-Type-Options"] = "nosniff"
	return a
}

// fill makes the part of the answer that depends on the request.
func (s *shake) fill(a *Answer, text, secret string) {
	switch kind, name, _ := strings.Cut(s.Reply, ":"); kind {
	case "echo":
		a.Body = []byte(text)
	case "json":
		a.json(map[string]string{name: text})
	case "header":
		if printable(text) {
			a.Header[name] = text
		}
	case "confirm":
		if snsURL(text, "") {
			a.Confirm = text
		}
	case "zoom":
		mac := hmac256(secret, text)
		a.json(map[string]string{"plainToken": text, "encryptedToken": hex.EncodeToString(mac)})
	case "crc":
		a.json(map[string]string{"response_token": "sha256=" + encode(hmac256(secret, text), base64Encoding)})
	case "braintree":
		a.Body = []byte(s.keyID + "|" + hex.EncodeToString(braintreeMAC(secret, text)))
	}
}

func (a *Answer) json(v map[string]string) {
	a.Body, _ = json.Marshal(v) // a map of strings always marshals
	a.ContentType = "application/json"
}

func hmac256(secret, text string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// braintreeMAC is Braintree's: HMAC-SHA1 under the SHA-1 of the private key.
func braintreeMAC(secret, text string) []byte {
	key := sha1.Sum([]byte(secret))
	m := hmac.New(sha1.New, key[:])
	m.Write([]byte(text))
	return m.Sum(nil)
}
