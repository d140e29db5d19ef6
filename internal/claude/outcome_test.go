package claude

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// apiError is an error body.
func apiError(kind, message, code string) string {
	details := "null"
	if code != "" {
		details = `{"error_code":"` + code + `"}`
	}
	return `{"type":"error","error":{"details":` + details + `,"type":"` + kind + `","message":"` + message + `"},"request_id":"req_1"}`
}

// none is a wait that must not be there; retry-after is the header.
const none = -1

var limited = apiError("rate_limit_error", "This request would exceed your organization's rate limit of 30,000 input tokens per minute", "")

// TestStatuses sorts every answer that is not a 200.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		header  string // "Name: value", several by ';;'
		verdict Verdict
		code    string
		wait    time.Duration
	}{
		{"rate limit, seconds", 429, limited, "Retry-After: 7", WaitLane, CodeRateLimited, 7 * time.Second},
		{"rate limit, fraction", 429, limited, "Retry-After: 2.5", WaitLane, CodeRateLimited, 2500 * time.Millisecond},
		{"rate limit, milliseconds first", 429, limited, "Retry-After: 7;;Retry-After-Ms: 1500", WaitLane, CodeRateLimited, 1500 * time.Millisecond},
		{"rate limit, zero", 429, limited, "Retry-After: 0", WaitLane, CodeRateLimited, time.Second},
		{"rate limit, negative", 429, limited, "Retry-After: -1", WaitLane, CodeRateLimited, time.Second},
		{"rate limit, an hour", 429, limited, "Retry-After: 3600", WaitLane, CodeRateLimited, time.Hour},
		{"rate limit, huge", 429, limited, "Retry-After: 99999999999999999999", WaitLane, CodeRateLimited, time.Hour},
		{"rate limit, NaN", 429, limited, "Retry-After: NaN", WaitLane, CodeRateLimited, pauseUnsaid},
		{"rate limit, garbage", 429, limited, "Retry-After: soon", WaitLane, CodeRateLimited, pauseUnsaid},
		{"rate limit, absent", 429, limited, "", WaitLane, CodeRateLimited, pauseUnsaid},
		{"rate limit, date long ago", 429, limited, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", WaitLane, CodeRateLimited, time.Second},
		{"rate limit, date far off", 429, limited, "Retry-After: Wed, 21 Oct 2099 07:28:00 GMT", WaitLane, CodeRateLimited, time.Hour},
		{"rate limit, told not to retry", 429, limited, "Retry-After: 5;;X-Should-Retry: false", WaitLane, CodeRateLimited, 5 * time.Second},
		{"rate limit, HTML", 429, "<html>slow down</html>", "Retry-After: 5", WaitLane, CodeRateLimited, 5 * time.Second},
		{"ramp limit", 429, apiError("rate_limit_error", "Usage grew too fast", "ramp_limit_exceeded"), "Retry-After: 9", WaitLane, CodeRampLimited, 9 * time.Second},
		{"own limit", 400, apiError("invalid_request_error", "You have reached your specified API usage limits.", ""), "", WaitLane, CodeOwnSpendLimit, pauseSpend},
		{"own workspace limit", 400, apiError("invalid_request_error", "You have reached your specified workspace API usage limits.", ""), "Retry-After: 1", WaitLane, CodeOwnSpendLimit, pauseSpend},
		{"on hold", 400, apiError("invalid_request_error", "On hold", "organization_on_hold"), "", WaitLane, CodeOnHold, pauseSpend},
		{"on hold by 403", 403, apiError("permission_error", "On hold", "organization_on_hold"), "", WaitLane, CodeOnHold, pauseSpend},
		{"key", 401, apiError("authentication_error", "invalid x-api-key", ""), "", WaitLane, CodeUnauthorized, pauseAccount},
		{"billing", 402, apiError("billing_error", "pay", ""), "", WaitLane, CodeBilling, pauseAccount},
		{"permission", 403, apiError("permission_error", "no", ""), "", WaitLane, CodeForbidden, pauseAccount},
		{"bad request", 400, apiError("invalid_request_error", "max_tokens: too large", ""), "", GiveUp, CodeInvalidRequest, none},
		{"bad request, told to retry", 400, apiError("invalid_request_error", "x", ""), "X-Should-Retry: true", Retry, CodeInvalidRequest, none},
		{"prompt too long", 400, apiError("invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum", ""), "", GiveUp, CodeContextOverflow, none},
		{"prompt and answer too long", 400, apiError("invalid_request_error", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", ""), "", GiveUp, CodeContextOverflow, none},
		{"model", 404, apiError("not_found_error", "model: claude-haiku-9", ""), "", FallBack, CodeModelNotFound, none},
		{"not the API", 404, "<html>nothing here</html>", "", WaitLane, CodeNotTheAPI, pauseAccount},
		{"a proxy that wants to know who asks", 407, "<html>who are you</html>", "", WaitLane, CodeNotTheAPI, pauseAccount},
		{"another server", 421, "", "", WaitLane, CodeNotTheAPI, pauseAccount},
		{"too large, JSON", 413, apiError("request_too_large", "too large", ""), "", GiveUp, CodeRequestTooLarge, none},
		{"too large, HTML", 413, "<html>cloudflare</html>", "", GiveUp, CodeRequestTooLarge, none},
		{"method", 405, "", "", WaitLane, CodeNotTheAPI, pauseAccount},
		{"method, says the API", 405, apiError("invalid_request_error", "Method Not Allowed", ""), "", GiveUp, CodeInvalidRequest, none},
		{"unprocessable", 422, "{}", "", GiveUp, CodeInvalidRequest, none},
		{"request timeout", 408, "", "", Retry, CodeTimeout, none},
		{"conflict", 409, apiError("conflict_error", "busy", ""), "", Retry, CodeConflict, none},
		{"internal", 500, apiError("api_error", "Internal server error", ""), "", Retry, CodeServerError, none},
		{"internal, told not to retry", 500, apiError("api_error", "x", ""), "X-Should-Retry: false", GiveUp, CodeServerError, none},
		{"internal, with retry-after", 503, "", "Retry-After: 20", Retry, CodeServerError, 20 * time.Second},
		{"bad gateway", 502, "<html>", "", Retry, CodeServerError, none},
		{"unavailable", 503, apiError("cmek_unavailable_error", "key", ""), "", Retry, CodeServerError, none},
		{"gateway timeout", 504, apiError("timeout_error", "took too long", ""), "", Retry, CodeTimeout, none},
		{"overloaded", 529, apiError("overloaded_error", "Overloaded", ""), "X-Should-Retry: true", Retry, CodeOverloaded, none},
		{"overloaded, told not to retry", 529, apiError("overloaded_error", "Overloaded", ""), "X-Should-Retry: false", Retry, CodeOverloaded, none},
		{"overloaded, by type", 503, apiError("overloaded_error", "Overloaded", ""), "Retry-After: 3", Retry, CodeOverloaded, 3 * time.Second},
		{"cloudflare", 522, "<html>", "", Retry, CodeServerError, none},
		{"empty body", 500, "", "", Retry, CodeServerError, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Request-Id", "req_1")
				for line := range strings.SplitSeq(tt.header, ";;") {
					if name, value, ok := strings.Cut(line, ": "); ok {
						w.Header().Set(name, value)
					}
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			})
			from := time.Now()
			e := fails(t, s.client(t, Options{}), ask)
			if e.Verdict != tt.verdict || e.Code != tt.code || e.Status != tt.status {
				t.Errorf("got verdict %d, code %s, status %d; want %d, %s, %d", e.Verdict, e.Code, e.Status, tt.verdict, tt.code, tt.status)
			}
			if !within(e.Until, from, time.Now(), tt.wait) {
				t.Errorf("until is %s away, want %s", e.Until.Sub(from), tt.wait)
			}
			if e.RequestID != "req_1" || e.Message == "" || strings.Contains(e.Message, "<html>") {
				t.Errorf("request id %q, message %q", e.RequestID, e.Message)
			}
			if n := len(s.requests); n != 1 {
				t.Errorf("%d requests left, want 1", n)
			}
			if e.Usage.Prompt() != 0 || e.Usage.BilledAsEstimate {
				t.Errorf("usage %+v of a refused request", e.Usage)
			}
		})
	}
}

