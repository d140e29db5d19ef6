package verify

import (
	"crypto/sha512"
	"slices"
	"strings"
)

// A shape is how a header carries signatures: one, or a list of labelled items.
type shape struct {
	prefix, encoding string
	size             int // bytes of one signature
	list, pair       string
	labels, ed25519  []string
	stamp            string // label of the timestamp; empty: not in the header
}

// candidates are the signatures that a request offers, decoded. It has a fixed
// size: what a hostile header can make it hold is bounded.
type candidates struct {
	n    int
	list [maxCandidates]candidate

	seen, bad int    // items that were looked at; items that cannot be signatures
	timestamp string // from an item of the header
	stamps    int
}

type candidate struct {
	ed25519 bool
	n       int
	sig     [sha512.Size]byte
}

func (c *candidate) bytes() []byte { return c.sig[:c.n] }

// add takes the value of one header.
func (c *candidates) add(value string, s *shape) *Error {
	if s.list == "" {
		text, ok := strings.CutPrefix(value, s.prefix)
		if !ok {
			return refuse(CodeSignatureMalformed, "the signature does not begin with "+s.prefix, hintShape)
		}
		return c.take(text, s, false)
	}
	for item := range strings.SplitSeq(value, s.list) {
		if c.seen++; c.seen > 2*maxCandidates {
			return tooMany()
		}
		if err := c.item(strings.Trim(item, " "), s); err != nil {
			return err
		}
	}
	return nil
}

// item takes one labelled item; labels that are not known are passed over.
func (c *candidates) item(item string, s *shape) *Error {
	if s.pair == "" {
		return c.take(item, s, false)
	}
	label, value, _ := strings.Cut(item, s.pair)
	switch {
	case label == s.stamp && s.stamp != "":
		c.timestamp, c.stamps = value, c.stamps+1
	case slices.Contains(s.labels, label):
		return c.take(value, s, false)
	case slices.Contains(s.ed25519, label):
		return c.take(value, s, true)
	}
	return nil
}

// take decodes one signature. One that cannot be a signature is counted, so
// that the others of a list still have their turn.
func (c *candidates) take(text string, s *shape, ed bool) *Error {
	if c.n == maxCandidates {
		return tooMany()
	}
	size := s.size
	if ed {
		size = sha512.Size // an Ed25519 signature has 64 bytes too
	}
	one := &c.list[c.n]
	n, ok := decodeInto(one.sig[:], text, s.encoding)
	if !ok || n != size {
		c.bad++
		return nil
	}
	one.n, one.ed25519 = n, ed
	c.n++
	return nil
}

// check reports why there is nothing to compare.
func (c *candidates) check(s *shape) *Error {
	switch {
	case c.stamps > 1:
		return refuse(CodeTimestampRepeated, "the signature header carries more than one timestamp", hintShape)
	case c.n > 0:
		return nil
	case c.bad > 0:
		return refuse(CodeSignatureMalformed, "the signature is not "+itoa(int64(s.size))+" bytes in "+s.encoding, hintShape)
	default:
		return refuse(CodeSignatureUnsupported, "the signature header carries no "+strings.Join(append(slices.Clone(s.labels), s.ed25519...), " or ")+" signature", hintShape)
	}
}

func tooMany() *Error {
	return refuse(CodeSignatureTooMany, "the request carries more than "+itoa(maxCandidates)+" signatures", hintShape)
}
