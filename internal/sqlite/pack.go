package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/forebayhq/forebay/event"
)

const (
	packVersion = 1
	keptBuffer  = 1 << 20 // larger buffers are not kept for reuse
	maxUnpacked = 256 << 20
)

// errDamaged means that the stored bytes of an event are not those that were
// stored.
var errDamaged = errors.New("stored bytes are damaged")

// A packer turns the bytes of an event into one blob and back: a Zstandard frame
// with a checksum of its content, so that a flipped bit is seen. Inside are a
// version byte and, each with its length before it, method, query, content
// type, header names and values, payload and body. Nothing passes through an
// encoding that would change a byte.
type packer struct {
	enc     *zstd.Encoder
	dec     *zstd.Decoder
	buffers sync.Pool // of *[]byte
}

func newPacker() (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true),
		zstd.WithWindowSize(1<<18), zstd.WithLowerEncoderMem(true), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, err
	}
	p := &packer{enc: enc, dec: dec}
	p.buffers.New = func() any { return new([]byte) }
	return p, nil
}

func (p *packer) close() {
	_ = p.enc.Close() // it writes nowhere
	p.dec.Close()
}

// pack returns the blob of an event.
func (p *packer) pack(e *event.Event) []byte {
	buf := p.buffers.Get().(*[]byte)
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
	blob := p.enc.EncodeAll(b, make([]byte, 0, len(b)/4+64))
	if cap(b) <= keptBuffer {
		*buf = b
		p.buffers.Put(buf)
	}
	return blob
}

func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// unpack fills in the bytes of an event. Its error wraps errDamaged.
func (p *packer) unpack(blob []byte, e *event.Event) error {
	b, err := p.dec.DecodeAll(blob, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
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
