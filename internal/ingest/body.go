package ingest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"
)

// perVisit is what a request takes besides its body until it is answered:
// stacks, headers, what the ledger is asked for.
const perVisit = 16 << 10

// read takes the body, bounded in length whether that is declared or not, and
// all requests together bounded in memory.
func (v *visit) read() (answer, bool) {
	limit, declared := v.hook.BodyLimit, v.r.ContentLength
	if declared > limit {
		return v.tooLarge(), true
	}
	first := maxPooled
	if declared >= 0 && declared < maxPooled {
		first = pooledSize(int(declared) + 1) // one more, so that the end is seen
	}
	if !v.hold(&v.held, v.rc.memory, perVisit+int64(first)) {
		return v.crowded(), true
	}
	body, err := v.fill(v.rc.buffers.get(first))
	v.body, v.size = body, len(body)
	switch {
	case errors.Is(err, errTooLarge):
		return v.tooLarge(), true
	case errors.Is(err, errMemory):
		return v.crowded(), true
	case err != nil:
		return refuse(http.StatusBadRequest, problem{"body_incomplete", "the body did not arrive whole", "send it again"}), true
	}
	return answer{}, false
}

var (
	errTooLarge = errors.New("body too large")
	errMemory   = errors.New("no memory left for bodies")
)

// fill reads the body into buf, which it owns.
func (v *visit) fill(buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			var ok bool
			if buf, ok = v.grow(buf); !ok {
				return buf, errMemory
			}
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

// grow doubles a buffer that is full, up to what may come and one byte more.
// The memory for all of that is asked for at once, when the body has shown by
// its first part that it comes: claims alone take none, and no two bodies wait
// for what the other holds.
func (v *visit) grow(full []byte) ([]byte, bool) {
	most := v.hook.BodyLimit
	if declared := v.r.ContentLength; declared >= 0 {
		most = declared
	}
	most = max(most, int64(cap(full))) + 1
	if v.large == 0 && !v.hold(&v.large, v.rc.large, most) {
		return full, false
	}
	buf := append(make([]byte, 0, min(2*int64(cap(full)), most)), full...)
	v.rc.buffers.put(full)
	return buf, true
}

// hold asks for n bytes of memory and waits a little for them: what waits is in
// the network's buffers meanwhile. held counts what the visit has.
func (v *visit) hold(held *int64, of *semaphore.Weighted, n int64) bool {
	if !of.TryAcquire(n) {
		ctx, cancel := context.WithTimeout(v.r.Context(), v.rc.opts.MemoryWait)
		defer cancel()
		if of.Acquire(ctx, n) != nil {
			return false
		}
	}
	*held += n
	return true
}

// release gives back what the visit holds. It may be called again. The body's
// bytes are ours from the read until here: the ledger keeps no reference.
func (v *visit) release() {
	if v.body != nil {
		v.rc.buffers.put(v.body)
		v.body = nil
	}
	v.rc.memory.Release(v.held)
	v.rc.large.Release(v.large)
	v.held, v.large = 0, 0
}

// crowded refuses a request that there is no memory for.
func (v *visit) crowded() answer {
	a := v.unavailable("receiving_too_much", "too many requests are being received at once")
	a.close = true
	return a
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
