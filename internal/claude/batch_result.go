package claude

import (
	"errors"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
)

// A BatchResult is how one request of a batch ended.
type BatchResult struct {
	line anthropic.MessageBatchIndividualResponse
}

// ID is the id that the request was given.
func (b BatchResult) ID() string { return b.line.CustomID }

// Answer judges the result of a request as Call judges a stream: an answer, or
// an *Error that says how to react. What is not done in a day, or was cancelled,
// costs nothing and may be tried again
// (https://platform.claude.com/docs/en/build-with-claude/batch-processing).
func (b BatchResult) Answer(r Request, now time.Time) (Answer, error) {
	switch b.line.Result.Type {
	case "succeeded":
		return b.message(r, now)
	case "errored":
		return Answer{}, b.errored(r, now)
	case "expired":
		return Answer{}, &Error{
			Verdict: Retry, Code: CodeBatchExpired, Message: "the batch ran out of its day before this request was done",
			Hint: "raise retry.max_age so that there is time for another batch, or use spill instead of lane: batch",
		}
	case "canceled":
		return Answer{}, &Error{Verdict: Retry, Code: CodeBatchCancelled, Message: "the batch was cancelled before this request was done"}
	}
	return Answer{}, &Error{Verdict: Retry, Code: CodeInvalidOutput, Message: "the result is of a kind that is not known: " + oneLine(b.line.Result.Type)}
}

// message reads an answer by the rules of a stream that came to its end.
func (b BatchResult) message(r Request, now time.Time) (Answer, error) {
	m := b.line.Result.Message
	p := newReply(r, nil)
	p.start(m, nil)
	p.usage.ServiceTier = tierBatch
	p.counted, p.complete = true, true
	p.stop, p.details = string(m.StopReason), m.StopDetails
	for _, block := range m.Content {
		if block.Type == "text" {
			p.add(block.Text)
		}
	}
	a, err := p.finish(nil, now)
	if e, ok := errors.AsType[*Error](err); ok {
		e.RequestID = m.ID
	}
	a.RequestID = m.ID
	return a, err
}

// tierBatch is the service tier of half price.
const tierBatch = "batch"

// errored judges an error in place of a result. One that would pause a lane had
// it come to a live call says nothing about the lanes of today.
func (b BatchResult) errored(r Request, now time.Time) *Error {
	answer := b.line.Result.Error
	kind := answer.Error.Type
	e := fault{status: statusOf(kind), kind: kind, text: answer.Error.Message, model: r.Model, now: now}.verdict(nil)
	if e.Verdict == WaitLane {
		e.Verdict, e.Until = Retry, time.Time{}
	}
	e.RequestID = answer.RequestID
	return e
}
