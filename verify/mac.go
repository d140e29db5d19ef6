package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// A prover checks the proof of a request.
type prover interface {
	prove(r *Request) (proven, *Error)
}

// proven is what a proof yields.
type proven struct {
	digest   []byte
	rotated  [][]byte // the digests under the other keys, where the body alone is signed
	secretNo int
	id       string    // a delivery id that is signed
	time     time.Time // a timestamp that is signed
	payload  []byte    // JSON that its content type does not announce
	ours     []bool    // the events of a batch that are proven; nil: all
}

// names are the headers of one family, in canonical spelling.
type names struct {
	signatures []string
	stamp, id  string
}

// mac proves keyed hashes and, in the same list, Ed25519 signatures. It covers
// every sender whose row says hmac or hash.
type mac struct {
	families  []names
	inBody    place // where the signature is, if not in a header
	form      string
	require   [][2]string
	weaker    []string
	shape     shape
	text      text
	needsDoc  bool
	keys      []*macKey
	public    []ed25519.PublicKey
	stampJSON string
	stamped   bool // the timestamp is part of what is signed
	unit      string
	tolerance time.Duration
	publicURL string
}

func (m *mac) prove(r *Request) (proven, *Error) {
	in := signing{r: r, publicURL: m.publicURL}
	if m.needsDoc {
		doc, ok := jsonPayload(r, m.form)
		if !ok && m.form != "*" { // a form that is taken as a whole has no document of its own
			return proven{}, refuse(CodeBodyMalformed, "the form has no field "+m.form+", or more than one", hintShape)
		}
		in.payload, in.src = doc, &source{header: r.Header, json: doc, body: r.Body, rawURL: r.URL}
	}
	var c candidates
	fam, err := m.collect(r, &in, &c)
	if err != nil {
		return proven{}, err
	}
	at, err := m.covered(r, fam, &in, &c)
	if err != nil {
		return proven{}, err
	}
	p, ok := m.match(&in, &c)
	if !ok {
		return proven{}, refuse(CodeSignatureMismatch, "no configured secret made this signature", m.hint())
	}
	p.id, p.time = in.id, at
	return p, m.fresh(r, &p)
}

// collect gathers the signatures that r offers, and the family it speaks.
func (m *mac) collect(r *Request, in *signing, c *candidates) (*names, *Error) {
	for _, req := range m.require {
		if value, n := single(r.Header, req[0]); n != 1 || value != req[1] {
			return nil, refuse(CodeSignatureUnsupported, "the header "+req[0]+" does not say "+req[1], hintShape)
		}
	}
	if m.inBody != nil {
		value := m.inBody.read(in.src)
		if value == "" {
			return nil, refuse(CodeSignatureMissing, "the body carries no signature", hintSetup)
		}
		if err := c.add(value, &m.shape); err != nil {
			return nil, err
		}
		return &m.families[0], c.check(&m.shape)
	}
	fam, err := m.family(r.Header)
	if err != nil {
		return nil, err
	}
	for _, name := range fam.signatures {
		if len(r.Header[name]) == 0 {
			continue
		}
		value, err := signatureHeader(r.Header, name)
		if err != nil {
			return nil, err
		}
		if err := c.add(value, &m.shape); err != nil {
			return nil, err
		}
	}
	return fam, c.check(&m.shape)
}

// family picks the first spelling whose signature is there, together with its
// timestamp if it has one.
func (m *mac) family(h http.Header) (*names, *Error) {
	var found *names
	for i := range m.families {
		fam := &m.families[i]
		if !slices.ContainsFunc(fam.signatures, func(name string) bool { return len(h[name]) > 0 }) {
			continue
		}
		if fam.stamp == "" || len(h[fam.stamp]) > 0 {
			return fam, nil
		}
		if found == nil {
			found = fam
		}
	}
	if found != nil {
		return found, nil
	}
	for _, name := range m.weaker {
		if len(h[name]) > 0 {
			return nil, refuse(CodeSignatureDowngraded, "only the retired header "+name+" came, not "+m.families[0].signatures[0],
				"a sender that knows the secret sends both; a proxy may have dropped the stronger one")
		}
	}
	_, err := signatureHeader(h, m.families[0].signatures[0])
	return nil, err
}

