package deliver

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSaid bounds what is kept of a receiver's answer, in bytes.
const maxSaid = 200

// callbackRefused sorts an answer that is not 2xx.
func callbackRefused(resp *http.Response, now time.Time) *Error {
	e := &Error{Code: "callback_refused", Message: fmt.Sprintf("the receiver answered %d%s", resp.StatusCode, said(resp.Body))}
	switch status := resp.StatusCode; {
	case status >= 300 && status < 400:
		e.Code, e.Permanent = "redirect_refused", true
		e.Message = fmt.Sprintf("the receiver answered %d; redirects are refused: write the final URL", status)
	case status == http.StatusGone:
		e.Code, e.Permanent = "callback_gone", true
		e.Message = "the receiver answered 410: it wants no more"
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return e
}

// said is a short piece of the answer's text, or nothing.
func said(body io.Reader) string {
	raw, _ := io.ReadAll(io.LimitReader(body, 4*maxSaid)) // an answer cut short still says something
	text := strings.Join(strings.Fields(Redact(visible(string(raw)))), " ")
	if text == "" {
		return ""
	}
	return ": " + clip(text, maxSaid)
}

// retryAfter reads a Retry-After header, seconds or a date; zero: there is
// none, or none that makes sense.
func retryAfter(text string, now time.Time) time.Duration {
	if s, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
		if s <= 0 {
			return 0
		}
		return time.Duration(min(s, int64(longestWait/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), longestWait)
	}
	return 0
}
