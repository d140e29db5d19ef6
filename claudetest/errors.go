package claudetest

import (
	"net/http"
	"strconv"
)

// An apiError is an answer of the error catalogue,
// https://platform.claude.com/docs/en/api/errors.
type apiError struct {
	status     int
	kind       string // error.type
	message    string
	code       string // error.details.error_code
	retryAfter string // the header as it is sent; empty sends none
	retry      bool   // send x-should-retry: true
	html       bool   // a proxy in front answers, in HTML and without a request id
}

func invalid(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "invalid_request_error", message: message}
}

func notFound(message string) *apiError {
	return &apiError{status: http.StatusNotFound, kind: "not_found_error", message: message}
}

func unauthorized(message string) *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: "authentication_error", message: message}
}

// tooLarge is what the proxy in front of the API says to a body over its limit.
func tooLarge() *apiError {
	return &apiError{status: http.StatusRequestEntityTooLarge, kind: "request_too_large", html: true}
}

func rateLimited(message string, seconds int64) *apiError {
	return &apiError{
		status: http.StatusTooManyRequests, kind: "rate_limit_error", message: message,
		retryAfter: strconv.FormatInt(seconds, 10), retry: true,
	}
}

// body is the JSON of the error, as a response and as a line of a batch.
func (e *apiError) body(requestID string) []byte {
	var details any
	if e.code != "" {
		details = map[string]string{"error_code": e.code}
	}
	out := struct {
		Type  string `json:"type"`
		Error any    `json:"error"`
		ID    string `json:"request_id,omitempty"`
	}{Type: "error", Error: struct {
		Details any    `json:"details"`
		Type    string `json:"type"`
		Message string `json:"message"`
	}{details, e.kind, e.message}, ID: requestID}
	return mustJSON(out)
}

const tooLargePage = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n" +
	"<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"

// fail writes the error as the response.
func (x *exchange) fail(e *apiError) {
	h := x.w.Header()
	x.call.Status, x.call.ErrorType = e.status, e.kind
	if e.html {
		h.Del("Request-Id")
		h.Set("Content-Type", "text/html")
		x.w.WriteHeader(e.status)
		x.write([]byte(tooLargePage))
		return
	}
	h.Set("Content-Type", "application/json")
	if e.retry {
		h.Set("X-Should-Retry", "true")
	}
	if e.retryAfter != "" {
		h.Set("Retry-After", e.retryAfter)
	}
	x.w.WriteHeader(e.status)
	x.write(e.body(x.call.RequestID))
}
