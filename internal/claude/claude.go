// Package claude calls the Claude API and sorts what comes back. It is the only
// importer of the official SDK.
//
// It must never retry by itself (retries are durable and belong to the ledger),
// take a 200 for a success, or let an outcome pass unclassified.
package claude

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Options configure a Client.
type Options struct {
	// HTTP makes the requests. It comes from egress, is bound to the API's
	// origin and adds the API key: the SDK is given none. Its own limits must
	// allow a response of 64 MiB and a call of Timeout. Required.
	HTTP *http.Client
	// BaseURL is the API's origin. Default "https://api.anthropic.com".
	BaseURL string
	// IdleTimeout is how long a stream may say nothing; pings count as words.
	// The first byte of a response may take three times as long. Default 60s.
	IdleTimeout time.Duration
	// Timeout bounds one call from first to last byte. Default 10m.
	Timeout time.Duration
}

// A Request is one question.
type Request struct {
	Model     string
	System    string // may be empty
	Prompt    string
	MaxTokens int
	Thinking  string          // "off", "on", "auto" or empty for auto
	Effort    string          // "", "low", "medium", "high"; left out where the model takes none
	Cache     string          // "5m", "1h", "off": breakpoint at the end of System
	Schema    json.RawMessage // structured output; nil: text

	// Begun, if set, is called once when the answer begins, before any text:
	// a prompt cache entry that the request wrote can be read from then on.
	Begun func(Begin)
}

// A Begin is what the first event of a stream tells.
type Begin struct {
	Headers http.Header
	Usage   event.Usage // the input side is final, the output side has only begun
}

// An Answer is what a call that succeeded brought.
type Answer struct {
	Text       string
	JSON       json.RawMessage // set with Request.Schema
	Model      string
	StopReason string
	Truncated  bool // max_tokens or the context window ended it, but there is text
	Usage      event.Usage
	RequestID  string
	Headers    http.Header // the response's, for the governor
}

// A Verdict is the reaction that an outcome calls for.
type Verdict int

// The verdicts.
const (
	// Retry: try again after a backoff; the attempt counts.
	Retry Verdict = iota + 1
	// WaitLane: the whole lane waits until Error.Until; the attempt does not
	// count. A zero Until: until somebody resumes the lane.
	WaitLane
	// FallBack: this model will not answer; another may. Without one: GiveUp.
	FallBack
	// GiveUp: no retry can help.
	GiveUp
)

// An Error is a call that brought no usable answer.
type Error struct {
	Verdict    Verdict
	Code       string    // one of the Code constants
	Message    string    // the cause, for people: one line, at most 300 characters, no payload
	Hint       string    // what to do about it
	Until      time.Time // with WaitLane; with Retry: not before, if the server said so
	Status     int       // HTTP status; 0: none came
	RequestID  string
	StopReason string
	Usage      event.Usage // what was seen before the end
	// Doubtful says that the request left and that no status of an error came
	// back: what Usage does not hold of it may have been billed all the same.
	Doubtful bool
	// Unbilled says that Usage counts against the rate limits and costs nothing.
	Unbilled bool
	Headers  http.Header
	Err      error
}

// Overloaded reports whether the API had no capacity for anybody: another model
// may have.
func (e *Error) Overloaded() bool { return e.Code == CodeOverloaded }

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
