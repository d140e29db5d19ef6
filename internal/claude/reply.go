package claude

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
)

// A reply is a response as far as it has streamed in. Events and values that it
// does not know are passed over: the API may add some at any time
// (https://platform.claude.com/docs/en/api/versioning).
type reply struct {
	request Request
	onDelta func(string)

	text     strings.Builder
	blocks   map[int64]string // type by index, as announced
	model    string
	stop     string
	details  anthropic.RefusalStopDetails
	usage    event.Usage
	began    bool
	counted  bool // a message_delta brought the final usage
	complete bool // message_stop was seen
	headers  http.Header
	sent     bool // the request may have reached the API whole
}

func newReply(r Request, onDelta func(string)) *reply {
	return &reply{request: r, onDelta: onDelta, blocks: make(map[int64]string)}
}

// take adds one event.
func (p *reply) take(e anthropic.MessageStreamEventUnion, resp *http.Response) {
	switch e.Type {
	case "message_start":
		p.start(e.Message, resp)
	case "content_block_start":
		p.blocks[e.Index] = e.ContentBlock.Type
		if e.ContentBlock.Type == "text" {
			p.add(e.ContentBlock.Text)
		}
	case "content_block_delta":
		if e.Delta.Type == "text_delta" && p.blocks[e.Index] == "text" {
			p.add(e.Delta.Text)
		}
	case "message_delta":
		if e.Delta.StopReason != "" {
			p.stop, p.details = string(e.Delta.StopReason), e.Delta.StopDetails
		}
		p.count(e.Usage)
	case "message_stop":
		p.complete = true
	}
}

// add appends answer text.
func (p *reply) add(text string) {
	if text == "" {
		return
	}
	p.text.WriteString(text)
	if p.onDelta != nil {
		p.onDelta(text)
	}
}

// start takes the first event, which has the input side of the usage.
func (p *reply) start(m anthropic.Message, resp *http.Response) {
	p.model = m.Model
	u := m.Usage
	p.usage = event.Usage{
		InputTokens:    u.InputTokens,
		CacheWrite5m:   u.CacheCreation.Ephemeral5mInputTokens,
		CacheWrite1h:   u.CacheCreation.Ephemeral1hInputTokens,
		CacheRead:      u.CacheReadInputTokens,
		OutputTokens:   u.OutputTokens,
		ThinkingTokens: u.OutputTokensDetails.ThinkingTokens,
		ServiceTier:    string(u.ServiceTier),
	}
	p.written(u.CacheCreationInputTokens)
	if p.began {
		return
	}
	p.began = true
	if p.request.Begun != nil && resp != nil {
		p.request.Begun(Begin{Headers: resp.Header, Usage: p.usage})
	}
}

// count takes the usage of a message_delta: totals that replace what was known,
// as far as they are there.
func (p *reply) count(u anthropic.MessageDeltaUsage) {
	if u.JSON.OutputTokens.Valid() {
		p.usage.OutputTokens, p.counted = u.OutputTokens, true
	}
	if u.JSON.InputTokens.Valid() {
		p.usage.InputTokens = u.InputTokens
	}
	if u.JSON.CacheReadInputTokens.Valid() {
		p.usage.CacheRead = u.CacheReadInputTokens
	}
	if u.JSON.CacheCreationInputTokens.Valid() {
		p.written(u.CacheCreationInputTokens)
	}
	if u.JSON.OutputTokensDetails.Valid() {
		p.usage.ThinkingTokens = u.OutputTokensDetails.ThinkingTokens
	}
}

// written makes the cache writes add up to total: what their breakdown leaves
// open has the lifetime that was asked for.
func (p *reply) written(total int64) {
	rest := total - p.usage.CacheWrite5m - p.usage.CacheWrite1h
	if p.request.Cache == "1h" {
		p.usage.CacheWrite1h = max(0, p.usage.CacheWrite1h+rest)
		return
	}
	p.usage.CacheWrite5m = max(0, p.usage.CacheWrite5m+rest)
}

// seen returns the usage of a call that broke off. What was produced is billed
// although its count never came, so the text stands in for it.
func (p *reply) seen() event.Usage {
	u := p.usage
	if p.counted || !p.began {
		return u
	}
	if m, ok := catalog.Lookup(p.request.Model); ok {
		u.OutputTokens = max(u.OutputTokens, m.Tokens(int64(p.text.Len())))
	}
	u.BilledAsEstimate = true
	return u
}

// answer returns what is there.
func (p *reply) answer() Answer {
	model := p.model
	if model == "" {
		model = p.request.Model
	}
	return Answer{
		Text:       p.text.String(),
		Model:      model,
		StopReason: p.stop,
		Usage:      p.seen(),
		RequestID:  p.headers.Get("request-id"),
		Headers:    p.headers,
	}
}

// finish turns a stream that ended without an error into an answer, or into the
// error that it really was.
func (p *reply) finish(resp *http.Response, now time.Time) (Answer, error) {
	if e := p.verdict(resp); e != nil {
		return Answer{}, p.stamp(e, resp, now)
	}
	a := p.answer()
	a.Truncated = p.stop == "max_tokens" || p.stop == "model_context_window_exceeded"
	if p.request.Schema != nil {
		a.JSON = json.RawMessage(strings.TrimSpace(a.Text))
	}
	return a, nil
}

// stamp adds to an error what is known of the response.
func (p *reply) stamp(e *Error, resp *http.Response, now time.Time) *Error {
	e.StopReason, e.Usage = p.stop, p.seen()
	if resp != nil {
		e.Status, e.Headers = resp.StatusCode, resp.Header
		e.RequestID = resp.Header.Get("request-id")
		heed(e, resp.Header, now)
	}
	return e
}