// covered reads what is signed along with the body: timestamp and id.
func (m *mac) covered(r *Request, fam *names, in *signing, c *candidates) (time.Time, *Error) {
	if fam.id != "" {
		id, err := only(r.Header, fam.id)
		if err != nil {
			return time.Time{}, renamed(err, CodeIDMissing, CodeIDMalformed)
		}
		if len(id) > maxText || !printable(id) {
			return time.Time{}, refuse(CodeIDMalformed, "the header "+fam.id+" is too long or not plain text", hintShape)
		}
		in.id = id
	}
	switch {
	case m.shape.stamp != "":
		in.timestamp = c.timestamp
	case fam.stamp != "":
		value, err := only(r.Header, fam.stamp)
		if err != nil {
			return time.Time{}, renamed(err, CodeTimestampMissing, CodeTimestampRepeated)
		}
		in.timestamp = value
	default:
		return time.Time{}, nil
	}
	return m.parse(in.timestamp)
}

func (m *mac) parse(stamp string) (time.Time, *Error) {
	if stamp == "" {
		return time.Time{}, refuse(CodeTimestampMissing, "there is no timestamp", hintShape)
	}
	at, ok := parseTimestamp(stamp, m.unit)
	if !ok {
		return at, refuse(CodeTimestampMalformed, "the timestamp is not a time in the form "+m.unit, hintShape)
	}
	return at, nil
}

// match compares every signature with what every key would have made.
func (m *mac) match(in *signing, c *candidates) (proven, bool) {
	for _, key := range m.keys {
		state, sum := key.mac(m.text, in)
		found := 0
		for i := range c.n {
			if !c.list[i].ed25519 {
				found |= subtle.ConstantTimeCompare(sum, c.list[i].bytes())
			}
		}
		digest := digestOf(sum)
		key.put(state)
		if found == 1 {
			return proven{digest: digest[:], rotated: m.rotated(in, key, digest[:]), secretNo: key.no}, true
		}
	}
	return m.match25519(in, c)
}

// rotated returns the digests under all keys but one, whose digest is given. Each
// is another: an old and a new secret may be the same. It costs a hash of the
// body for each key, so long as there is more than one.
func (m *mac) rotated(in *signing, but *macKey, digest []byte) [][]byte {
	if len(m.keys) < 2 || !m.bodyAlone() {
		return nil
	}
	all := [][]byte{digest}
	for _, key := range m.keys {
		if key == but {
			continue
		}
		state, sum := key.mac(m.text, in)
		other := digestOf(sum)
		key.put(state)
		if !slices.ContainsFunc(all, func(known []byte) bool { return bytes.Equal(known, other[:]) }) {
			all = append(all, other[:])
		}
	}
	return all[1:]
}

// bodyAlone reports whether the body, and nothing else, is signed.
func (m *mac) bodyAlone() bool {
	return len(m.text) == 1 && m.text[0].kind == pieceBody && len(m.public) == 0
}

// signsBodyAlone is bodyAlone for any scheme.
func signsBodyAlone(p prover) bool {
	m, ok := p.(*mac)
	return ok && m.bodyAlone()
}

// digestOf hashes a MAC once more. The MAC is already a digest of what was
// signed, keyed by the secret, so the body need not be read a second time; but
// it is also a valid signature, and what is stored should not be one.
func digestOf(sum []byte) [sha256.Size]byte { return sha256.Sum256(sum) }

// match25519 checks the public-key signatures of a mixed list. Each check costs
// far more than a comparison, so that only the first few are looked at.
func (m *mac) match25519(in *signing, c *candidates) (proven, bool) {
	if len(m.public) == 0 {
		return proven{}, false
	}
	msg := m.text.bytes(in)
	checks := 0
	for i := range c.n {
		if !c.list[i].ed25519 {
			continue
		}
		for no, key := range m.public {
			if checks++; checks > maxPublicChecks {
				return proven{}, false
			}
			if ed25519.Verify(key, msg, c.list[i].bytes()) {
				digest := sha256.Sum256(msg)
				return proven{digest: digest[:], secretNo: len(m.keys) + no}, true
			}
		}
	}
	return proven{}, false
}

const maxPublicChecks = 16

// fresh checks the age of a signature that holds.
func (m *mac) fresh(r *Request, p *proven) *Error {
	if m.stampJSON != "" {
		doc, _ := jsonPayload(r, m.form)
		at, err := m.parse(jsonText(doc, m.stampJSON))
		if err != nil {
			return err
		}
		p.time = at
	}
	if m.tolerance > 0 && !p.time.IsZero() && !within(p.time, r.Now, m.tolerance) {
		return stale(p.time, r.Now, m.tolerance)
	}
	return nil
}

