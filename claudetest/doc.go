// Package claudetest simulates the Claude API as an [http.Handler]: the
// Messages endpoint with and without streaming, token counting, the models,
// Message Batches and the Rate Limits endpoint, with the limits, the prompt
// cache, the per-model rules and the failures that a client meets in
// production.
//
// It is for tests, demonstrations and load runs. The zero [Server] is ready
// for use and behaves like a small new organisation that calls a healthy API:
//
//	api := claudetest.Start(t, claudetest.Options{
//		Script: []claudetest.Step{{Fail: &claudetest.Failure{Kind: claudetest.Overloaded}}},
//	})
//	client := anthropic.NewClient(option.WithBaseURL(api.URL), option.WithAPIKey("any"))
//
// # What is honest about it
//
// Limits are enforced as continuous token buckets per organisation and model
// class; input is charged by an estimate when a call starts and corrected when
// its reply begins; output is charged while it is written. A cache entry can
// be read once the response that wrote it has begun, never before. Every
// answer carries the headers of the real API, and every data line of a stream
// the random spaces inside its JSON that the real ones carry. The shapes are
// those of https://platform.claude.com/docs/en/api/messages, of .../api/errors,
// .../api/rate-limits and .../build-with-claude/prompt-caching, and of the
// traffic recorded in the test data of github.com/anthropics/anthropic-sdk-go.
//
// # What is not
//
// No model reads anything. Replies are made up from the size of the request
// and say so; they are the same for the same seed and the same body, whatever
// the order in which calls arrive. Tokens are estimated ([EstimateTokens]).
//
// # Time
//
// The package reads the clock with the time package alone, starts no goroutine
// and keeps none, so that it runs inside a testing/synctest bubble
// ([StartPipe]) as well as on a socket ([Start]).
//
// The package imports nothing else of this module, and must never: it has to
// stay an independent witness of how the module calls the API.
package claudetest
