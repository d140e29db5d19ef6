package claudetest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"
)

// A Reply is what the model would say. Zero fields are filled in by the
// simulator, so that Reply{Text: "yes"} is a whole one.
type Reply struct {
	Text     string
	Thinking string   // shown only when the request asks for display "summarized"
	Tool     *ToolUse // behind the text
	// Empty sends no text at all, where an empty Text would be filled in.
	Empty bool
	// OutputTokens is the whole output, thinking included. 0: estimated from
	// the text, plus ThinkingTokens.
	OutputTokens int64
	// ThinkingTokens is the part that thinking takes. 0: by Options.ThinkingShare
	// where the model thinks.
	ThinkingTokens int64
	StopReason     string // empty: end_turn, tool_use, stop_sequence or max_tokens, as it comes
	// Latency and TokensPerSecond replace those of the options. Negative: at once.
	Latency         time.Duration
	TokensPerSecond float64
	// Fail makes the reply go wrong.
	Fail *Failure
}

// A ToolUse asks for a tool to be run.
type ToolUse struct {
	Name  string
	Input json.RawMessage
}

// A plan is a reply with everything decided: what is written, how fast, and
// what goes wrong.
type plan struct {
	thinking     int64 // tokens
	shown        string
	thinks       bool // a thinking block comes first
	text         string
	tool         *ToolUse
	toolID       string
	output       int64 // tokens in all
	stop         string
	stopSequence string
	details      json.RawMessage // stop_details
	latency      time.Duration
	speed        float64 // tokens per second; 0: at once
	fail         Failure // of the kinds that come while the reply is written; zero: none
}

// plan decides a reply. What varies comes from the seed and the body alone.
func (s *Server) plan(w *wireRequest, r Request, reply Reply, f *Failure) *plan {
	rng := rand.New(rand.NewPCG(s.Seed^w.hash, 0x5eed))
	if f == nil {
		f = reply.Fail
	}
	p := &plan{shown: reply.Thinking, tool: reply.Tool, stop: reply.StopReason}
	p.pace(s, reply, rng)
	p.thinks = r.Thinking && s.ThinkingShare >= 0
	p.words(s, w, r, reply, rng)
	if p.tool != nil {
		p.toolID = "toolu_01" + randomID(rng, 22)
	}
	if f != nil {
		p.spoil(w, f, rng)
	}
	p.cut(w)
	return p
}

func (p *plan) pace(s *Server, reply Reply, rng *rand.Rand) {
	p.latency, p.speed = s.Latency, s.TokensPerSecond
	if reply.Latency != 0 {
		p.latency = max(reply.Latency, 0)
	}
	if reply.TokensPerSecond != 0 {
		p.speed = max(reply.TokensPerSecond, 0)
	}
	if s.Jitter > 0 {
		p.latency = time.Duration(float64(p.latency) * (1 + s.Jitter*(2*rng.Float64()-1)))
		p.speed *= 1 + s.Jitter*(2*rng.Float64()-1)
	}
}

// words finds the text, the tool call and how many tokens they are.
func (p *plan) words(s *Server, w *wireRequest, r Request, reply Reply, rng *rand.Rand) {
	share := s.ThinkingShare
	if share == 0 {
		share = 0.25
	}
	target := s.Output.draw(rng)
	p.text = reply.Text
	switch {
	case p.text != "" || reply.Empty || p.tool != nil:
		target = 0
	case w.forced():
		p.tool, target = w.sampleTool(rng), 0
	case w.format != nil:
		p.text, target = sampleJSON(w.format, rng), 0
	default:
		p.text = answer(w, r)
	}
	if target > 0 {
		if p.thinks {
			p.thinking = int64(float64(target) * share)
		}
		p.text = fill(p.text, int((target-p.thinking)*w.model.bytesPer10/10), rng)
	}
	written := w.model.tokens(len(p.text))
	if p.tool != nil {
		written += w.model.tokens(len(p.tool.Input) + len(p.tool.Name))
	}
	switch {
	case !p.thinks:
		p.thinking = 0
	case reply.ThinkingTokens > 0:
		p.thinking = reply.ThinkingTokens
	case target == 0:
		p.thinking = int64(math.Ceil(float64(written) * share / (1 - share)))
	}
	p.output = p.thinking + written
	if reply.OutputTokens > 0 {
		p.output = max(reply.OutputTokens, p.thinking)
	}
}

// draw returns a length, or 0 when none is asked for.
func (l Lengths) draw(rng *rand.Rand) int64 {
	if l.Median <= 0 {
		return 0
	}
	n := int64(math.Round(float64(l.Median) * math.Exp(l.Sigma*rng.NormFloat64())))
	if l.Max > 0 {
		n = min(n, l.Max)
	}
	return max(n, 1)
}

func (w *wireRequest) sampleTool(rng *rand.Rand) *ToolUse {
	for _, tool := range w.tools {
		if w.ToolChoice.Type == "tool" && tool.text != w.ToolChoice.Name {
			continue
		}
		var fields struct {
			Schema json.RawMessage `json:"input_schema"`
		}
		if err := json.Unmarshal(tool.raw, &fields); err != nil {
			continue
		}
		return &ToolUse{tool.text, json.RawMessage(sampleJSON(fields.Schema, rng))}
	}
	return nil
}

