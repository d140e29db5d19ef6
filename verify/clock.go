package verify

import (
	"net/http"
	"time"
)

// Units of a timestamp.
const (
	unitSeconds = "s"
	unitMillis  = "ms"
	unitRFC3339 = "rfc3339"
	unitHTTP    = "http" // Thu, 09 Oct 2025 08:53:20 GMT
	unitAny     = "any"  // told apart by shape: seconds, milliseconds or RFC 3339
)

// parseTimestamp reads a timestamp strictly: digits alone, at most 12 of
// seconds or 15 of milliseconds, no sign, no space.
func parseTimestamp(text, unit string) (time.Time, bool) {
	switch unit {
	case unitRFC3339:
		t, err := time.Parse(time.RFC3339, text)
		return t, err == nil && len(text) <= 40
	case unitHTTP:
		t, err := http.ParseTime(text)
		return t, err == nil && len(text) <= 40
	case unitAny:
		return parseTimestamp(text, shapeOf(text))
	case unitMillis:
		n, ok := digits(text, 15)
		return time.UnixMilli(n), ok
	default:
		n, ok := digits(text, 12)
		return time.Unix(n, 0), ok
	}
}

// shapeOf tells seconds (11 digits last until the year 5138) from milliseconds
// (12 digits began in 1973) and both from RFC 3339.
func shapeOf(text string) string {
	switch _, ok := digits(text, 15); {
	case !ok:
		return unitRFC3339
	case len(text) > 11:
		return unitMillis
	default:
		return unitSeconds
	}
}

func digits(text string, most int) (int64, bool) {
	if text == "" || len(text) > most {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, true
}

// formatTimestamp is the inverse of parseTimestamp.
func formatTimestamp(t time.Time, unit string) string {
	switch unit {
	case unitRFC3339:
		return t.UTC().Format(time.RFC3339)
	case unitHTTP:
		return t.UTC().Format(http.TimeFormat)
	case unitMillis:
		return itoa(t.UnixMilli())
	default:
		return itoa(t.Unix())
	}
}

// within reports whether t is at most tolerance before or after now. Both are
// bounded by parseTimestamp, so that the difference in seconds cannot overflow;
// a time.Duration could.
func within(t, now time.Time, tolerance time.Duration) bool {
	skew := now.Unix() - t.Unix()
	if skew < 0 {
		skew = -skew
	}
	return skew <= int64(tolerance/time.Second)
}

// stale is the error of a timestamp that is not within.
func stale(t, now time.Time, tolerance time.Duration) *Error {
	skew := now.Unix() - t.Unix()
	side := " s old"
	if skew < 0 {
		skew, side = -skew, " s in the future"
	}
	return refuse(CodeTimestampOutOfTolerance,
		"the signed timestamp is "+itoa(skew)+side+"; the limit is "+itoa(int64(tolerance/time.Second))+" s", hintClock)
}
