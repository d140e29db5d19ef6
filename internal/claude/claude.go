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
	HTTP        *http.Client // from egress; bound to the API's origin. It adds the API key
	BaseURL     string
	IdleTimeout time.Duration // how long a stream may say nothing; default 60s
	Timeout     time.Duration // one call from first to last byte; default 10m
}

// A Request is one question.
type Request struct {
	Model     string
	System    string // may be empty
	Prompt    string
	MaxTokens int
	Thinking  string          // "off", "on", "auto"
	Effort    string          // "", "low", "medium", "high"
	Cache     string          // "5m", "1h", "off": breakpoint at the end of System
	Schema    json.RawMessage // structured output; nil: text
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
	Code       string    // rate_limited, ramp_limited, spend_cap, own_spend_limit, unauthorized, overloaded, refusal, ...
	Message    string    // the cause, for people; no payload
	Hint       string    // what to do about it
	Until      time.Time // with WaitLane
	Status     int       // HTTP status; 0: none came
	RequestID  string
	StopReason string
	Usage      event.Usage // what was seen before the end
	Headers    http.Header
	Err        error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
