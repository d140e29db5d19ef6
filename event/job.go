package event

import (
	"encoding/json"
	"time"
)

// A State says where a job stands. A job moves from queued to running and back
// until it ends in one of the other four.
type State string

// The states of a job.
const (
	Queued     State = "queued"
	Running    State = "running"
	Succeeded  State = "succeeded"
	Dead       State = "dead"
	Cancelled  State = "cancelled"
	Superseded State = "superseded"
)

// Terminal reports whether a job in state s is over.
func (s State) Terminal() bool {
	return s != Queued && s != Running
}

// A Reason says why a queued job is not running.
type Reason string

// The reasons of a queued job.
const (
	RateLimited  Reason = "rate_limited"
	LanePaused   Reason = "lane_paused"
	RetryBackoff Reason = "retry_backoff"
	Budget       Reason = "budget"
	QuietPeriod  Reason = "quiet_period"
	CacheWarming Reason = "cache_warming"
	Batch        Reason = "batch"
	WaitingTurn  Reason = "waiting_turn"
)

// A Failure is an error that people read: a stable code, the cause, and what
// to do about it.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// A Job is the one Claude answer that an event, or several coalesced events,
// ask for.
type Job struct {
	ID           string
	EventID      string
	Hook         string
	State        State
	Reason       Reason    // set while State is Queued
	Until        time.Time // when the reason ends; zero if that is not known
	Lane         string
	Model        string // the model that was chosen, or that answered
	Chosen       string // why that model: "hook", "route 2", "fallback: overloaded"
	Priority     int    // 1 first to 9 last
	Tenant       string // with whom it shares its hook's turn; empty: with all that have none
	Note         string // what went otherwise than configured when it was accepted
	Attempts     int    // attempts begun that count against the limit
	Subject      string
	Type         string // the event's type, for lists
	CreatedAt    time.Time
	QueuedAt     time.Time // when its attempts began to count: at CreatedAt, or when a redelivery queued it again
	UpdatedAt    time.Time
	FinishedAt   time.Time
	RerunOf      string
	SupersededBy string
	ReusedFrom   string // the job whose answer this one has
	Coalesced    int    // how many earlier jobs this one replaced
	LastError    *Failure
	Cost         *NanoUSD // what its calls cost, as far as known, in lists too; nil: not known

	// The rest is filled in only where one job is read whole.
	Event      *Event
	Result     *Result
	Calls      []Call
	Deliveries []Delivery
}

// Usage counts the tokens of one call, in the terms of the Messages API.
type Usage struct {
	InputTokens      int64  `json:"input_tokens"`
	CacheWrite5m     int64  `json:"cache_write_5m_tokens"`
	CacheWrite1h     int64  `json:"cache_write_1h_tokens"`
	CacheRead        int64  `json:"cache_read_tokens"`
	OutputTokens     int64  `json:"output_tokens"`
	ThinkingTokens   int64  `json:"thinking_tokens,omitempty"` // part of OutputTokens
	ServiceTier      string `json:"service_tier,omitempty"`
	BilledAsEstimate bool   `json:"estimated,omitempty"` // no usage came: the figures are what was last seen
}

// Prompt returns all tokens on the input side: fresh, written to and read from
// the cache. It is what the long-prompt price tier looks at.
func (u Usage) Prompt() int64 {
	return u.InputTokens + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead
}

// NanoUSD is an amount of money in billionths of a dollar.
type NanoUSD int64

// Dollars returns n in dollars.
func (n NanoUSD) Dollars() float64 { return float64(n) / 1e9 }

// A CallOutcome says how a call to Claude ended. CallUnknown is what its row
// says from before the request leaves until its end is stored, and for ever if
// the process dies in between: the call may have been billed.
type CallOutcome string

// The outcomes of a call.
const (
	CallUnknown CallOutcome = "unknown"
	CallOK      CallOutcome = "ok"
	CallFailed  CallOutcome = "failed"
)

// A Call is one request to Claude.
type Call struct {
	ID         string
	JobID      string
	Attempt    int
	Lane       string
	Model      string
	StartedAt  time.Time
	EndedAt    time.Time
	Outcome    CallOutcome
	Code       string // why it failed, in the words of the error catalogue
	Message    string
	StopReason string
	RequestID  string
	Usage      Usage
	Cost       *NanoUSD // nil: not known
	Saved      NanoUSD  // what it cost less than a live call, for being in a batch; of a call that ends
	CacheSaved NanoUSD  // what the prompt cache saved, at live prices; of a call that ends
	Reserved   NanoUSD  // the most that it may cost, where that can be told; of a call that begins
	Doubtful   bool     // it failed without a usage and may have been billed all the same; of a call that ends
}

// A Result is Claude's paid answer.
type Result struct {
	Text       string
	JSON       json.RawMessage // set where the hook asks for structured output
	Model      string
	StopReason string
	Usage      Usage
	Cost       *NanoUSD // nil: the model has no known price
	RequestID  string
	CreatedAt  time.Time
	Notes      []string // what the reader should know: files left out, answer truncated
}
