package verify

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A SignInput is what [Sign] makes a request of.
type SignInput struct {
	Method string // default POST
	URL    string // default the configured public URL
	Header http.Header
	Body   []byte
	Now    time.Time
	ID     string        // the delivery id, where the sender has a header for it
	Type   string        // the event type, likewise
	Key    crypto.Signer // for senders that sign with a private key
	KeyID  string        // that a token names its key by; default "key-1"
}

// A signer is a prover that can also make what it proves.
type signer interface {
	sign(r *Request, in *SignInput) error
}

// Sign returns the request that the sender described by cfg would send: the
// fixtures of tests, of benchmarks and of people who try a hook out. It signs
// with the first secret. Where the sender puts its proof into the URL or the
// body, those differ from what was given.
func Sign(cfg Config, in SignInput) (Request, error) {
	h, err := build(cfg)
	if err != nil {
		return Request{}, err
	}
	s, ok := h.prover.(signer)
	if !ok {
		return Request{}, fmt.Errorf("sign: %s signs with keys that only it has", h.sender.Title)
	}
	r := Request{
		Method: orElse(in.Method, http.MethodPost), URL: orElse(in.URL, cfg.PublicURL),
		Header: in.Header.Clone(), Body: in.Body, Now: in.Now,
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("Content-Type") == "" && len(r.Body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	setFirst(r.Header, h.event.id, in.ID)
	setFirst(r.Header, h.event.kind, in.Type)
	if err := s.sign(&r, &in); err != nil {
		return Request{}, fmt.Errorf("sign: %w", err)
	}
	return r, nil
}

// setFirst sets the header that a place names first, if it names one.
func setFirst(h http.Header, p place, value string) {
	if value == "" || len(p) == 0 || len(p[0]) != 1 || p[0][0].kind != inHeader || h.Get(p[0][0].name) != "" {
		return
	}
	h.Set(p[0][0].name, value)
}

func (m *mac) sign(r *Request, in *SignInput) error {
	s := signing{r: r, publicURL: m.publicURL}
	fam := &m.families[0]
	for _, req := range m.require {
		r.Header.Set(req[0], req[1])
	}
	if fam.id != "" {
		s.id = orElse(r.Header.Get(fam.id), in.ID) // a fixture may bring its own
		r.Header.Set(fam.id, s.id)
	}
	s.timestamp = formatTimestamp(in.Now, m.unit)
	if fam.stamp != "" {
		r.Header.Set(fam.stamp, s.timestamp)
	}
	if m.stampJSON != "" {
		r.Body = setJSON(r.Body, m.stampJSON, json.RawMessage(s.timestamp))
		if jsonText(r.Body, m.stampJSON) == "" {
			return fmt.Errorf("the body is no JSON object, and the sender's timestamp stands in one: %s", m.stampJSON)
		}
	}
	if m.inBody != nil {
		return m.signInside(r, &s)
	}
	s.payload, s.src = m.document(r)
	r.Header.Set(fam.signatures[0], m.header(&s, in))
	return nil
}

func (m *mac) document(r *Request) ([]byte, *source) {
	doc, _ := jsonPayload(r, m.form)
	return doc, &source{header: r.Header, json: doc, body: r.Body, rawURL: r.URL}
}

// header writes the signature in the shape of its header.
func (m *mac) header(s *signing, in *SignInput) string {
	label, value := "", ""
	if ed, ok := in.Key.(ed25519.PrivateKey); ok && len(m.shape.ed25519) > 0 {
		label, value = m.shape.ed25519[0], encode(ed25519.Sign(ed, m.text.bytes(s)), m.shape.encoding)
	} else if len(m.keys) > 0 {
		state, sum := m.keys[0].mac(m.text, s)
		value = encode(sum, m.shape.encoding)
		m.keys[0].put(state)
	}
	if m.shape.list == "" {
		return m.shape.prefix + value
	}
	if m.shape.pair == "" {
		return value
	}
	if label == "" {
		label = m.shape.labels[0]
	}
	item := label + m.shape.pair + value
	if m.shape.stamp != "" {
		item = m.shape.stamp + m.shape.pair + s.timestamp + m.shape.list + item
	}
	return item
}

// signInside puts the signature into the body, where the sender keeps it.
func (m *mac) signInside(r *Request, s *signing) error {
	doc, src := m.document(r)
	s.payload, s.src = doc, src
	state, sum := m.keys[0].mac(m.text, s)
	value := encode(sum, m.shape.encoding)
	m.keys[0].put(state)
	path := m.inBody[0][0].name
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	doc = setJSON(doc, path, text)
	if isForm(r.Header) {
		doc = []byte(url.Values{m.form: {string(doc)}}.Encode())
	}
	r.Body = doc
	return nil
}

// setJSON sets one field, by a path of names and indexes joined by dots;
// where the path leads nowhere, doc comes back as it is. Only signing uses it.
func setJSON(doc []byte, path string, value json.RawMessage) []byte {
	name, rest, deeper := strings.Cut(path, ".")
	var fields map[string]json.RawMessage
	var list []json.RawMessage
	inner := &value
	if i, err := strconv.Atoi(name); err == nil && json.Unmarshal(doc, &list) == nil && i >= 0 && i < len(list) {
		inner = &list[i]
	} else if json.Unmarshal(doc, &fields) != nil || fields == nil {
		return doc
	}
	if !deeper {
		*inner = value
	} else if list != nil {
		*inner = setJSON(*inner, rest, value)
	} else {
		value = setJSON(orObject(fields[name]), rest, value)
	}
	var all any = list
	if list == nil {
		fields[name] = value
		all = fields
	}
	out, err := json.Marshal(all)
	if err != nil {
		return doc
	}
	return out
}

func orObject(doc json.RawMessage) json.RawMessage {
	if doc == nil {
		return json.RawMessage("{}")
	}
	return doc
}

func (p *public) sign(r *Request, in *SignInput) error {
	if in.Key == nil {
		return errNoKey()
	}
	s := signing{r: r, publicURL: p.publicURL, timestamp: formatTimestamp(in.Now, p.unit)}
	fam := &p.families[0]
	if fam.stamp != "" {
		r.Header.Set(fam.stamp, s.timestamp)
	}
	sig, err := signWith(in.Key, p.hash, p.text.bytes(&s))
	if err != nil {
		return err
	}
	r.Header.Set(fam.signatures[0], p.shape.prefix+encode(sig, p.shape.encoding))
	return nil
}

// signWith signs msg in the way that signedBy checks.
func signWith(key crypto.Signer, h crypto.Hash, msg []byte) ([]byte, error) {
	if _, ok := key.(ed25519.PrivateKey); ok {
		return key.Sign(rand.Reader, msg, crypto.Hash(0))
	}
	return key.Sign(rand.Reader, digestWith(h, msg), h)
}

func (t *token) sign(r *Request, _ *SignInput) error {
	if t.header != "" {
		r.Header.Set(t.header, t.prefix+t.plain)
		return nil
	}
	switch p := t.where[0][0]; p.kind {
	case inJSON:
		text, err := json.Marshal(t.plain)
		if err != nil {
			return err
		}
		r.Body = setJSON(r.Body, p.name, text)
	case inQuery:
		sep := "?"
		if strings.Contains(r.URL, "?") {
			sep = "&"
		}
		r.URL += sep + url.Values{p.name: {t.plain}}.Encode()
	}
	return nil
}

func (b *basic) sign(r *Request, _ *SignInput) error {
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(b.plain)))
	return nil
}

func (t *twilio) sign(r *Request, _ *SignInput) error {
	if len(r.Body) > 0 && !isForm(r.Header) && !strings.Contains(r.URL, "bodySHA256=") {
		sum := sha256.Sum256(r.Body)
		sep := "?"
		if strings.Contains(r.URL, "?") {
			sep = "&"
		}
		r.URL += sep + "bodySHA256=" + hex.EncodeToString(sum[:])
	}
	params, _, err := twilioParams(r)
	if err != nil {
		return err
	}
	in := signing{r: r, publicURL: calledURL(t.publicURL, r.URL), payload: params}
	state, sum := t.keys[0].mac(t.text, &in)
	r.Header.Set(twilioHeader, encode(sum, base64Encoding))
	t.keys[0].put(state)
	return nil
}
