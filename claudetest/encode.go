package claudetest

import (
	"strconv"
	"unicode/utf8"
)

// Usage is the usage object of a message.
type usage struct {
	input, write5m, write1h, read, output, thinking int64
	tier                                            string
}

func appendField(b []byte, name string, n int64) []byte {
	b = append(b, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, n, 10)
}

// appendUsage writes the whole object, as it stands in a message.
func appendUsage(b []byte, u usage) []byte {
	b = u.counts(append(b, '{'))
	b = append(b, `,"cache_creation":{`...)
	b = append(appendField(b, "ephemeral_5m_input_tokens", u.write5m), ',')
	b = appendField(b, "ephemeral_1h_input_tokens", u.write1h)
	b = append(b, `},`...)
	b = appendField(b, "output_tokens", u.output)
	b = append(b, `,"output_tokens_details":{`...)
	b = appendField(b, "thinking_tokens", u.thinking)
	b = append(b, `},"server_tool_use":null,"inference_geo":"global","service_tier":"`...)
	b = append(b, u.tier...)
	return append(b, `"}`...)
}

// appendDeltaUsage writes the cumulative object of a message_delta.
func appendDeltaUsage(b []byte, u usage) []byte {
	b = append(u.counts(append(b, '{')), ',')
	b = appendField(b, "output_tokens", u.output)
	b = append(b, `,"output_tokens_details":{`...)
	b = appendField(b, "thinking_tokens", u.thinking)
	return append(b, `}}`...)
}

func (u usage) counts(b []byte) []byte {
	b = append(appendField(b, "input_tokens", u.input), ',')
	b = append(appendField(b, "cache_creation_input_tokens", u.write5m+u.write1h), ',')
	return appendField(b, "cache_read_input_tokens", u.read)
}

// appendMessage writes a message: whole, or as it stands in message_start,
// without content and stop reason, when p is nil.
func appendMessage(b []byte, modelID, id string, p *plan, u usage) []byte {
	b = append(b, `{"model":`...)
	b = appendString(b, modelID)
	b = append(b, `,"id":"`...)
	b = append(b, id...)
	b = append(b, `","type":"message","role":"assistant","content":[`...)
	if p == nil {
		b = append(b, `],"container":null,"stop_reason":null,"stop_sequence":null,"stop_details":null`...)
	} else {
		b = p.appendContent(b)
		b = append(b, `],"container":null,"diagnostics":null,`...)
		b = p.appendStop(b)
	}
	b = append(b, `,"usage":`...)
	return append(appendUsage(b, u), '}')
}

func (p *plan) appendStop(b []byte) []byte {
	b = append(b, `"stop_reason":`...)
	b = appendString(b, p.stop)
	b = append(b, `,"stop_sequence":`...)
	if p.stopSequence == "" {
		b = append(b, `null`...)
	} else {
		b = appendString(b, p.stopSequence)
	}
	b = append(b, `,"stop_details":`...)
	if p.details == nil {
		return append(b, `null`...)
	}
	return append(b, p.details...)
}

func (p *plan) appendContent(b []byte) []byte {
	start := len(b)
	comma := func() {
		if len(b) > start {
			b = append(b, ',')
		}
	}
	if p.thinks {
		b = append(b, `{"type":"thinking","thinking":`...)
		b = appendString(b, p.shown)
		b = append(b, `,"signature":"`...)
		b = append(b, signature...)
		b = append(b, `"}`...)
	}
	if p.text != "" {
		comma()
		b = append(b, `{"type":"text","text":`...)
		b = append(appendString(b, p.text), '}')
	}
	if p.tool != nil {
		comma()
		b = append(b, `{"type":"tool_use","id":"`...)
		b = append(b, p.toolID...)
		b = append(b, `","name":`...)
		b = appendString(b, p.tool.Name)
		b = append(b, `,"input":`...)
		b = append(append(b, p.tool.Input...), '}')
	}
	return b
}

const signature = "EqQBCkYIARgCKkBzaW11bGF0ZWQgc2lnbmF0dXJlIG9mIGEgdGhpbmtpbmcgYmxvY2s="

// appendString writes a JSON string. Unlike encoding/json it leaves <, > and &
// as they are, as the API does.
func appendString(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(text[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, text[from:i]...)
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, `\ufffd`...)
		}
		i++
		from = i
	}
	b = append(b, text[from:]...)
	return append(b, '"')
}