// spoil applies the failures that are a matter of what is said; the others are
// kept for the writer.
func (p *plan) spoil(w *wireRequest, f *Failure, rng *rand.Rand) {
	p.fail = *f
	limit := int64(1024)
	if w.MaxTokens != nil {
		limit = min(*w.MaxTokens, 16_384)
	}
	switch f.Kind {
	case Refusal:
		p.clear(0)
		p.refuse(f)
	case RefusalMidStream:
		p.text = p.text[:boundary(p.text, len(p.text)/2)]
		p.refuse(f)
	case ThinkingOnly:
		p.clear(limit)
		p.thinking, p.stop = limit, "max_tokens"
	case MaxTokens:
		p.text = fill(p.text, int((limit-p.thinking+1)*w.model.bytesPer10/10), rng)
		p.output, p.stop = limit, "max_tokens"
	case ContextWindow:
		p.text, p.stop = p.text[:boundary(p.text, len(p.text)/2)], "model_context_window_exceeded"
	case Empty:
		p.clear(2)
		p.stop = "end_turn"
	case PauseTurn:
		p.stop = "pause_turn"
	case UnknownStopReason:
		p.stop = "simulated_new_reason"
	case Huge:
		size := f.Bytes
		if size == 0 {
			size = 4 << 20
		}
		p.text = fill(p.text, size, rng)
		p.output = p.thinking + w.model.tokens(size)
	}
}

func (p *plan) clear(output int64) {
	p.text, p.tool, p.thinking, p.thinks, p.output = "", nil, 0, p.thinks && output > 2, output
}

func (p *plan) refuse(f *Failure) {
	category := f.Category
	if category == "" {
		category = "general_harms"
	}
	p.stop, p.tool = "refusal", nil
	p.details = mustJSON(map[string]any{
		"type": "refusal", "category": category, "explanation": "This request was declined (simulated).",
	})
}

// cut ends the text at a stop sequence or at max_tokens, whichever comes
// first, and settles the stop reason.
func (p *plan) cut(w *wireRequest) {
	for _, sequence := range w.StopSequences {
		if at := strings.Index(p.text, sequence); at >= 0 && sequence != "" && p.stop == "" {
			p.text, p.tool, p.stop, p.stopSequence = p.text[:at], nil, "stop_sequence", sequence
			p.output = p.thinking + w.model.tokens(len(p.text))
		}
	}
	if w.MaxTokens != nil && p.output > *w.MaxTokens && p.fail.Kind != Huge {
		p.truncate(*w.MaxTokens)
	}
	if p.stop == "" {
		p.stop = "end_turn"
		if p.tool != nil {
			p.stop = "tool_use"
		}
	}
}

func (p *plan) truncate(limit int64) {
	if p.stop != "refusal" {
		p.stop, p.stopSequence = "max_tokens", ""
	}
	if p.thinking >= limit {
		p.thinking, p.text, p.tool = limit, "", nil
	} else {
		keep := float64(limit-p.thinking) / float64(p.output-p.thinking)
		p.text = p.text[:boundary(p.text, int(keep*float64(len(p.text))))]
		p.tool = nil
	}
	p.output = limit
}

// boundary moves n down to the start of a character.
func boundary(text string, n int) int {
	n = min(max(n, 0), len(text))
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

// answer is the simulated text: it says that it is one, and what the request
// was made of.
func answer(w *wireRequest, r Request) string {
	bytes := len(r.System)
	for _, m := range r.Messages {
		bytes += len(m.Text)
	}
	var b strings.Builder
	b.Grow(400)
	fmt.Fprintf(&b, "**Simulated answer** (no model has read this)\n\n- Asked of %s: %d message(s), %s bytes, about %s tokens.\n",
		w.model.id, len(r.Messages), thousands(int64(bytes)), thousands(w.input))
	prompt := r.Prompt()
	lines, hunks, added, removed := shape(prompt)
	fmt.Fprintf(&b, "- The last message has %s bytes in %d line(s).\n", thousands(int64(len(prompt))), lines)
	if hunks > 0 {
		fmt.Fprintf(&b, "- It looks like a diff of %d hunk(s): %d line(s) added, %d removed.\n", hunks, added, removed)
	}
	return b.String()
}

// shape counts lines, and what looks like a diff.
func shape(text string) (lines, hunks, added, removed int) {
	for line := range strings.Lines(text) {
		lines++
		switch {
		case strings.HasPrefix(line, "@@ "):
			hunks++
		case strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "--- "):
		case strings.HasPrefix(line, "+"):
			added++
		case strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "- "):
			removed++
		}
	}
	return lines, hunks, added, removed
}

// fill brings a text to a length in bytes.
func fill(text string, n int, rng *rand.Rand) string {
	if n <= len(text) {
		return text[:boundary(text, n)]
	}
	remarks := [...]string{
		"the change is small and touches one concern",
		"the new branch is not covered by a test",
		"an error is returned without the name of the file",
		"the public function has no comment",
		"the loop could end earlier",
		"the default differs from the documentation",
	}
	var b strings.Builder
	b.Grow(n + 96)
	b.WriteString(text)
	for i := 1; b.Len() < n; i++ {
		fmt.Fprintf(&b, "- Simulated remark %d: %s.\n", i, remarks[rng.IntN(len(remarks))])
	}
	filled := b.String()
	return filled[:boundary(filled, n)]
}