// TestSpendCap pauses until the date in the message, else to the next month.
func TestSpendCap(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 25, 11, 0, 0, 0, time.UTC)
	january := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, text, code, want string
		status                 int
		until                  time.Time
	}{
		{"tier cap", "You have reached your API usage limits: ... You will regain access on 2027-01-01 at 00:00 UTC.", "enforced_spend_limit_reached", CodeSpendCap, 429, january},
		{"contract", "no date here", "contract_spend_limit_reached", CodeSpendCap, 429, january},
		{"without its code", "You have reached your API usage limits: x", "", CodeSpendCap, 429, january},
		{"another date", "You will regain access on 2026-12-28 at 06:30 UTC.", "enforced_spend_limit_reached", CodeSpendCap, 429, time.Date(2026, 12, 28, 6, 30, 0, 0, time.UTC)},
		{"a date long ago", "You will regain access on 2020-01-01 at 00:00 UTC.", "enforced_spend_limit_reached", CodeSpendCap, 429, january},
		{"an absurd date", "You will regain access on 9999-01-01 at 00:00 UTC.", "enforced_spend_limit_reached", CodeSpendCap, 429, january},
		{"a broken date", "You will regain access on 2027-13-01 at 00:00 UTC.", "enforced_spend_limit_reached", CodeSpendCap, 429, january},
		{"own limit with date", "You have reached your specified API usage limits. You will regain access on 2027-01-01 at 00:00 UTC.", "", CodeOwnSpendLimit, 400, january},
	} {
		f := fault{status: tt.status, kind: "rate_limit_error", code: tt.code, text: tt.text, now: now}
		e := f.verdict(nil)
		if e.Verdict != WaitLane || e.Code != tt.want || !e.Until.Equal(tt.until) {
			t.Errorf("%s: got %d %s until %s, want %s until %s", tt.name, e.Verdict, e.Code, e.Until, tt.want, tt.until)
		}
	}
}

