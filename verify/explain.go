package verify

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// An Explanation says why a request is accepted or refused, for the operator
// who holds the secret.
type Explanation struct {
	Sender   string `json:"sender"`
	Accepted bool   `json:"accepted"`
	Code     string `json:"code,omitempty"` // of the Error
	Message  string `json:"message,omitempty"`
	Hint     string `json:"hint,omitempty"`

	// Handshake is the name of the handshake that the request is.
	Handshake string `json:"handshake,omitempty"`

	// Secret is which of several secrets, from 0, or after them of the public
	// keys, made the signature of a request that is accepted.
	Secret *int `json:"secret,omitempty"`

	// Signed is the template of what is signed, and SignedBytes its length for
	// this request.
	Signed      string `json:"signed,omitempty"`
	SignedBytes int    `json:"signed_bytes,omitempty"`

	// Headers are those that the sender sends, and what came of each.
	Headers []HeaderSeen `json:"headers"`

	// Expected are the signatures that the secrets make, in their order. They
	// are as good as the secret for this one request: show them to its owner
	// alone.
	Expected []string `json:"expected,omitempty"`

	// SkewSeconds is how far the signed timestamp is behind now; negative: ahead.
	SkewSeconds *int64 `json:"skew_seconds,omitempty"`

	// Findings are what would make the signature hold, or what else stands out.
	Findings []Finding `json:"findings"`
}

// A HeaderSeen is one header of the scheme. Start is only the beginning of
// what came.
type HeaderSeen struct {
	Name   string `json:"name"`
	Times  int    `json:"times"`
	Length int    `json:"length"`
	Start  string `json:"start,omitempty"`
	Wants  string `json:"wants,omitempty"`
}

// A Finding is a probable cause. Code is stable: body_rewritten, secret_form,
// wrong_secret, url_differs, clock_skew, other_sender, test_mode, live_mode,
// body_truncated.
type Finding struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Explain verifies r and, if it is refused, tries what people usually get
// wrong. It never shows a secret. The error is that of [New].
func Explain(cfg Config, r Request) (Explanation, error) {
	h, err := build(cfg)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Sender: h.sender.Name, Signed: h.sender.Proof.Signed, Headers: h.headersSeen(r.Header), Findings: []Finding{}}
	e.measure(h, &r)
	d, err := h.Verify(r)
	if refusal, ok := errors.AsType[*Error](err); ok && refusal != nil {
		e.Code, e.Message, e.Hint = refusal.Code, refusal.Message, refusal.Hint
	}
	e.Accepted = err == nil
	if e.Accepted && len(cfg.Secrets)+len(cfg.PublicKeys) > 1 {
		e.Secret = new(d.SecretNo)
	}
	if d.Answer != nil {
		e.Handshake = d.Answer.Name
	}
	if a := h.Greet(r); err != nil && a != nil {
		e.Accepted, e.Handshake = true, a.Name
	}
	if !e.Accepted {
		e.Findings = append(e.Findings, h.diagnose(&r)...)
	}
	return e, nil
}

// headersSeen lists the headers of the scheme: all that came, and of those that
// did not the first of each kind.
func (h *hook) headersSeen(got http.Header) []HeaderSeen {
	p := h.sender.Proof
	wants := p.Prefix + "<" + orElse(p.Encoding, hexEncoding) + ">"
	if p.List != "" {
		wants = strings.Join(p.Labels, "|") + p.Pair + "<" + orElse(p.Encoding, hexEncoding) + ">, separated by " + quote(p.List)
	}
	var out []HeaderSeen
	add := func(name, wants string, always bool) {
		if name == "" || !always && len(got[name]) == 0 {
			return
		}
		value, n := single(got, name)
		out = append(out, HeaderSeen{Name: name, Times: n, Length: len(value), Start: start(value), Wants: wants})
	}
	kind, stamp, _ := strings.Cut(p.Stamp, ":")
	if kind != inHeader {
		stamp = ""
	}
	for i, fam := range familiesOf(p, stamp) {
		for j, name := range fam.signatures {
			add(name, wants, i == 0 && j == 0 && !strings.Contains(name, ":"))
		}
		add(fam.stamp, "a time: "+orElse(p.Unit, unitSeconds), i == 0)
		add(fam.id, "the delivery id", i == 0)
	}
	return out
}

// start is enough of a header to recognise it and too little to use it.
func start(value string) string {
	if len(value) <= 4 {
		return ""
	}
	return clean(value[:min(12, len(value)/2)])
}

// measure fills in what the scheme computes: lengths, skew, expected values.
func (e *Explanation) measure(h *hook, r *Request) {
	if at, ok := h.stampOf(r); ok {
		skew := r.Now.Unix() - at.Unix()
		e.SkewSeconds = &skew
	}
	m, ok := h.prover.(*mac)
	if !ok {
		return
	}
	in, ok := m.signing(r)
	if !ok {
		return
	}
	e.SignedBytes = len(m.text.bytes(in))
	for _, key := range m.keys {
		state, sum := key.mac(m.text, in)
		e.Expected = append(e.Expected, m.shape.prefix+encode(sum, m.shape.encoding))
		key.put(state)
	}
}

// signing gathers what m would sign of r, if r has it.
func (m *mac) signing(r *Request) (*signing, bool) {
	in := signing{r: r, publicURL: m.publicURL}
	in.payload, in.src = m.document(r)
	var c candidates
	fam, err := m.collect(r, &in, &c)
	if err != nil && fam == nil {
		return nil, false
	}
	_, err = m.covered(r, fam, &in, &c)
	return &in, err == nil
}

// stampOf is the timestamp of r, if the scheme has one.
func (h *hook) stampOf(r *Request) (time.Time, bool) {
	var m *mac
	switch p := h.prover.(type) {
	case *mac:
		m = p
	case *public:
		m = &p.mac
	default:
		return time.Time{}, false
	}
	if m.stampJSON != "" {
		doc, _ := jsonPayload(r, m.form)
		return parseTimestamp(jsonText(doc, m.stampJSON), m.unit)
	}
	var c candidates
	fam, err := m.family(r.Header)
	if err != nil {
		return time.Time{}, false
	}
	for _, name := range fam.signatures {
		value, _ := single(r.Header, name)
		_ = c.add(value, &m.shape) // a header that is too long has no timestamp either
	}
	text := c.timestamp
	if fam.stamp != "" {
		text = r.Header.Get(fam.stamp)
	}
	return parseTimestamp(text, m.unit)
}
