package claude

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// verdict judges a stream that ended without an error: a 200 is no success
// before its message_stop and a stop reason that leaves an answer
// (https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons).
// nil means that there is an answer.
func (p *reply) verdict(resp *http.Response) *Error {
	text := strings.TrimSpace(p.text.String())
	switch {
	case !p.complete || p.stop == "":
		return p.broken(resp)
	case p.stop == "refusal":
		return p.refused()
	case p.stop == "tool_use", p.stop == "pause_turn":
		return &Error{
			Verdict: GiveUp, Code: CodeUnexpectedStop,
			Message: fmt.Sprintf("the answer stopped with %s although no tools were offered", p.stop),
		}
	case text == "":
		return p.wordless()
	case p.request.Schema != nil && !json.Valid([]byte(text)):
		return p.notJSON()
	}
	return nil
}

// broken is a stream that ended before its end, or that was none.
func (p *reply) broken(resp *http.Response) *Error {
	e := &Error{Verdict: Retry, Code: CodeStreamTruncated, Message: "the stream ended before its end", Doubtful: true}
	if p.began {
		return e
	}
	e.Message = "the response holds no answer"
	if resp != nil {
		if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
			e.Message = "the response is no event stream but " + oneLine(kind)
			e.Hint = "check that claude.base_url leads to the Claude API and not to a page of a proxy"
		}
	}
	return e
}

// refused is a model that will not answer; another may. Before the first word
// that is not billed
// (https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback).
func (p *reply) refused() *Error {
	e := &Error{Verdict: FallBack, Code: CodeRefusal, Message: "the model refused", Unbilled: p.counted && p.usage.OutputTokens == 0}
	if p.details.Category != "" {
		e.Message += " (" + oneLine(string(p.details.Category)) + ")"
	}
	if p.details.Explanation != "" {
		e.Message = oneLine(e.Message + ": " + p.details.Explanation)
	}
	e.Hint = "give the hook a fallback model, or change what the prompt asks"
	return e
}

// wordless is an answer without text.
func (p *reply) wordless() *Error {
	switch p.stop {
	case "max_tokens":
		return &Error{
			Verdict: GiveUp, Code: CodeNoText, Message: "max_tokens was used up before the first word of the answer",
			Hint: "raise max_tokens, or set thinking: off",
		}
	case "model_context_window_exceeded":
		return &Error{
			Verdict: GiveUp, Code: CodeContextOverflow, Message: "the prompt fills the model's context window",
			Hint: "make the prompt smaller: lower the budget of its gathered parts",
		}
	}
	return &Error{Verdict: Retry, Code: CodeEmptyAnswer, Message: "the answer is empty"}
}

// notJSON is structured output that cannot be read.
func (p *reply) notJSON() *Error {
	if p.stop == "end_turn" || p.stop == "stop_sequence" {
		return &Error{Verdict: Retry, Code: CodeInvalidOutput, Message: "the structured output is not JSON"}
	}
	return &Error{
		Verdict: GiveUp, Code: CodeCutOutput, Message: "the structured output was cut: " + oneLine(p.stop),
		Hint: "raise max_tokens, or make the schema smaller",
	}
}
