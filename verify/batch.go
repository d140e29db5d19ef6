package verify

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/tidwall/gjson"
)

// maxBatch bounds the events of one body.
const maxBatch = 10_000

// Events returns a batch as deliveries of one event each: with the id, type,
// time and subject of its own, its own JSON as Payload, and a digest that is
// equal for equal signed content at the same place. A delivery that is no batch
// is its only event.
func (d Delivery) Events() []Delivery {
	if d.Batch == nil {
		return []Delivery{d}
	}
	out := make([]Delivery, len(d.Batch))
	for i, p := range d.Batch {
		one := d
		one.Batch, one.renewed, one.Whole, one.Rotated = nil, nil, false, nil
		one.ID, one.IDSigned = p.ID, p.ID != "" && p.IDSigned
		one.Type, one.Subject, one.Payload = p.Type, p.Subject, p.Payload
		if !p.Time.IsZero() {
			one.Time = p.Time
		}
		if len(d.Digest) > 0 {
			sum := sha256.Sum256(binary.BigEndian.AppendUint32(append([]byte(nil), d.Digest...), uint32(i)))
			one.Digest = sum[:]
		}
		out[i] = one
	}
	return out
}

// split lists the events of a batch. The body is proven by now; ours, if it is
// not nil, says of which events that is true.
func (h *hook) split(d *Delivery, src *source, ours []bool) *Error {
	path := h.sender.Batch
	if h.sender.CloudEvents && mediaType(src.header) == "application/cloudevents-batch+json" {
		path = "@this"
	}
	if path == "" {
		return nil
	}
	list := gjson.GetBytes(src.json, path)
	if !list.IsArray() {
		return nil
	}
	d.Batch = []Part{}
	var err *Error
	n := 0
	list.ForEach(func(_, item gjson.Result) bool {
		if len(d.Batch) == maxBatch {
			err = refuse(CodeBodyMalformed, "the body holds more than "+itoa(maxBatch)+" events", "have the sender split it")
			return false
		}
		if n++; ours != nil && (n > len(ours) || !ours[n-1]) {
			return true
		}
		part := h.element.part([]byte(item.Raw), src, h.sender.CloudEvents)
		part.IDSigned = h.sender.signsBody()
		d.Batch = append(d.Batch, part)
		return true
	})
	return err
}

func (p *places) part(raw []byte, src *source, cloud bool) Part {
	inner := source{header: src.header, json: raw, body: raw, rawURL: src.rawURL}
	if cloud && p.id == nil {
		p = cloudPlaces(nil)
	}
	id, _ := p.id.readID(&inner)
	return Part{
		ID: id, Type: clean(p.kind.read(&inner)), Subject: clean(p.subject.read(&inner)),
		Time: utc(eventTime(p.time.read(&inner))), Payload: raw,
	}
}
