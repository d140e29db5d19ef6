package verify

import "time"

// cloudEvent reports whether a request is a CloudEvent, in the structured form
// (one JSON document) or the binary one (attributes in ce- headers).
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
func cloudEvent(src *source) bool {
	return mediaType(src.header) == "application/cloudevents+json" || len(src.header["Ce-Specversion"]) > 0
}

// cloudPlaces returns where a CloudEvent keeps its attributes. Source and id
// together are unique; the id alone is not.
func cloudPlaces(src *source) *places {
	kind := inJSON
	if src != nil && len(src.header["Ce-Specversion"]) > 0 {
		kind = inHeader
	}
	at := func(name string) part {
		if kind == inHeader {
			name = canonical("ce-" + name)
		}
		return part{kind, name}
	}
	return &places{
		id:      place{{at("source"), {inLiteral, "#"}, at("id")}},
		kind:    place{{at("type")}},
		time:    place{{at("time")}},
		subject: place{{at("subject")}, {at("source")}},
	}
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
