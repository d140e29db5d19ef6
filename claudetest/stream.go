package claudetest

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// errEnd ends a stream early on purpose: the body is complete, the message not.
var errEnd = errors.New("claudetest: the stream ends here")

// stream writes a reply as server-sent events, in the order and the shapes of
// https://platform.claude.com/docs/en/build-with-claude/streaming.
func (m *answering) stream() error {
	x, p := m.x, m.plan
	m.first()
	h := x.w.Header()
	h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	h["Cache-Control"] = []string{"no-cache"}
	x.w.WriteHeader(http.StatusOK)
	if p.fail.Kind == DropBody {
		x.flush()
		panic(http.ErrAbortHandler)
	}
	opening := m.usage
	opening.output = min(p.output, int64(1+x.rng.IntN(3)))
	x.event("message_start", func(b []byte) []byte {
		return appendMessage(append(b, `,"message":`...), m.w.model.id, m.id, nil, opening)
	})
	if err := m.sent(len(m.use.writes) > 0); err != nil {
		return err
	}
	x.s.cache.commit(m.use)
	m.rested()
	if p.fail.After == 0 {
		if err := m.fail(); err != nil {
			return err
		}
	}
	index := 0
	for _, block := range []func(int) (bool, error){m.thinkingBlock, m.textBlock, m.toolBlock} {
		done, err := block(index)
		if err != nil {
			return err
		}
		if done {
			index++
		}
	}
	return m.closing()
}

// closing sends what of the output has no text (a refusal's, say), the stop
// reason with the cumulative usage, and the end.
func (m *answering) closing() error {
	x, p := m.x, m.plan
	if err := m.fail(); err != nil { // a failure after more pieces than there were
		return err
	}
	if err := m.emit(p.output - m.written); err != nil {
		return err
	}
	m.usage.output, m.usage.thinking = p.output, p.thinking
	x.event("message_delta", func(b []byte) []byte {
		b = append(b, `,"delta":{"container":null,`...)
		b = append(p.appendStop(b), `},"usage":`...)
		return appendDeltaUsage(b, m.usage)
	})
	x.event("message_stop", nil)
	x.call.StopReason = p.stop
	return m.sent(true)
}

// fail plays the failures of a stream that has begun, once.
func (m *answering) fail() error {
	x, f := m.x, m.plan.fail
	if m.failed {
		return nil
	}
	m.failed = true
	switch f.Kind {
	case Stall:
		x.flush()
		x.hang()
		panic(http.ErrAbortHandler)
	case Cut:
		x.flush()
		panic(http.ErrAbortHandler)
	case CleanEOF:
		x.flush()
		return errEnd
	case ErrorEvent:
		e := (&Failure{Kind: Overloaded, Type: f.Type, Message: f.Message, Code: f.Code}).failed(x.now)
		x.call.ErrorType = e.kind
		x.out = append(append(append(x.out, "event: error\ndata: "...), e.body(x.call.RequestID)...), "\n\n"...)
		x.flush()
		return errEnd
	case UnknownEvent:
		x.event("simulated_new_event", func(b []byte) []byte { return append(b, `,"detail":{"level":3}`...) })
	}
	return nil
}

// event appends one event. The JSON has spaces where the real API has them: at
// random before the last brace, and now and then behind the first colon.
func (x *exchange) event(name string, rest func([]byte) []byte) {
	b := append(x.out, "event: "...)
	b = append(b, name...)
	b = append(b, "\ndata: {\"type\":"...)
	pad := x.rng.Uint32()
	if pad&0xf0 == 0 {
		b = append(b, ' ')
	}
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, '"')
	if rest != nil {
		b = rest(b)
	}
	b = append(b, "               "[:pad&0x0f]...)
	x.out = append(b, "}\n\n"...)
}

func (m *answering) pinged() {
	m.x.out = append(m.x.out, "event: ping\ndata: {\"type\": \"ping\"}\n\n"...)
	m.rested()
}

// rested starts the silence after which a ping is due anew.
func (m *answering) rested() {
	m.ping = time.Now().Add(cmp.Or(m.x.s.PingEvery, 10*time.Second))
}

