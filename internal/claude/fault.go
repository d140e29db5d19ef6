package claude

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/forebayhq/forebay/internal/catalog"
)

// A fault is an error that the API answered, as a status or inside a stream
// (https://platform.claude.com/docs/en/api/errors).
type fault struct {
	status int
	kind   string // error.type
	code   string // error.details.error_code
	text   string // error.message
	model  string
	now    time.Time
}

// statusOf is the status that goes with an error type. Inside a stream there is
// no other.
func statusOf(kind string) int {
	switch kind {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "conflict_error":
		return http.StatusConflict
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "timeout_error":
		return http.StatusGatewayTimeout
	case "overloaded_error":
		return statusOverloaded
	}
	return http.StatusInternalServerError
}

// statusOverloaded has no name in net/http.
const statusOverloaded = 529

// verdict judges the fault and heeds the server's own word on whether a retry
// can help: x-should-retry.
func (f fault) verdict(resp *http.Response) *Error {
	e := f.judge()
	if e.Message == "" {
		e.Message = f.words()
	}
	if resp == nil || e.Verdict == WaitLane {
		return e
	}
	switch word := resp.Header.Get("X-Should-Retry"); {
	case word == "true" && e.Verdict == GiveUp:
		e.Verdict = Retry
	case word == "false" && e.Verdict == Retry && !e.Overloaded():
		e.Verdict = GiveUp
	}
	return e
}

// judge sorts by cause, then by status.
func (f fault) judge() *Error {
	switch {
	case f.code == "organization_on_hold":
		return f.onHold()
	case f.status == http.StatusTooManyRequests:
		return f.limited()
	case f.status == http.StatusBadRequest && ownLimit(f.text):
		return f.ownSpendLimit()
	case f.status == statusOverloaded, f.kind == "overloaded_error":
		return &Error{
			Verdict: Retry, Code: CodeOverloaded,
			Hint: "nothing to do; a fallback model takes the job meanwhile if the hook has one",
		}
	case f.status >= http.StatusInternalServerError:
		return f.serverError()
	}
	return f.clientError()
}

// serverError is a failure on their side.
func (f fault) serverError() *Error {
	if f.status == http.StatusGatewayTimeout {
		return &Error{Verdict: Retry, Code: CodeTimeout}
	}
	return &Error{Verdict: Retry, Code: CodeServerError}
}

// clientError is a request that was refused for what it is, for who sent it, or
// for where it was sent.
func (f fault) clientError() *Error {
	if f.notTheAPI() {
		return f.elsewhere()
	}
	switch f.status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return f.accountError()
	case http.StatusNotFound:
		return f.notFound()
	case http.StatusRequestTimeout:
		return &Error{Verdict: Retry, Code: CodeTimeout}
	case http.StatusConflict:
		return &Error{Verdict: Retry, Code: CodeConflict}
	case http.StatusRequestEntityTooLarge:
		return &Error{
			Verdict: GiveUp, Code: CodeRequestTooLarge, Message: "the request is larger than the API takes (32 MB)",
			Hint: "make the prompt smaller: lower the budget of its gathered parts",
		}
	}
	if overflows(f.text) {
		return &Error{
			Verdict: GiveUp, Code: CodeContextOverflow,
			Hint: "make the prompt smaller, lower max_tokens, or use a model with a larger context window",
		}
	}
	return &Error{Verdict: GiveUp, Code: CodeInvalidRequest, Hint: "the API refuses this request whenever it is sent; see the message"}
}

// overflows recognises the texts by which the API says that a prompt is too
// long; there is no code for it.
func overflows(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "prompt is too long") || strings.Contains(text, "exceed context limit") ||
		strings.Contains(text, "exceeds the context window") || strings.Contains(text, "input is too long")
}

// notFound is a model that is not there.
func (f fault) notFound() *Error {
	e := &Error{Verdict: FallBack, Code: CodeModelNotFound}
	if notice, _, known := catalog.Retirement(f.model, f.now); known {
		e.Hint = notice
	} else {
		e.Hint = fmt.Sprintf("check the model id %q; forebay doctor lists what the account may call", f.model)
	}
	return e
}

// notTheAPI reports an answer that is not in the API's words and says that the
// address, or the way to it, is wrong: that of a proxy, or of another server.
func (f fault) notTheAPI() bool {
	switch f.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusMisdirectedRequest:
		return f.kind == ""
	}
	return false
}

// words are the API's own, made safe, or the name of the status where it said
// nothing that can be read (a page of a proxy).
func (f fault) words() string {
	if f.text != "" {
		return oneLine(f.text)
	}
	if name := http.StatusText(f.status); name != "" {
		return fmt.Sprintf("the API answered %d %s", f.status, name)
	}
	return fmt.Sprintf("the API answered %d", f.status)
}

// oneLine bounds text from outside: printable, one line, 300 characters.
func oneLine(text string) string {
	const most = 300
	var b strings.Builder
	n, space := 0, false
	for _, r := range text {
		if r <= ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || (r >= 0x80 && r < 0xa0) {
			space = b.Len() > 0
			continue
		}
		if n >= most-1 {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
