package ingest

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/payload"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// A visit is one request on its way through the receiver. It belongs to the
// goroutine that serves the request.
type visit struct {
	rc      *Receiver
	r       *http.Request
	now     time.Time
	name    string
	hook    *Hook
	body    []byte
	size    int        // bytes of the body, also once that is released
	held    int64      // bytes of the memory for requests
	large   int64      // bytes of that for large bodies
	ack     verify.Ack // what the sender demands to read
	verdict event.Verdict
	noted   bool // the verdicts are with the ledger already
}

// run takes the request from limit to answer.
func (v *visit) run() answer {
	if a, refused := v.admit(); refused {
		return a
	}
	if a, refused := v.read(); refused {
		return a
	}
	d, err := v.verify()
	if err != nil {
		if g := v.greeting(); g != nil {
			return v.greet(g)
		}
		return v.unverified(err)
	}
	if d.Ack != nil {
		v.ack = *d.Ack
	}
	v.verdict.Type, v.verdict.DeliveryID = bound(d.Type), bound(d.ID)
	if d.Answer != nil {
		return v.greet(d.Answer)
	}
	if d.Batch != nil {
		return v.batch(d)
	}
	e := v.event(d)
	if err := payload.CheckEvent(e); err != nil {
		return v.broken(err)
	}
	in := rule.NewInput(e)
	if reason, ok := v.match(in); !ok {
		return v.demanded(ignored(reason))
	}
	return v.accept(e, d, in)
}

// admit finds the hook and refuses what cannot be taken, before a byte of the
// body is read.
func (v *visit) admit() (answer, bool) {
	h, ok := v.rc.opts.Hooks[v.name]
	if !ok {
		return refuse(http.StatusNotFound, problem{"unknown_hook", "there is no such hook", "check the path against the hooks of the configuration"}), true
	}
	v.hook, v.ack = h, h.Ack
	if a := v.handshake(); a != nil {
		return v.greet(a), true
	}
	if !h.takes(v.r.Method) {
		a := refuse(http.StatusMethodNotAllowed, problem{"method_not_allowed", "this hook takes " + allow(h), "send the webhook with one of these methods"})
		a.header("Allow", allow(h))
		return a, true
	}
	if v.rc.closed.Load() {
		return v.unavailable("draining", "the server is stopping"), true
	}
	if enc := v.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return refuse(http.StatusUnsupportedMediaType, problem{"encoding_unsupported", "bodies with a Content-Encoding are not taken", "send the body as it was signed, not compressed"}), true
	}
	if badType(v.r.Header.Get("Content-Type")) {
		return refuse(http.StatusUnsupportedMediaType, problem{"content_type_unsupported", "the Content-Type is broken or multipart", "send JSON, a form or text"}), true
	}
	return answer{}, false
}

// handshake answers a request without a body, which carries no signature, by
// its sender's rules.
func (v *visit) handshake() *verify.Answer {
	if v.r.Method == http.MethodPost {
		return nil
	}
	return v.greeting()
}

// greeting asks whether the request is a handshake that comes before there is
// anything to sign with; nil: it is none. Its answer makes no job.
func (v *visit) greeting() *verify.Answer {
	g, ok := v.hook.Verifier.(verify.Greeter)
	if !ok {
		return nil
	}
	return g.Greet(v.request())
}

// request is what came, as the verifier reads it.
func (v *visit) request() verify.Request {
	return verify.Request{Method: v.r.Method, URL: v.url(), Header: v.r.Header, Body: v.body, Now: v.now}
}

// url is what the sender called: the configured URL with the query that came.
// The Host header is never trusted.
func (v *visit) url() string {
	if v.hook.PublicURL == "" {
		return v.r.URL.RequestURI()
	}
	if v.r.URL.RawQuery == "" || strings.Contains(v.hook.PublicURL, "?") {
		return v.hook.PublicURL
	}
	return v.hook.PublicURL + "?" + v.r.URL.RawQuery
}