// sent flushes when the reply has a speed, or must be seen now.
func (m *answering) sent(now bool) error {
	x := m.x
	if m.plan.fail.Kind == Trickle {
		data := x.out
		x.out = nil
		return m.trickle(data)
	}
	if now || m.plan.speed > 0 || m.plan.fail.Kind != "" || len(x.out) > 64<<10 {
		x.flush()
		m.rested()
	}
	return nil
}

// open, delta and stop write the events of a content block.
func (m *answering) open(index int, block []byte) {
	m.x.event("content_block_start", func(b []byte) []byte {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(index), 10)
		return append(append(b, `,"content_block":`...), block...)
	})
	if index == 0 {
		m.pinged()
	}
}

func (m *answering) delta(index int, kind, field, value string) {
	m.x.event("content_block_delta", func(b []byte) []byte {
		b = strconv.AppendInt(append(b, `,"index":`...), int64(index), 10)
		b = append(b, `,"delta":{"type":"`...)
		b = append(b, kind...)
		b = append(b, `","`...)
		b = append(b, field...)
		b = append(b, `":`...)
		return append(appendString(b, value), '}')
	})
}

func (m *answering) stop(index int) {
	m.x.event("content_block_stop", func(b []byte) []byte {
		return strconv.AppendInt(append(b, `,"index":`...), int64(index), 10)
	})
}

// thinkingBlock comes first. Its text is omitted unless the request asked for
// it: then only the signature is sent.
func (m *answering) thinkingBlock(index int) (bool, error) {
	p := m.plan
	if !p.thinks {
		return false, nil
	}
	m.open(index, []byte(`{"type":"thinking","thinking":"","signature":""}`))
	if err := m.sent(false); err != nil {
		return false, err
	}
	size := p.thinking
	if p.speed > 0 {
		size = m.chunk()
	}
	for m.written < p.thinking {
		if err := m.emit(min(size, p.thinking-m.written)); err != nil {
			return false, err
		}
	}
	if p.shown != "" {
		m.delta(index, "thinking_delta", "thinking", p.shown)
	}
	m.delta(index, "signature_delta", "signature", signature)
	m.stop(index)
	return true, m.sent(false)
}

func (m *answering) textBlock(index int) (bool, error) {
	p := m.plan
	if p.text == "" {
		return false, nil
	}
	m.open(index, []byte(`{"type":"text","text":""}`))
	tokens := p.output - p.thinking
	if p.tool != nil {
		tokens = min(tokens, m.w.model.tokens(len(p.text)))
	}
	if err := m.pieces(p.text, tokens, func(piece string) { m.delta(index, "text_delta", "text", piece) }); err != nil {
		return false, err
	}
	m.stop(index)
	return true, m.sent(false)
}

func (m *answering) toolBlock(index int) (bool, error) {
	p := m.plan
	if p.tool == nil {
		return false, nil
	}
	start := append([]byte(`{"type":"tool_use","id":"`), p.toolID...)
	start = append(appendString(append(start, `","name":`...), p.tool.Name), `,"input":{}}`...)
	m.open(index, start)
	m.delta(index, "input_json_delta", "partial_json", "")
	send := func(piece string) { m.delta(index, "input_json_delta", "partial_json", piece) }
	if err := m.pieces(string(p.tool.Input), p.output-m.written, send); err != nil {
		return false, err
	}
	m.stop(index)
	return true, m.sent(false)
}

// pieces sends a text in pieces, at the plan's speed, and lets it fail where
// the plan says so.
func (m *answering) pieces(text string, tokens int64, send func(string)) error {
	size := m.chunk()
	count := max(1, (tokens+size-1)/size)
	step := m.plan.speed > 0 || m.plan.fail.Kind != ""
	if !step { // one charge for all
		if err := m.emit(tokens); err != nil {
			return err
		}
	}
	done, from := int64(0), 0
	for i := range count {
		if int(i) == m.plan.fail.After {
			if err := m.fail(); err != nil {
				return err
			}
		}
		until := tokens * (i + 1) / count
		if step {
			if err := m.emit(until - done); err != nil {
				return err
			}
		}
		done = until
		to := boundary(text, int(int64(len(text))*(i+1)/count))
		if i == count-1 {
			to = len(text)
		}
		if to > from {
			send(text[from:to])
		}
		from = to
		if err := m.sent(false); err != nil {
			return err
		}
	}
	return nil
}
