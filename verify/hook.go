package verify

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// A hook is the [Verifier] of one configured endpoint.
type hook struct {
	sender    Sender
	cfg       Config
	prover    prover
	event     places
	element   places
	shakes    []shake
	acks      []ackRule
	sensitive []string
	keeper    keeper
	renewed   []string // places in the body that differ between attempts
	whole     bool     // see Delivery.Whole
	wanted    []string // fields of the body that the places look into
}

// places are where an event keeps what describes it.
type places struct{ id, kind, time, subject place }

func newHook(s Sender, cfg Config, p prover) (*hook, error) {
	h := &hook{sender: s, cfg: cfg, prover: p, sensitive: sensitiveHeaders(s), keeper: newKeeper(s), renewed: renewedPaths(s.Proof)}
	h.whole = len(h.renewed) == 0 && signsBodyAlone(p)
	for _, one := range []struct {
		into *place
		text string
	}{
		{&h.event.id, s.ID}, {&h.event.kind, s.Type}, {&h.event.time, s.Time}, {&h.event.subject, s.Subject},
		{&h.element.id, s.PartID}, {&h.element.kind, s.PartType}, {&h.element.time, s.PartTime}, {&h.element.subject, s.PartSubject},
	} {
		var err error
		if *one.into, err = parsePlace(one.text); err != nil {
			return nil, &ConfigError{Field: "type", Message: err.Error(), Remedy: "report it: the row of " + s.Name + " is broken"}
		}
	}
	var err error
	if h.acks, err = compileAcks(s); err != nil {
		return nil, err
	}
	if h.shakes, err = compileShakes(s, cfg); err != nil {
		return nil, err
	}
	places := []place{h.event.id, h.event.kind, h.event.time, h.event.subject}
	for _, shake := range h.shakes {
		places = append(places, shake.when, shake.unless, shake.token)
	}
	for _, one := range h.acks {
		places = append(places, one.when)
	}
	h.wanted = wantedKeys(places...)
	return h, nil
}

// Sensitive implements [Verifier].
func (h *hook) Sensitive() []string { return slices.Clone(h.sensitive) }

func sensitiveHeaders(s Sender) []string {
	out := []string{"authorization", "cookie", "proxy-authorization"}
	if s.Proof.Scheme != "token" {
		return out
	}
	for _, name := range s.Proof.Headers {
		if !strings.Contains(name, ":") && !slices.Contains(out, strings.ToLower(name)) {
			out = append(out, strings.ToLower(name))
		}
	}
	return out
}

// Verify implements [Verifier]: first the proof, and only then a look inside.
func (h *hook) Verify(r Request) (Delivery, error) {
	p, err := h.prover.prove(&r)
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{Digest: p.digest, SecretNo: p.secretNo, Time: p.time, Whole: h.whole, Rotated: p.rotated, Thin: h.sender.Thin, renewed: h.renewed}
	d.Body, d.Query = h.keeper.body(r.Body), h.keeper.query(r.URL)
	if len(h.keeper.paths) > 0 { // no digest of a secret is kept either
		sum := sha256.Sum256(d.Body)
		d.Digest, d.Rotated = sum[:], nil
	}
	if d.Payload, err = h.payload(&r); err != nil {
		return Delivery{}, err
	}
	if p.payload != nil {
		d.Payload = p.payload
	}
	src := source{header: r.Header, json: d.Payload, body: r.Body, rawURL: r.URL, secretNo: p.secretNo, fields: lookup{keys: h.wanted}}
	if src.json == nil {
		src.json = d.Body
	}
	if d.Answer = h.answer(&r, &src); d.Answer != nil {
		h.describe(&d, &p, &src)
		return d, nil
	}
	h.describe(&d, &p, &src)
	d.Ack = h.ack(&src)
	if err := h.split(&d, &src, p.ours); err != nil {
		return Delivery{}, err
	}
	return d, nil
}

// payload finds the JSON of a form body.
func (h *hook) payload(r *Request) ([]byte, *Error) {
	field, orAll := strings.CutSuffix(h.sender.Form, "|*")
	mt := mediaType(r.Header)
	if field == "" || mt != "application/x-www-form-urlencoded" && mt != "multipart/form-data" {
		return nil, nil
	}
	if field == "*" {
		return formJSON(r.Body), nil
	}
	doc, ok := jsonPayload(r, field)
	switch {
	case ok:
		return doc, nil
	case orAll:
		return formJSON(r.Body), nil
	}
	return nil, refuse(CodeBodyMalformed, "the form has no field "+field+", or more than one", hintShape)
}

// describe fills in what the event says about itself.
func (h *hook) describe(d *Delivery, p *proven, src *source) {
	where := &h.event
	if h.sender.CloudEvents && cloudEvent(src) {
		where = cloudPlaces(src)
	}
	if p.id != "" {
		d.ID, d.IDSigned = p.id, true
	} else if d.ID, d.IDSigned = where.id.readID(src); d.IDSigned {
		d.IDSigned = h.sender.signsBody()
	}
	d.Type = clean(where.kind.read(src))
	d.Subject = clean(where.subject.read(src))
	if at := eventTime(where.time.read(src)); !at.IsZero() {
		d.Time = at
	}
	d.Time = utc(d.Time)
}

// readID is read for delivery ids. inside reports that the id is part of the
// body. An id that is too long or not text is none: it must stay comparable.
func (p place) readID(s *source) (id string, inside bool) {
	for _, parts := range p {
		text, ok := s.join(parts)
		if !ok || len(text) > maxText || text != clean(text) {
			continue
		}
		return text, !slices.ContainsFunc(parts, func(one part) bool { return one.kind == inHeader || one.kind == inQuery })
	}
	return "", false
}

// signsBody says whether the body is covered by what proves the sender.
func (s Sender) signsBody() bool {
	return !s.BodyUnsigned && s.Proof.Scheme != "token" && s.Proof.Scheme != "basic"
}