func (m *mac) hint() string {
	if m.text.signsURL() {
		return hintURL + "; or " + hintSecret
	}
	return hintSecret
}

// renamed gives the error of a header the codes of what it carries.
func renamed(err *Error, missing, malformed string) *Error {
	if err.Code == CodeHeaderMissing {
		return refuse(missing, err.Message, err.Hint)
	}
	return refuse(malformed, err.Message, err.Hint)
}

// newMAC compiles a row.
func newMAC(s Sender, cfg Config) (*mac, *ConfigError) {
	p := s.Proof
	algorithm, ok := algorithmOf(p.Algorithm)
	if !ok {
		return nil, badAlgorithm(p.Algorithm)
	}
	m := &mac{form: s.Form, unit: orElse(p.Unit, unitSeconds), tolerance: toleranceOf(p, cfg), publicURL: cfg.PublicURL}
	m.shape = shape{
		prefix: p.Prefix, encoding: orElse(p.Encoding, hexEncoding), size: algorithm().Size(),
		list: p.List, pair: p.Pair, labels: p.Labels, ed25519: p.Labels25519,
	}
	if err := m.compile(p); err != nil {
		return nil, err
	}
	if err := needURL(m.text, s, cfg); err != nil {
		return nil, err
	}
	return m, m.addKeys(s, cfg)
}

// compile turns the notation of a row into what prove uses.
func (m *mac) compile(p Proof) *ConfigError {
	var err error
	if m.text, err = parseText(p.Signed); err != nil {
		return &ConfigError{Field: "signed", Message: err.Error(), Remedy: signedRemedy}
	}
	stampHeader := ""
	switch kind, name, _ := strings.Cut(p.Stamp, ":"); kind {
	case inHeader:
		stampHeader = name
	case inSig:
		m.shape.stamp = name
	case inJSON:
		m.stampJSON = name
	}
	m.stamped = m.text.has(pieceTimestamp)
	if kind, _, ok := strings.Cut(p.Headers[0], ":"); ok && (kind == inJSON || kind == inForm) {
		m.inBody, _ = parsePlace(p.Headers[0])
		m.families = []names{{}}
	} else {
		m.families = familiesOf(p, stampHeader)
	}
	m.needsDoc = m.inBody != nil || m.text.has(piecePayload, piecePlace)
	for name, value := range p.Require {
		m.require = append(m.require, [2]string{canonical(name), value})
	}
	for _, name := range p.Weaker {
		m.weaker = append(m.weaker, canonical(name))
	}
	return nil
}

// maxNumbered bounds headers that are numbered, one per key.
const maxNumbered = maxCandidates

func familiesOf(p Proof, stampHeader string) []names {
	families := p.Families
	if len(families) == 0 {
		families = []string{""}
	}
	var all []names
	for _, f := range families {
		spell := func(name string) string { return canonical(strings.Replace(name, "*", f, 1)) }
		n := names{stamp: spell(stampHeader), id: spell(p.SignedID)}
		for _, name := range p.Headers {
			base, numbered := strings.CutSuffix(name, "#")
			if !numbered {
				n.signatures = append(n.signatures, spell(name))
				continue
			}
			for i := range maxNumbered {
				n.signatures = append(n.signatures, spell(base+itoa(int64(i+1))))
			}
		}
		all = append(all, n)
	}
	return all
}

func canonical(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func toleranceOf(p Proof, cfg Config) time.Duration {
	if cfg.Tolerance > 0 {
		return cfg.Tolerance
	}
	return p.Tolerance
}

func (m *mac) addKeys(s Sender, cfg Config) *ConfigError {
	algorithm, _ := algorithmOf(s.Proof.Algorithm)
	for no, secret := range cfg.Secrets {
		keys, err := decodeSecret(secret, s.Proof.Key)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if s.Proof.Scheme == "hash" {
				m.keys = append(m.keys, newHashKey(no, key, algorithm))
				continue
			}
			m.keys = append(m.keys, newMACKey(no, key, algorithm))
		}
	}
	for _, text := range cfg.PublicKeys {
		key, err := parseEd25519(text)
		if err != nil {
			return err
		}
		m.public = append(m.public, key)
	}
	return nil
}
