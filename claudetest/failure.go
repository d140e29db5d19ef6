package claudetest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Kind names one way in which a call can go wrong.
type Kind string

// Failures of the connection. In those that begin a stream, [Failure.After]
// says how much text comes first; the work is charged all the same.
const (
	Hang           Kind = "hang"               // no byte at all until the client gives up
	CutBeforeReply Kind = "cut_before_headers" // the connection is closed without an answer
	Stall          Kind = "stall"              // status 200, then silence
	Cut            Kind = "cut"                // the connection is closed in the middle of the body
	CleanEOF       Kind = "clean_eof"          // the body ends properly, but without message_stop
	DropBody       Kind = "drop_body"          // headers only, then the connection is closed; the work was done and is billed
	Trickle        Kind = "trickle"            // a few bytes at a time, one piece each [Failure.Delay]
)

// Surprises in a stream that is otherwise in order.
const (
	ErrorEvent        Kind = "error_event"         // event: error of [Failure.Type], then the end
	UnknownEvent      Kind = "unknown_event"       // an event type that no client knows yet
	UnknownStopReason Kind = "unknown_stop_reason" // a stop_reason that no client knows yet
	EmptyObject       Kind = "empty_object"        // status 200 and the body {}
	HTML              Kind = "html"                // status 200 and a page of HTML
)

// Error answers, https://platform.claude.com/docs/en/api/errors.
const (
	BadRequest     Kind = "invalid_request"      // 400
	OwnLimit       Kind = "own_limit"            // 400, the limit that the organisation set itself
	WorkspaceLimit Kind = "workspace_limit"      // 400, the limit that was set for the workspace
	OnHold         Kind = "organization_on_hold" // 400
	Unauthorized   Kind = "unauthorized"         // 401
	Billing        Kind = "billing"              // 402
	Forbidden      Kind = "forbidden"            // 403
	NotFound       Kind = "not_found"            // 404
	Conflict       Kind = "conflict"             // 409
	TooLarge       Kind = "too_large"            // 413 in HTML, from a proxy in front
	RateLimited    Kind = "rate_limited"         // 429; the header is [Failure.RetryAfter]
	RampLimited    Kind = "ramp_limited"         // 429, ramp_limit_exceeded
	SpendCap       Kind = "spend_cap"            // 429, enforced_spend_limit_reached: no retry-after, until next month
	ContractCap    Kind = "contract_cap"         // 429, contract_spend_limit_reached: no retry-after
	ServerError    Kind = "server_error"         // 500
	Unavailable    Kind = "unavailable"          // 503
	Timeout        Kind = "timeout"              // 504
	Overloaded     Kind = "overloaded"           // 529, without retry-after
	Status         Kind = "status"               // whatever Status, Type, Message and Code say
)

// Answers with status 200 that are not what was asked for.
const (
	Refusal          Kind = "refusal"            // declined before a word was written
	RefusalMidStream Kind = "refusal_mid_stream" // declined after some text
	ThinkingOnly     Kind = "thinking_only"      // max_tokens went into thinking; no text
	MaxTokens        Kind = "max_tokens"         // the text is cut off
	ContextWindow    Kind = "context_window"     // cut off by model_context_window_exceeded
	Empty            Kind = "empty"              // end_turn and no content
	PauseTurn        Kind = "pause_turn"         // the turn is to be continued
	Huge             Kind = "huge"               // a text of [Failure.Bytes] bytes, whatever max_tokens says
)

// Expired is for requests of a batch: the day ended before their turn.
const Expired Kind = "expired"

// A Failure is one thing going wrong. Fields that a kind does not name are
// ignored by it.
type Failure struct {
	Kind Kind
	// RetryAfter is the header of an error answer, as it is sent: "7", "0",
	// "-3", "soon", a date in [http.TimeFormat]. Empty sends none.
	RetryAfter string
	// Delay comes before an error answer; with [Trickle] it lies between pieces
	// (0: 100 ms).
	Delay time.Duration
	// After is how many pieces of text a stream sends before it fails. 0: it
	// fails right behind message_start.
	After int
	// Bytes is the size of a [Huge] text. 0: 4 MiB.
	Bytes int
	// Status, Type, Message and Code replace those of an error answer; Type is
	// also that of an [ErrorEvent] (empty: overloaded_error).
	Status  int
	Type    string
	Message string
	Code    string
	// Category is that of a refusal: cyber, bio, ... Empty: general_harms.
	Category string
	// Times bounds how often a failure that a request chose for itself happens
	// to the same body. 0: always.
	Times int
}

// failed returns the error answer that a kind stands for, or nil for a kind
// that is no error answer.
func (f *Failure) failed(now time.Time) *apiError {
	e := f.catalogue(now)
	if e == nil {
		return nil
	}
	if f.Status != 0 {
		e.status = f.Status
	}
	if f.Type != "" {
		e.kind = f.Type
	}
	if f.Message != "" {
		e.message = f.Message
	}
	if f.Code != "" {
		e.code = f.Code
	}
	if f.RetryAfter != "" {
		e.retryAfter = f.RetryAfter
	}
	return e
}

