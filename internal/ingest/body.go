package ingest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// chunk is how much memory a body of unknown length asks for at a time.
const chunk = 64 << 10

// buffers keeps the memory of small bodies for the next request. A body's
// bytes are ours from the read until the answer: the ledger keeps no reference.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is the largest buffer worth keeping.
const maxPooled = 256 << 10

// read takes the body, bounded in length whether that is declared or not, and
// all bodies together bounded in memory.
func (v *visit) read() (answer, bool) {
	limit, declared := v.hook.BodyLimit, v.r.ContentLength
	if declared > limit {
		return v.tooLarge(), true
	}
	if !v.hold(max(declared, 0)) {
		return v.unavailable("receiving_too_much", "too many large bodies at once"), true
	}
	buf := buffers.Get().(*[]byte)
	body, err := v.fill((*buf)[:0], declared)
	v.body, v.size = body, len(body)
	switch {
	case errors.Is(err, errTooLarge):
		return v.tooLarge(), true
	case errors.Is(err, errMemory):
		return v.unavailable("receiving_too_much", "too many large bodies at once"), true
	case err != nil:
		return refuse(http.StatusBadRequest, problem{"body_incomplete", "the body did not arrive whole", "send it again"}), true
	}
	return answer{}, false
}

var (
	errTooLarge = errors.New("body too large")
	errMemory   = errors.New("no memory left for bodies")
)

// fill reads the body into buf. One byte more than declared or allowed is
// asked for, so that the end is seen without a second allocation.
func (v *visit) fill(buf []byte, declared int64) ([]byte, error) {
	if need := int(max(declared, 0)) + 1; cap(buf) < need {
		buf = make([]byte, 0, need)
	}
	for {
		if len(buf) == cap(buf) {
			if !v.hold(chunk) {
				return buf, errMemory
			}
			buf = append(buf, make([]byte, chunk)...)[:len(buf)]
		}
		n, err := v.r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > v.hook.BodyLimit {
			return buf, errTooLarge
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// hold asks for n bytes of the memory budget.
func (v *visit) hold(n int64) bool {
	if v.rc.memory.Add(n) > v.rc.opts.BodyMemory {
		v.rc.memory.Add(-n)
		return false
	}
	v.held += n
	return true
}

// release gives back what the visit holds. It may be called again.
func (v *visit) release() {
	v.rc.memory.Add(-v.held)
	v.held = 0
	if v.body == nil || cap(v.body) > maxPooled {
		return
	}
	buf := v.body[:0]
	v.body = nil
	buffers.Put(&buf)
}

func (v *visit) tooLarge() answer {
	a := refuse(http.StatusRequestEntityTooLarge, problem{
		"body_too_large",
		"the body is over this hook's limit of " + strconv.FormatInt(v.hook.BodyLimit, 10) + " bytes",
		"raise body_limit of the hook if the sender is right",
	})
	a.close = true
	return a
}

// badType reports a Content-Type that no hook takes. None at all is text.
func badType(contentType string) bool {
	switch contentType {
	case "", "application/json", "application/x-www-form-urlencoded":
		return false
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err != nil && media == "" || strings.HasPrefix(media, "multipart/") || !strings.Contains(media, "/")
}
