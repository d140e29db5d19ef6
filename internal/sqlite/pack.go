package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/forebayhq/forebay/event"
)

const (
	packVersion = 1
	keptBuffer  = 1 << 20 // larger buffers are not kept for reuse
	maxUnpacked = 256 << 20
	sumSize     = 4
)

// errDamaged means that the stored bytes of an event are not those that were
// stored.
var errDamaged = errors.New("stored bytes are damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A packer turns the bytes of an event into one blob and back. The blob is a
// CRC-32C of what follows it, so that a flipped bit is seen, and an S2 block
// (https://pkg.go.dev/github.com/klauspost/compress/s2): Zstandard makes a
// pull_request event a quarter smaller, and takes four times the time under the
// eyes of the sender. Inside are a version byte and, each with its length before
// it, method, query, content type, header names and values, payload and body.
// Nothing passes through an encoding that would change a byte.
type packer struct {
	buffers sync.Pool // of *[]byte
}

func newPacker() *packer {
	return &packer{buffers: sync.Pool{New: func() any { return new([]byte) }}}
}

// pack returns the blob of an event.
func (p *packer) pack(e *event.Event) []byte {
	buf := p.buffers.Get().(*[]byte)
	defer p.keep(buf)
	b := append((*buf)[:0], packVersion)
	b = appendText(b, e.Method)
	b = appendText(b, e.Query)
	b = appendText(b, e.ContentType)
	b = binary.AppendUvarint(b, uint64(len(e.Header)))
	for _, name := range slices.Sorted(maps.Keys(e.Header)) {
		b = appendText(b, name)
		b = appendText(b, e.Header[name])
	}
	if e.Payload == nil {
		b = append(b, 0)
	} else {
		b = appendText(append(b, 1), e.Payload)
	}
	b = appendText(b, e.Body)
	*buf = b
	return p.squeeze(b)
}

// squeeze returns data as it is stored, in memory of its own.
func (p *packer) squeeze(data []byte) []byte {
	buf := p.buffers.Get().(*[]byte)
	defer p.keep(buf)
	*buf = slices.Grow((*buf)[:0], sumSize+s2.MaxEncodedLen(len(data)))
	all := (*buf)[:cap(*buf)]
	block := s2.Encode(all[sumSize:], data)
	binary.LittleEndian.PutUint32(all, crc32.Checksum(block, castagnoli))
	return bytes.Clone(all[:sumSize+len(block)])
}

// expand undoes squeeze. Its error wraps errDamaged.
func (p *packer) expand(blob []byte) ([]byte, error) {
	if len(blob) < sumSize || binary.LittleEndian.Uint32(blob) != crc32.Checksum(blob[sumSize:], castagnoli) {
		return nil, fmt.Errorf("%w: their checksum is another", errDamaged)
	}
	if n, _ := s2.DecodedLen(blob[sumSize:]); n > maxUnpacked { // Decode finds every other fault
		return nil, fmt.Errorf("%w: a block of %d bytes", errDamaged, n)
	}
	data, err := s2.Decode(nil, blob[sumSize:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return data, nil
}

// keep gives a buffer back for reuse.
func (p *packer) keep(buf *[]byte) {
	if cap(*buf) <= keptBuffer {
		p.buffers.Put(buf)
	}
}

func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// unpack fills in the bytes of an event. Its error wraps errDamaged.
func (p *packer) unpack(blob []byte, e *event.Event) error {
	b, err := p.expand(blob)
	if err != nil {
		return err
	}
	r := unpacker{b: b}
	if version := r.byte(); version != packVersion {
		return fmt.Errorf("%w: pack version %d", errDamaged, version)
	}
	e.Method, e.Query, e.ContentType = string(r.text()), string(r.text()), string(r.text())
	if n := r.uvarint(); n > 0 {
		e.Header = make(map[string]string, min(n, 256))
		for range n {
			if r.bad {
				break
			}
			name := string(r.text())
			e.Header[name] = string(r.text())
		}
	}
	if r.byte() == 1 {
		e.Payload = r.text()
	}
	e.Body = r.text()
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: bytes are missing or left over", errDamaged)
	}
	return nil
}

// An unpacker reads what pack wrote.
type unpacker struct {
	b   []byte
	bad bool
}

func (r *unpacker) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *unpacker) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *unpacker) text() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	text := r.b[:n:n]
	r.b = r.b[n:]
	return text
}