func (f *Failure) catalogue(now time.Time) *apiError {
	switch f.Kind {
	case BadRequest:
		return invalid("messages.0.content: simulated invalid request")
	case OwnLimit:
		return invalid("You have reached your specified API usage limits. You will regain access on " + nextMonth(now) + " at 00:00 UTC.")
	case WorkspaceLimit:
		return invalid("You have reached your specified workspace API usage limits. You will regain access on " + nextMonth(now) + " at 00:00 UTC.")
	case OnHold:
		e := invalid("Your organization is on hold. Please contact support.")
		e.code = "organization_on_hold"
		return e
	case Unauthorized:
		return unauthorized("invalid x-api-key")
	case Billing:
		return &apiError{status: http.StatusPaymentRequired, kind: "billing_error", message: "There is a problem with your billing or payment information."}
	case Forbidden:
		return &apiError{status: http.StatusForbidden, kind: "permission_error", message: "Your API key does not have permission to use the specified resource."}
	case NotFound:
		return notFound("The requested resource was not found.")
	case Conflict:
		return &apiError{status: http.StatusConflict, kind: "conflict_error", message: "The request conflicts with another one."}
	case TooLarge:
		return tooLarge()
	case Status:
		return &apiError{status: http.StatusInternalServerError, kind: "api_error", message: "Simulated error"}
	}
	return f.pushback(now)
}

// pushback are the errors that ask the client to come again later.
func (f *Failure) pushback(now time.Time) *apiError {
	limit := func(message, code string, retry bool) *apiError {
		return &apiError{status: http.StatusTooManyRequests, kind: "rate_limit_error", message: message, code: code, retry: retry}
	}
	switch f.Kind {
	case RateLimited:
		return limit("This request would exceed your organization's rate limit. For details, refer to: https://docs.claude.com/en/api/rate-limits.", "", true)
	case RampLimited:
		return limit(rampMessage, "ramp_limit_exceeded", true)
	case SpendCap:
		return limit("You have reached your API usage limits: your organization has crossed its monthly API usage threshold, set based on your organization's API tier. You will regain access on "+
			nextMonth(now)+" at 00:00 UTC.", "enforced_spend_limit_reached", false)
	case ContractCap:
		return limit("You have reached your API usage limits: your organization has reached the spend limit of its contract.", "contract_spend_limit_reached", false)
	case ServerError:
		return &apiError{status: http.StatusInternalServerError, kind: "api_error", message: "Internal server error", retry: true}
	case Unavailable:
		return &apiError{status: http.StatusServiceUnavailable, kind: "api_error", message: "Service unavailable"}
	case Timeout:
		return &apiError{status: http.StatusGatewayTimeout, kind: "timeout_error", message: "Request timed out"}
	case Overloaded:
		return &apiError{status: 529, kind: "overloaded_error", message: "Overloaded", retry: true}
	}
	return nil
}

func nextMonth(now time.Time) string {
	now = now.UTC()
	return time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// Kinds returns every kind of failure.
func Kinds() []Kind {
	return []Kind{
		Hang, CutBeforeReply, Stall, Cut, CleanEOF, DropBody, Trickle,
		ErrorEvent, UnknownEvent, UnknownStopReason, EmptyObject, HTML,
		BadRequest, OwnLimit, WorkspaceLimit, OnHold, Unauthorized, Billing, Forbidden, NotFound, Conflict, TooLarge,
		RateLimited, RampLimited, SpendCap, ContractCap, ServerError, Unavailable, Timeout, Overloaded, Status,
		Refusal, RefusalMidStream, ThinkingOnly, MaxTokens, ContextWindow, Empty, PauseTurn, Huge, Expired,
	}
}

func (f *Failure) check() error {
	switch {
	case !slices.Contains(Kinds(), f.Kind):
		return fmt.Errorf("failure kind %q is not known; write one of %v", f.Kind, Kinds())
	case f.After < 0 || f.Bytes < 0 || f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("failure %s: after, bytes, delay and times must not be negative", f.Kind)
	case f.Bytes > 256<<20:
		return fmt.Errorf("failure %s: bytes is %d; at most 256 MiB", f.Kind, f.Bytes)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("failure %s: status is %d; write one from 400 to 599", f.Kind, f.Status)
	case strings.ContainsAny(f.RetryAfter, "\r\n"):
		return fmt.Errorf("failure %s: retry_after holds a line break", f.Kind)
	}
	return nil
}

// ParseFailure reads a failure from words: its kind, then settings such as
// retry_after=7, after=3, times=2, delay=2s, bytes=1000000, status=418,
// type=api_error, code=x, category=cyber.
func ParseFailure(words string) (*Failure, error) {
	fields := strings.Fields(words)
	if len(fields) == 0 {
		return nil, fmt.Errorf("no failure named; write one of %v", Kinds())
	}
	f := &Failure{Kind: Kind(fields[0])}
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		if err := f.set(name, value); err != nil {
			return nil, fmt.Errorf("failure %s: %s: %w", f.Kind, field, err)
		}
	}
	return f, f.check()
}

func (f *Failure) set(name, value string) (err error) {
	switch name {
	case "retry_after":
		f.RetryAfter = value
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	case "after":
		f.After, err = strconv.Atoi(value)
	case "bytes":
		f.Bytes, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "type":
		f.Type = value
	case "code":
		f.Code = value
	case "category":
		f.Category = value
	default:
		return fmt.Errorf("no such setting; write retry_after, delay, after, bytes, times, status, type, code or category")
	}
	return err
}