// TestEventErrors sorts errors that come inside a stream that began with 200.
func TestEventErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, data string
		verdict    Verdict
		code       string
	}{
		{"overloaded", apiError("overloaded_error", "Overloaded", ""), Retry, CodeOverloaded},
		{"internal", apiError("api_error", "x", ""), Retry, CodeServerError},
		{"rate limit", apiError("rate_limit_error", "x", ""), WaitLane, CodeRateLimited},
		{"invalid", apiError("invalid_request_error", "x", ""), GiveUp, CodeInvalidRequest},
		{"key", apiError("authentication_error", "x", ""), WaitLane, CodeUnauthorized},
		{"timeout", apiError("timeout_error", "x", ""), Retry, CodeTimeout},
		{"not found", apiError("not_found_error", "x", ""), FallBack, CodeModelNotFound},
		{"too large", apiError("request_too_large", "x", ""), GiveUp, CodeRequestTooLarge},
		{"billing", apiError("billing_error", "x", ""), WaitLane, CodeBilling},
		{"permission", apiError("permission_error", "x", ""), WaitLane, CodeForbidden},
		{"conflict", apiError("conflict_error", "x", ""), Retry, CodeConflict},
		{"a new type", apiError("quantum_error", "x", ""), Retry, CodeServerError},
		{"not JSON", "gone", Retry, CodeServerError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				sse(w, start, begin, say("abcdef"))
				_, _ = w.Write([]byte("event: error\ndata: " + tt.data + "\n\n"))
			})
			e := fails(t, s.client(t, Options{}), ask)
			if e.Verdict != tt.verdict || e.Code != tt.code {
				t.Errorf("got %d %s, want %d %s", e.Verdict, e.Code, tt.verdict, tt.code)
			}
			if e.Status != 200 || e.Usage.InputTokens != 400 || !e.Usage.BilledAsEstimate {
				t.Errorf("status %d, usage %+v: want what was seen before the cut", e.Status, e.Usage)
			}
		})
	}
}

func TestNotFoundSaysWhatToUse(t *testing.T) {
	t.Parallel()
	f := fault{status: 404, kind: "not_found_error", text: "model: x", model: "claude-sonnet-4-5", now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	got := f.verdict(nil).Hint
	if want := "claude-sonnet-4-5 is retired and no longer answers; use claude-sonnet-5-5"; got != want {
		t.Errorf("hint %q, want %q", got, want)
	}
}

func TestMessagesAreOneBoundedLine(t *testing.T) {
	t.Parallel()
	hostile := "a\r\nb\x1b[31m\u2028\u0085" + strings.Repeat("é", 1000)
	got := oneLine(hostile)
	if n := len([]rune(got)); n > 300 || !strings.HasPrefix(got, "a b [31m é") || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d characters: %q", n, got)
	}
	if got := oneLine("  short \n"); got != "short" {
		t.Errorf("got %q", got)
	}
}
