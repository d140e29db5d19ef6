package claudetest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options says how a [Server] behaves. The zero value is a healthy API that
// answers at once, with the limits of the Start tier.
type Options struct {
	// Seed makes everything that varies (replies, lengths, latency, faults,
	// padding) the same from run to run.
	Seed uint64

	// Keys maps API keys to the name of their organisation; others get 401.
	// Empty: every key is taken, and all belong to one organisation.
	Keys map[string]string

	// Tier names the published limits that are in force where Limits says
	// nothing: "start" (also when empty), "build" or "scale".
	Tier string
	// Limits are per model class ("haiku-5-5", "opus-4", see [Classes]); ""
	// stands for every class that is not named. See [Server.SetLimits].
	Limits map[string]Limits
	// InputEstimateError is how far the estimate that input is first charged
	// by may be off, as a share of the true count: 0.1 is up to 10 % either way.
	InputEstimateError float64
	// CountRefused also takes a request from the bucket of one that is refused
	// with 429. The documentation does not say; off by default.
	CountRefused bool
	// Ramp refuses sharp increases in use; zero refuses none.
	Ramp RampLimit

	// Latency is the time to the first byte of a reply. 0: at once.
	Latency time.Duration
	// Jitter spreads latency and speed by up to this share either way.
	Jitter float64
	// TokensPerSecond is how fast a reply is written. 0: at once.
	TokensPerSecond float64
	// PieceEvery is how much of that is written at a time. 0: 100 ms. Longer
	// makes long runs in fake time cheaper.
	PieceEvery time.Duration
	// PingEvery is the silence after which a stream sends a ping, besides the
	// one behind the first block. 0: 10 s.
	PingEvery time.Duration
	// Output is how long replies are. Zero: as long as the simulated text.
	Output Lengths
	// ThinkingShare is the part of the output that a model spends on thinking
	// where it thinks. 0: a quarter. Negative: none.
	ThinkingShare float64
	// Reply makes the reply instead of the simulator. It may block (a test
	// that holds a call open does so) and must be safe for concurrent use. For
	// the requests of a batch it is asked when the batch ends, and must not block.
	Reply func(Request) Reply

	// Script says what happens to the first requests, step by step; then the
	// rest of the options holds. See [Server.Enqueue].
	Script []Step
	// Fail is asked for each Messages request that the script leaves over: n
	// counts them from 1; nil answers normally. It must be safe for concurrent use.
	Fail func(n int, r Request) *Failure
	// Faults are failures at random, by rate.
	Faults []Fault
	// Magic lets a request choose its own failure: by the header
	// "Claudetest-Fail: overloaded times=2", or by the same words between
	// [[simulate: and ]] anywhere in its prompt. See [ParseFailure].
	Magic bool

	// BatchDuration is how long a batch takes to end. 0: it has ended at the
	// first look. More than 24 h: its requests expire.
	BatchDuration time.Duration
	// BatchFail is asked for each request of a batch; nil lets it succeed.
	BatchFail func(customID string, r Request) *Failure
	// CountTokensPerMinute and BatchCallsPerMinute limit these endpoints.
	// 0: the published limit of the tier.
	CountTokensPerMinute, BatchCallsPerMinute int64
	// BatchQueue is how many batch requests may be in processing at once.
	// 0: the published limit of the tier.
	BatchQueue int64

	// Retired names models that are answered with 404, as if their day had come.
	Retired []string
	// JournalSize is how many calls [Server.Calls] remembers. 0: 16,384.
	JournalSize int
}

// Lengths is a log-normal distribution of output lengths in tokens, thinking
// included. The zero value asks for no length.
type Lengths struct {
	Median int64   // half of the replies are shorter
	Sigma  float64 // spread of the logarithm; 0: all replies have the median's length
	Max    int64   // 0: no bound but the request's max_tokens
}

// A Fault is a failure that happens at a rate: 0.01 to one request in a hundred.
// What happens depends on the seed, the request's body and how often that body
// was sent, not on the order of requests.
type Fault struct {
	Failure
	Rate float64
}

// A Step is what happens to the next request, or the next few.
type Step struct {
	// Endpoint is the one the step waits for; see [Request.Endpoint]. Empty: "messages".
	Endpoint string
	// Match leaves requests to later steps; nil takes every one of the endpoint.
	Match func(Request) bool
	// Times is how many requests the step serves. 0: one. Negative: all that come.
	Times int
	// Fail is the failure; nil answers normally.
	Fail *Failure
	// Reply replaces the reply.
	Reply *Reply
}

// check reports what makes no sense, all of it.
func (o *Options) check() error {
	var errs []error
	if _, ok := tiers(o.Tier); !ok {
		errs = append(errs, fmt.Errorf("tier %q is not known; write start, build or scale", o.Tier))
	}
	classes := Classes()
	for class := range o.Limits {
		if class != "" && !slices.Contains(classes, class) {
			errs = append(errs, fmt.Errorf("limits name the class %q, which is not known; write one of %v", class, classes))
		}
	}
	if o.Jitter < 0 || o.Jitter >= 1 {
		errs = append(errs, fmt.Errorf("jitter is %v; write a share from 0 to below 1", o.Jitter))
	}
	if o.InputEstimateError < 0 || o.InputEstimateError >= 1 {
		errs = append(errs, fmt.Errorf("input estimate error is %v; write a share from 0 to below 1", o.InputEstimateError))
	}
	if o.ThinkingShare >= 1 {
		errs = append(errs, fmt.Errorf("thinking share is %v; write a share below 1", o.ThinkingShare))
	}
	if o.Latency < 0 || o.TokensPerSecond < 0 || o.BatchDuration < 0 || o.PingEvery < 0 || o.PieceEvery < 0 {
		errs = append(errs, errors.New("latency, tokens per second, batch duration, ping and piece intervals must not be negative"))
	}
	return errors.Join(append(errs, o.checkFailures()...)...)
}

func (o *Options) checkFailures() []error {
	var errs []error
	var sum float64
	for _, fault := range o.Faults {
		errs = append(errs, fault.check())
		if fault.Rate < 0 {
			errs = append(errs, fmt.Errorf("fault %s has the rate %v; write a share from 0 to 1", fault.Kind, fault.Rate))
		}
		sum += fault.Rate
	}
	if sum > 1 {
		errs = append(errs, fmt.Errorf("the rates of the faults add up to %v; together they may reach 1", sum))
	}
	for _, step := range o.Script {
		if step.Fail != nil {
			errs = append(errs, step.Fail.check())
		}
	}
	return errs
}
