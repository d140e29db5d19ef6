package claude

// The codes of an Error. They are stable: programs and dashboards branch on
// them.
const (
	// With WaitLane.
	CodeRateLimited   = "rate_limited"    // 429: the account's rate of this model class is used up
	CodeRampLimited   = "ramp_limited"    // 429: use grew too fast
	CodeSpendCap      = "spend_cap"       // 429: the monthly cap of the account's tier is reached
	CodeOwnSpendLimit = "own_spend_limit" // 400: the spend limit that the account's owner set is reached
	CodeOnHold        = "on_hold"         // the organisation is on hold
	CodeUnauthorized  = "unauthorized"    // 401: the API key is wrong or expired
	CodeBilling       = "billing"         // 402: the account cannot pay
	CodeForbidden     = "forbidden"       // 403: the key may not do this
	CodeNotTheAPI     = "not_the_api"     // 404, 405, 407, 421 in somebody else's words: a wrong base_url, a proxy

	// With Retry.
	CodeOverloaded      = "overloaded"       // 529: no capacity for anybody
	CodeServerError     = "server_error"     // 5xx
	CodeTimeout         = "timeout"          // 408, 504: the API gave up
	CodeConflict        = "conflict"         // 409
	CodeConnection      = "connection"       // no response came
	CodeNoResponse      = "no_response"      // connected, then nothing for too long
	CodeStreamIdle      = "stream_idle"      // a stream that said nothing for too long
	CodeCallTimeout     = "call_timeout"     // the whole call took too long
	CodeStreamTruncated = "stream_truncated" // a stream without its end, or none at all
	CodeEmptyAnswer     = "empty_answer"     // it ended well, without a word
	CodeInvalidOutput   = "invalid_output"   // structured output that is not JSON

	CodeBatchExpired   = "batch_expired"   // a batch was not done in its 24 hours
	CodeBatchCancelled = "batch_cancelled" // a batch was cancelled
	CodeBatchLost      = "batch_lost"      // the results of a batch are gone or lack this one

	// With FallBack.
	CodeRefusal       = "refusal"
	CodeModelNotFound = "model_not_found" // 404: retired, or not for this account

	// With GiveUp.
	CodeInvalidRequest  = "invalid_request"    // 400 and other refusals of the request
	CodeContextOverflow = "context_overflow"   // the prompt does not fit the model
	CodeRequestTooLarge = "request_too_large"  // 413
	CodeNoText          = "no_text"            // the token budget went into thinking
	CodeCutOutput       = "cut_output"         // structured output that max_tokens cut
	CodeUnexpectedStop  = "unexpected_stop"    // pause_turn, tool_use: no tools were offered
	CodeTooLarge        = "response_too_large" // past every bound
)
