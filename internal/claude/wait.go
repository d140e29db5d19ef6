package claude

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A server's word on when to come back is believed within these bounds.
const (
	shortestWait = time.Second
	longestWait  = time.Hour
)

// heed lets retry-after decide when a rate-limited lane goes on, and keeps a
// retry from coming before it. Spend caps and account faults have their own
// dates.
func heed(e *Error, h http.Header, now time.Time) {
	wait, ok := retryAfter(h, now)
	if !ok {
		return
	}
	switch {
	case e.Code == CodeRateLimited, e.Code == CodeRampLimited, e.Verdict == Retry:
		e.Until = now.Add(wait)
	}
}

// retryAfter reads retry-after-ms and retry-after: seconds, which may be
// fractional, or an HTTP date (RFC 9110, 10.2.3). The answer is bounded; one
// that cannot be read is none.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if wait, ok := number(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return wait, true
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if wait, ok := number(text, time.Second); ok {
		return wait, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), shortestWait), longestWait), true
	}
	return 0, false
}

// number reads a decimal number of units.
func number(text string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n != n { // not a number, or the one called NaN
		return 0, false
	}
	n = min(max(n*float64(unit), float64(shortestWait)), float64(longestWait))
	return time.Duration(n), true
}
