package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/forebayhq/forebay/internal/egress"
)

const (
	codeRateLimited = "github_rate_limited"
	codeUnavailable = "github_unavailable"
	codeUnreachable = "github_unreachable"
)

// An Error is a call that failed. Codes:
//
//	github_unauthorized   401: the credential is wrong or has expired
//	github_forbidden      403: the credential may not do this
//	github_locked         403: the conversation is locked
//	github_not_found      404: no such thing, or not for this credential
//	github_not_installed  the App is not installed on the repository
//	github_moved          3xx: the repository was renamed or moved
//	github_gone           410: deleted, or issues are disabled
//	github_invalid        422 and other 4xx: GitHub does not take the request
//	github_rate_limited   403 or 429 of a rate limit; RetryAfter says until when
//	github_unavailable    5xx
//	github_unreachable    no answer; the effect of a write is not known
//	github_blocked        the address guard refused the destination
//	github_too_large      the answer passed its bound
//	github_bad_answer     the answer is not what GitHub documents
//	github_request        the request could not be made
type Error struct {
	Code       string
	Message    string
	Hint       string
	Status     int           // 0: there was no answer
	Permanent  bool          // no retry can help
	RetryAfter time.Duration // GitHub asked for it; zero: it did not
	Err        error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Outage reports that GitHub is in trouble or out of reach: the request is not to
// blame.
func (e *Error) Outage() bool { return e.Code == codeUnavailable || e.Code == codeUnreachable }

// unreachable sorts a request that got no whole answer.
func unreachable(ctx context.Context, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok { // of the credential
		return known
	}
	switch {
	case errors.Is(err, egress.ErrBlocked):
		return &Error{Code: "github_blocked", Message: egress.Detail(err), Hint: "list the address in egress.allow", Permanent: true, Err: err}
	case errors.Is(err, egress.ErrTooLarge):
		return &Error{Code: "github_too_large", Message: "GitHub's answer is larger than allowed", Permanent: true, Err: err}
	case ctx.Err() != nil:
		return &Error{Code: codeUnreachable, Message: "GitHub did not answer in time", Hint: wayHint, Err: ctx.Err()}
	}
	return &Error{Code: codeUnreachable, Message: "GitHub cannot be reached: " + egress.Detail(err), Hint: wayHint, Err: err}
}

// wayHint is for a request that never reached GitHub, as far as one can see.
const wayHint = "check the network, egress.proxy and github.api_url; the credential was not judged"

// refused sorts an answer that is not 2xx.
func (c *Client) refused(resp *http.Response) *Error {
	said := saying(resp.Body)
	e := &Error{Status: resp.StatusCode, Message: fmt.Sprintf("GitHub answered %d: %s", resp.StatusCode, said)}
	if wait, ok := limited(resp, said, time.Now()); ok {
		e.Code, e.RetryAfter = codeRateLimited, wait
		return e
	}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		e.Code, e.Hint = "github_unauthorized", "check github.token or github.app: it is wrong, revoked or expired"
	case status == http.StatusForbidden && strings.Contains(said, "locked"):
		e.Code, e.Permanent = "github_locked", true
	case status == http.StatusForbidden:
		e.Code, e.Hint = "github_forbidden", "give the credential access to pull requests and issues (read and write) and contents (read)"
	case status == http.StatusNotFound:
		e.Code, e.Permanent, e.Hint = "github_not_found", true, "check that it exists and that the credential covers the repository"
	case status == http.StatusGone:
		e.Code, e.Permanent = "github_gone", true
	case status >= 500 || status == http.StatusRequestTimeout:
		e.Code = codeUnavailable
		e.RetryAfter = RetryAfter(resp.Header, time.Now())
	case status >= 300 && status < 400:
		e.Code, e.Permanent, e.Hint = "github_moved", true, "the repository was renamed or moved: use its new name"
	default:
		e.Code, e.Permanent = "github_invalid", true
	}
	return e
}

// limited reports whether the answer is one of GitHub's rate limits, and how
// long to wait: retry-after, else the reset of an exhausted limit, else a
// minute.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func limited(resp *http.Response, said string, now time.Time) (time.Duration, bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	after := RetryAfter(resp.Header, now)
	spent := resp.Header.Get("X-RateLimit-Remaining") == "0"
	spoken := strings.Contains(said, "rate limit") || strings.Contains(said, "abuse detection")
	if resp.StatusCode == http.StatusForbidden && after == 0 && !spent && !spoken {
		return 0, false
	}
	if after > 0 {
		return after, true
	}
	if reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); spent && err == nil {
		return min(max(time.Unix(reset, 0).Sub(now), time.Second), maxWait), true
	}
	return time.Minute, true
}

// maxWait bounds what a header may ask for; GitHub's windows are an hour.
const maxWait = 2 * time.Hour

// RetryAfter reads the seconds or the date of a Retry-After header, at most two
// hours; zero if there is none. RFC 9110, 10.2.3.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseInt(text, 10, 32); err == nil && s > 0 {
		return min(time.Duration(s)*time.Second, maxWait)
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), maxWait)
	}
	return 0
}

// saying is what GitHub says about an error, short and without control
// characters: it ends up in logs and on screens.
func saying(body io.Reader) string {
	raw, _ := io.ReadAll(io.LimitReader(body, 16<<10)) // a message cut short is still a message
	var doc struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &doc) != nil || doc.Message == "" {
		return "no message"
	}
	clean := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, doc.Message)
	if len(clean) > 200 {
		clean = strings.ToValidUTF8(clean[:200], "") + "..."
	}
	return clean
}
