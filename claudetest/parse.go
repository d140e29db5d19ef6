package claudetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// jsonDuration reads "800ms" or "1m30s".
type jsonDuration time.Duration

func (d *jsonDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = jsonDuration(parsed)
	return err
}

type jsonFailure struct {
	Kind       Kind         `json:"kind"`
	RetryAfter string       `json:"retry_after"`
	Delay      jsonDuration `json:"delay"`
	After      int          `json:"after"`
	Bytes      int          `json:"bytes"`
	Status     int          `json:"status"`
	Type       string       `json:"type"`
	Message    string       `json:"message"`
	Code       string       `json:"code"`
	Category   string       `json:"category"`
}

func (f jsonFailure) failure() Failure {
	return Failure{
		Kind: f.Kind, RetryAfter: f.RetryAfter, Delay: time.Duration(f.Delay), After: f.After, Bytes: f.Bytes,
		Status: f.Status, Type: f.Type, Message: f.Message, Code: f.Code, Category: f.Category,
	}
}

type jsonLimits struct {
	Requests int64        `json:"requests_per_minute"`
	Input    int64        `json:"input_tokens_per_minute"`
	Output   int64        `json:"output_tokens_per_minute"`
	Burst    jsonDuration `json:"burst"`
}

type jsonOptions struct {
	Seed               uint64                `json:"seed"`
	Keys               map[string]string     `json:"keys"`
	Tier               string                `json:"tier"`
	Limits             map[string]jsonLimits `json:"limits"`
	InputEstimateError float64               `json:"input_estimate_error"`
	CountRefused       bool                  `json:"count_refused"`
	Ramp               struct {
		Floor  int64        `json:"floor"`
		Factor float64      `json:"factor"`
		Window jsonDuration `json:"window"`
	} `json:"ramp"`
	Latency         jsonDuration `json:"latency"`
	Jitter          float64      `json:"jitter"`
	TokensPerSecond float64      `json:"tokens_per_second"`
	PingEvery       jsonDuration `json:"ping_every"`
	PieceEvery      jsonDuration `json:"piece_every"`
	Output          struct {
		Median int64   `json:"median"`
		Sigma  float64 `json:"sigma"`
		Max    int64   `json:"max"`
	} `json:"output"`
	ThinkingShare float64 `json:"thinking_share"`
	Script        []struct {
		jsonFailure
		Endpoint string `json:"endpoint"`
		Times    int    `json:"times"`
	} `json:"script"`
	Faults []struct {
		jsonFailure
		Rate float64 `json:"rate"`
	} `json:"faults"`
	Magic                bool         `json:"magic"`
	BatchDuration        jsonDuration `json:"batch_duration"`
	CountTokensPerMinute int64        `json:"count_tokens_per_minute"`
	BatchCallsPerMinute  int64        `json:"batch_calls_per_minute"`
	BatchQueue           int64        `json:"batch_queue"`
	Retired              []string     `json:"retired"`
	JournalSize          int          `json:"journal_size"`
}

// ParseOptions reads options from JSON, strictly: an unknown field is an
// error. Fields have the names of [Options] in snake case, durations are
// written "800ms"; script steps and faults hold the fields of a [Failure], and
// a step without a kind is a call that goes well. All fields:
//
//	{
//	  "seed": 1, "tier": "start", "keys": {"sk-ant-1": "acme"}, "magic": true,
//	  "limits": {"haiku-5-5": {"requests_per_minute": 60, "input_tokens_per_minute": 50000,
//	             "output_tokens_per_minute": 8000, "burst": "10s"}},
//	  "ramp": {"floor": 100, "factor": 2, "window": "1m"},
//	  "latency": "900ms", "jitter": 0.2, "tokens_per_second": 80, "ping_every": "10s", "piece_every": "100ms",
//	  "output": {"median": 280, "sigma": 0.6, "max": 4000}, "thinking_share": 0.25,
//	  "input_estimate_error": 0.1, "count_refused": false,
//	  "script": [{"kind": "overloaded", "times": 3}, {"kind": "cut", "after": 2, "endpoint": "messages"}],
//	  "faults": [{"kind": "rate_limited", "retry_after": "3", "rate": 0.01}],
//	  "batch_duration": "30s", "batch_calls_per_minute": 1000, "batch_queue": 200000,
//	  "count_tokens_per_minute": 2000, "retired": ["claude-opus-4-5"], "journal_size": 10000
//	}
//
// The error lists everything that is wrong.
func ParseOptions(data []byte) (Options, error) {
	var in jsonOptions
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		if errors.Is(err, io.EOF) {
			return Options{}, errors.New("read simulator options: the document is empty; write at least {}")
		}
		return Options{}, fmt.Errorf("read simulator options: %w", err)
	}
	if decoder.More() {
		return Options{}, errors.New("read simulator options: text after the JSON object")
	}
	o := in.options()
	if err := o.check(); err != nil {
		return Options{}, fmt.Errorf("check simulator options: %w", err)
	}
	return o, nil
}

func (in *jsonOptions) options() Options {
	o := Options{
		Seed: in.Seed, Keys: in.Keys, Tier: in.Tier, InputEstimateError: in.InputEstimateError, CountRefused: in.CountRefused,
		Ramp:    RampLimit{in.Ramp.Floor, in.Ramp.Factor, time.Duration(in.Ramp.Window)},
		Latency: time.Duration(in.Latency), Jitter: in.Jitter, TokensPerSecond: in.TokensPerSecond,
		PingEvery: time.Duration(in.PingEvery), PieceEvery: time.Duration(in.PieceEvery), Output: Lengths(in.Output), ThinkingShare: in.ThinkingShare,
		Magic: in.Magic, BatchDuration: time.Duration(in.BatchDuration),
		CountTokensPerMinute: in.CountTokensPerMinute, BatchCallsPerMinute: in.BatchCallsPerMinute,
		BatchQueue: in.BatchQueue, Retired: in.Retired, JournalSize: in.JournalSize,
	}
	if len(in.Limits) > 0 {
		o.Limits = make(map[string]Limits, len(in.Limits))
	}
	for class, l := range in.Limits {
		o.Limits[class] = Limits{l.Requests, l.Input, l.Output, time.Duration(l.Burst)}
	}
	for _, step := range in.Script {
		out := Step{Endpoint: step.Endpoint, Times: step.Times}
		if step.Kind != "" {
			out.Fail = new(step.failure())
		}
		o.Script = append(o.Script, out)
	}
	for _, fault := range in.Faults {
		o.Faults = append(o.Faults, Fault{Failure: fault.failure(), Rate: fault.Rate})
	}
	return o
}
