package event

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Prefixes of the identifiers that clients see.
const (
	PrefixEvent    = "evt_"
	PrefixJob      = "job_"
	PrefixCall     = "call_"
	PrefixDelivery = "dlv_"
	PrefixBatch    = "bat_"
)

// crockford is the base-32 alphabet without letters that people misread, in
// lower case so that identifiers are safe in URLs, files and DNS labels.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// NewID returns prefix followed by 26 characters: 48 bits of Unix milliseconds
// and 80 random bits, in the form of a ULID. Identifiers made in different
// milliseconds sort in the order of their making.
func NewID(prefix string, now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand crashes the program instead

	id := make([]byte, 0, len(prefix)+26)
	id = append(id, prefix...)
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	for shift := 125; shift >= 0; shift -= 5 {
		id = append(id, crockford[bits5(hi, lo, shift)])
	}
	return string(id)
}

// bits5 returns the five bits of the 128-bit number hi:lo that start at shift.
func bits5(hi, lo uint64, shift int) uint64 {
	switch {
	case shift >= 64:
		return hi >> (shift - 64) & 31
	case shift > 59:
		return (hi<<(64-shift) | lo>>shift) & 31
	default:
		return lo >> shift & 31
	}
}