// unverified answers a request whose signature does not hold. A key that could
// not be had is our fault, and the sender tries again.
func (v *visit) unverified(err error) answer {
	e, ok := errors.AsType[*verify.Error](err)
	if !ok {
		return v.unavailable("verification_failed", "the signature could not be checked")
	}
	status := e.Status()
	switch status {
	case http.StatusServiceUnavailable:
		return v.unavailable(e.Code, e.Message)
	case http.StatusUnauthorized:
		status = cmp.Or(v.ack.Refused, status)
	}
	a := refuse(status, problem{e.Code, e.Message, e.Hint})
	if v.ack.Silent {
		a.body = nil
	}
	return a
}

// broken answers signed JSON that is none.
func (v *visit) broken(err error) answer {
	if e, ok := errors.AsType[*payload.Error](err); ok {
		return refuse(http.StatusBadRequest, problem{e.Code, strings.TrimPrefix(e.Error(), e.Code+": "), e.Hint()})
	}
	return refuse(http.StatusBadRequest, problem{"invalid_json", err.Error(), "send a valid JSON document, or another Content-Type"})
}

// match asks the hook's rule. A rule that fails does not match, and says why.
func (v *visit) match(in *rule.Input) (reason string, ok bool) {
	if v.hook.Match == nil {
		return "", true
	}
	ok, err := v.hook.Match(in)
	if err != nil {
		return bound(err.Error()), false // it begins with its code
	}
	return "not_matched", ok
}

// accept stores the event and answers.
func (v *visit) accept(e event.Event, d verify.Delivery, in *rule.Input) answer {
	receipt, err := v.rc.opts.Ledger.Accept(v.storing(), v.order(e, d, in))
	if err != nil {
		return v.notStored(err)
	}
	return v.accepted(receipt)
}

// storing is the context of what is asked of the ledger. It does not end with the
// request: the event is here, whole and verified, and not every sender that hangs
// up, or closes its half of the connection, sends it again.
func (v *visit) storing() context.Context { return context.WithoutCancel(v.r.Context()) }

// order is what the ledger is asked for: the event, its dedupe keys, its job.
func (v *visit) order(e event.Event, d verify.Delivery, in *rule.Input) event.Accept {
	spec := v.hook.Choose(in)
	spec.ID = event.NewID(event.PrefixJob, v.now)
	if v.hook.Key != nil {
		spec.Coalesce = v.coalesce(in)
	}
	return event.Accept{
		Event:    e,
		Keys:     v.keys(d, in),
		Job:      spec,
		Now:      v.now,
		ForgetAt: v.now.Add(v.hook.Remember),
	}
}

// coalesce finds out what the event is folded into. An event whose key cannot
// be told is worked by itself: it matched, so it must not get lost.
func (v *visit) coalesce(in *rule.Input) *event.Coalesce {
	key, err := v.hook.Key(in)
	if err != nil {
		v.rc.opts.Log.Warn("event not coalesced", "hook", v.name, "error", err)
		return nil
	}
	return &event.Coalesce{Key: key, Quiet: v.hook.Quiet, MaxWait: v.hook.MaxWait}
}

// notStored answers when the ledger did not say that the event is on disk.
func (v *visit) notStored(err error) answer {
	switch {
	case errors.Is(err, event.ErrFull):
		return v.unavailable("store_full", "the queue or the disk is full")
	case errors.Is(err, event.ErrClosed):
		return v.unavailable("store_closed", "the store takes nothing now")
	}
	v.rc.opts.Log.Error("event not stored", "hook", v.name, "error", err)
	return v.unavailable("store_failed", "the event could not be stored")
}

// accepted answers a stored event, and waits for its result where the hook says
// so. A sender that demands words of its own gets those, and at once.
func (v *visit) accepted(rec event.Receipt) answer {
	if v.hook.Wait > 0 && !v.ack.Fixed() {
		v.release() // the ledger has the event: a wait holds no memory
		if body, ok := v.rc.opts.Await(v.r.Context(), rec.JobID, v.hook.Wait); ok {
			return v.demanded(answer{status: http.StatusOK, outcome: string(rec.Outcome), event: rec.EventID, job: rec.JobID, body: body})
		}
	}
	if rec.Outcome == event.Duplicate {
		return v.demanded(duplicate(rec))
	}
	return v.demanded(taken(rec))
}
