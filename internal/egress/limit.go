package egress

import (
	"errors"
	"io"
)

// ErrTooLarge is what reading a body past Policy.MaxBytes answers.
var ErrTooLarge = errors.New("the answer is larger than allowed")

// limit bounds what can be read from body. The transport has decompressed it,
// so a small answer that unfolds into a large one is cut too.
func limit(body io.ReadCloser, n int64) io.ReadCloser {
	return &limited{body: body, left: n}
}

type limited struct {
	body io.ReadCloser
	left int64
}

// Read reads up to the limit, then tells a body that ends there from one that
// goes on.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, ErrTooLarge
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.body.Read(p)
	if int64(n) > l.left {
		n, err = int(l.left), ErrTooLarge
		l.left = -1
		return n, err
	}
	l.left -= int64(n)
	return n, err
}

func (l *limited) Close() error { return l.body.Close() }
