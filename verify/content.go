package verify

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Content returns a digest of what the delivery says, equal for every attempt
// of the sender at the same event: of the payload, without the values that some
// senders write anew into the body of each attempt (their timestamp and the
// signature itself). Unlike [Delivery.Digest] it depends on no secret and is
// equal before and after a rotation. body is what was verified.
//
// Together with a delivery id that is not signed it recognises a redelivery: the
// id alone could be forged to make another event look like a copy.
func (d Delivery) Content(body []byte) [sha256.Size]byte {
	doc := d.Payload
	if doc == nil {
		doc = body
	}
	if len(d.renewed) == 0 {
		return sha256.Sum256(doc)
	}
	h := sha256.New()
	for _, gap := range gaps(doc, d.renewed) {
		h.Write(doc[gap.from:gap.to])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// A span is a part of a document.
type span struct{ from, to int }

// gaps returns what is left of doc without the values at paths.
func gaps(doc []byte, paths []string) []span {
	var cut []span
	for _, path := range paths {
		cut = append(cut, spansAt(doc, path)...)
	}
	slices.SortFunc(cut, func(a, b span) int { return a.from - b.from })
	var kept []span
	at := 0
	for _, c := range cut {
		if c.from >= at {
			kept = append(kept, span{at, c.from})
			at = c.to
		}
	}
	return append(kept, span{at, len(doc)})
}

// spansAt finds the values at a path, several where it goes through an array.
func spansAt(doc []byte, path string) []span {
	v := gjson.GetBytes(doc, path)
	if v.Indexes == nil {
		if v.Index == 0 {
			return nil
		}
		return []span{{v.Index, v.Index + len(v.Raw)}}
	}
	var all []span
	for i, one := range v.Array() {
		if i < len(v.Indexes) && v.Indexes[i] > 0 {
			all = append(all, span{v.Indexes[i], v.Indexes[i] + len(one.Raw)})
		}
	}
	return all
}

// renewedPaths lists the places in the body that a sender writes anew into each
// attempt: its timestamp, its signature, and what that covers instead of the
// body.
func renewedPaths(p Proof) []string {
	var paths []string
	add := func(place string) {
		if kind, path, ok := strings.Cut(place, ":"); ok && kind == inJSON && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	add(p.Stamp)
	inside := false
	for _, name := range p.Headers {
		add(name)
		inside = inside || strings.HasPrefix(name, inJSON+":")
	}
	if !inside {
		return paths
	}
	for part := range strings.SplitSeq(p.Signed, "{") {
		name, _, _ := strings.Cut(part, "}")
		add(name)
	}
	return paths
}
