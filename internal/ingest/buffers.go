package ingest

import "sync"

// The buffers that are kept for the next request have sizes of this step, up to
// maxPooled, so that a small body does not sit in a large buffer.
const (
	poolStep  = 8 << 10
	maxPooled = 64 << 10
)

// buffers keeps the memory of bodies, a pool for each size.
type buffers [maxPooled / poolStep]sync.Pool

// pooledSize is the size of the buffer for n bytes, at most maxPooled.
func pooledSize(n int) int {
	return max(1, (n+poolStep-1)/poolStep) * poolStep
}

// get returns an empty buffer with a capacity of size, one that pooledSize gave.
func (b *buffers) get(size int) []byte {
	if buf, ok := b[size/poolStep-1].Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 0, size)
}

// put takes a buffer back, which its owner must not use any more.
func (b *buffers) put(buf []byte) {
	size := cap(buf)
	if size == 0 || size > maxPooled || size%poolStep != 0 {
		return
	}
	buf = buf[:0]
	b[size/poolStep-1].Put(&buf)
}
