package claude

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
)

// failed turns an error of the SDK, of the network or of ours into a verdict.
func (p *reply) failed(err error, resp *http.Response, now time.Time) *Error {
	if api, ok := errors.AsType[*anthropic.Error](err); ok {
		f := fault{
			status: api.StatusCode, kind: string(api.Type()), code: string(api.ErrorCode()),
			text: api.Message, model: p.request.Model, now: now,
		}
		if f.status < http.StatusBadRequest {
			f.status = statusOf(f.kind) // an error event inside a stream that began with 200
		}
		return p.stamp(f.verdict(resp), resp, now)
	}
	if resp != nil && resp.StatusCode >= http.StatusBadRequest && !errors.Is(err, errTooLarge) {
		// The body of the error broke off; its status says enough.
		f := fault{status: resp.StatusCode, model: p.request.Model, now: now}
		return p.stamp(f.verdict(resp), resp, now)
	}
	e := p.local(err)
	e.Err, e.Doubtful = err, p.sent
	if p.sent && e.Hint == wayHint {
		e.Hint = sentHint
	}
	return p.stamp(e, resp, now)
}

// local judges a call that failed on our side or on the way.
func (p *reply) local(err error) *Error {
	switch {
	case errors.Is(err, errNoResponse):
		return &Error{Verdict: Retry, Code: CodeNoResponse, Message: err.Error(), Hint: wayHint}
	case errors.Is(err, errIdle):
		return &Error{Verdict: Retry, Code: CodeStreamIdle, Message: err.Error()}
	case errors.Is(err, errTimeout):
		return &Error{Verdict: Retry, Code: CodeCallTimeout, Message: err.Error(), Hint: "raise claude.timeout if answers take this long"}
	case errors.Is(err, errTooLarge), errors.Is(err, bufio.ErrTooLong):
		return &Error{
			Verdict: GiveUp, Code: CodeTooLarge, Message: errTooLarge.Error(),
			Hint: "check that claude.base_url leads to the Claude API",
		}
	case p.began, isSyntax(err):
		return &Error{Verdict: Retry, Code: CodeStreamTruncated, Message: oneLine("the stream broke off: " + reason(err))}
	}
	return &Error{Verdict: Retry, Code: CodeConnection, Message: oneLine("no response: " + reason(err)), Hint: wayHint}
}

// wayHint is for a request that never reached the API, as far as one can see.
const wayHint = "check the network, egress.proxy and claude.base_url; the key was not judged"

// sentHint is for one that left whole.
const sentHint = "check the network and egress.proxy; the request had left, so that it may have been billed"

// isSyntax reports whether an event could not be decoded.
func isSyntax(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	return syntax || kind
}

// reason is the text of a network error without the URL that was called: a
// base URL may hold a credential. An event that does not decode is not quoted.
func reason(err error) string {
	if isSyntax(err) {
		return "an event is not JSON"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}
