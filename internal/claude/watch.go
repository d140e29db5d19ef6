package claude

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// A watch cuts one call that hangs: that gets no response, whose stream falls
// silent, that takes too long or sends too much.
//
// It belongs to the goroutine that makes the call; only the fuse that cancels
// the context burns elsewhere, and what the transport tells of its writing.
type watch struct {
	cancel context.CancelCauseFunc
	cause  func() error // why the call was cut, nil while it was not
	stop   func()
	fuse   fuse
	idle   time.Duration
	limit  int64          // bytes of a good response
	resp   *http.Response // nil until one came

	wrote atomic.Bool // the request's head at least
	stuck atomic.Bool // but not all of it
}

// watch starts watching a call, which must use the context that it returns. The
// caller must call stop.
func (c *Client) watch(parent context.Context) (context.Context, *watch) {
	bounded, release := context.WithTimeoutCause(parent, c.timeout, errTimeout)
	ctx, cancel := context.WithCancelCause(bounded)
	w := &watch{cancel: cancel, idle: c.idle, limit: maxStream}
	w.cause = func() error { return context.Cause(ctx) }
	w.fuse.blow = cancel
	w.fuse.light(3*c.idle, errNoResponse)
	w.stop = func() {
		w.fuse.putOut()
		cancel(nil)
		release()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { w.wrote.Store(true) },
		WroteRequest: func(i httptrace.WroteRequestInfo) { w.stuck.Store(i.Err != nil) },
	}), w
}

// sent reports whether the request may have reached the API whole: there was a
// connection, and writing to it did not fail.
func (w *watch) sent() bool { return w.resp != nil || w.wrote.Load() && !w.stuck.Load() }

// responded sees the response's headers: from here on silence is measured
// while its body is read, between the lines.
func (w *watch) responded(resp *http.Response) {
	w.resp = resp
	w.fuse.putOut()
	limit := w.limit
	if resp.StatusCode != http.StatusOK {
		limit = maxReply
	}
	resp.Body = &watchedBody{body: resp.Body, watch: w, left: limit}
}

// headers returns the response's headers, nil if none came.
func (w *watch) headers() http.Header {
	if w.resp == nil {
		return nil
	}
	return w.resp.Header
}

// explain returns the reason of ours for which err happened, or err.
func (w *watch) explain(err error) error {
	switch cause := w.cause(); {
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.Is(cause, errNoResponse), errors.Is(cause, errIdle), errors.Is(cause, errTimeout):
		return cause
	default:
		return err
	}
}

// A watchedBody is a response body that the watch counts and times.
type watchedBody struct {
	body   io.ReadCloser
	watch  *watch
	left   int64
	silent time.Duration // waited for the line that is not whole yet
}

// Read reads on, and takes each finished line as a sign of life: a server that
// drips single bytes gives none. Only the wait for the server counts: what its
// reader does between two reads, and be it a write to a store that hangs, is no
// silence of the API.
func (b *watchedBody) Read(p []byte) (int, error) {
	began := time.Now()
	b.watch.fuse.light(b.watch.idle-b.silent, errIdle)
	n, err := b.body.Read(p)
	b.watch.fuse.putOut()
	if b.silent += time.Since(began); b.silent > b.watch.idle {
		b.silent = 0 // and it was not cut: this process slept
	}
	if bytes.IndexByte(p[:n], '\n') >= 0 {
		b.silent = 0
	}
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// Close closes the body.
func (b *watchedBody) Close() error { return b.body.Close() }
