package claudetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
)

// A Request is what a script, a hook or a reply can know of a call.
type Request struct {
	// Endpoint is one of messages, count_tokens, models, rate_limits,
	// batches.create, batches.list, batches.get, batches.cancel,
	// batches.delete and batches.results. What follows is filled for
	// messages, count_tokens and the requests inside a batch.
	Endpoint string
	Header   http.Header

	Model       string
	MaxTokens   int64
	Stream      bool
	System      string    // its text blocks, joined by a blank line
	Messages    []Message // text only
	UserID      string    // metadata.user_id
	InputTokens int64     // as estimated, cached or not
	Thinking    bool      // the model will think
	Format      bool      // a JSON schema was given
	Hash        uint64    // of the body's bytes: equal for a repeated call
}

// A Message is one turn.
type Message struct{ Role, Text string }

// Prompt returns the text of the last turn.
func (r Request) Prompt() string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Text
}

// A wireRequest is the body of POST /v1/messages,
// https://platform.claude.com/docs/en/api/messages.
type wireRequest struct {
	Model         string            `json:"model"`
	MaxTokens     *int64            `json:"max_tokens"`
	Messages      []wireMessage     `json:"messages"`
	System        json.RawMessage   `json:"system"`
	Stream        bool              `json:"stream"`
	StopSequences []string          `json:"stop_sequences"`
	Temperature   *float64          `json:"temperature"`
	TopP          *float64          `json:"top_p"`
	TopK          *float64          `json:"top_k"`
	Thinking      *wireThinking     `json:"thinking"`
	ToolChoice    *wireToolChoice   `json:"tool_choice"`
	Tools         []json.RawMessage `json:"tools"`
	OutputConfig  *wireOutput       `json:"output_config"`
	CacheControl  *cacheControl     `json:"cache_control"`
	Metadata      *wireMetadata     `json:"metadata"`
	ServiceTier   string            `json:"service_tier"`
	InferenceGeo  *string           `json:"inference_geo"`
	Speed         *string           `json:"speed"`
	Container     json.RawMessage   `json:"container"`
	Diagnostics   json.RawMessage   `json:"diagnostics"`

	model  *model
	system []block
	turns  [][]block
	tools  []block
	hash   uint64
	format json.RawMessage // the schema of output_config.format
	input  int64
}

type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type wireThinking struct {
	Type    string `json:"type"`
	Budget  *int64 `json:"budget_tokens"`
	Display string `json:"display"`
}

type wireToolChoice struct {
	Type            string `json:"type"`
	Name            string `json:"name"`
	DisableParallel bool   `json:"disable_parallel_tool_use"`
}

type wireOutput struct {
	Effort *string `json:"effort"`
	Format *struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	} `json:"format"`
	TaskBudget json.RawMessage `json:"task_budget"`
}

type wireMetadata struct {
	UserID *string `json:"user_id"`
}

type cacheControl struct {
	Type string `json:"type"`
	TTL  string `json:"ttl"`
}

// A block is one part of the prompt that can carry a cache breakpoint.
type block struct {
	kind   string
	text   string // of a text block
	raw    json.RawMessage
	cache  *cacheControl
	tokens int64
}

// decode reads a body. It never panics; what it refuses is a 400 with the
// place in the message, as the API does.
func decode(body []byte) (*wireRequest, *apiError) {
	w := new(wireRequest)
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields() // the API says "Extra inputs are not permitted"
	if err := decoder.Decode(w); err != nil {
		return nil, decodeError("", err)
	}
	if decoder.More() {
		return nil, invalid("The request body is not valid JSON: text after the value")
	}
	sum := fnv.New64a()
	sum.Write(body)
	w.hash = sum.Sum64()

	var failed *apiError
	if w.system, failed = blocksOf(w.System, "system"); failed != nil {
		return nil, failed
	}
	for i, m := range w.Messages {
		turn, failed := blocksOf(m.Content, fmt.Sprintf("messages.%d.content", i))
		if failed != nil {
			return nil, failed
		}
		w.turns = append(w.turns, turn)
	}
	for i, raw := range w.Tools {
		tool, failed := decodeTool(raw, fmt.Sprintf("tools.%d", i))
		if failed != nil {
			return nil, failed
		}
		w.tools = append(w.tools, tool)
	}
	return w, nil
}

func decodeError(place string, err error) *apiError {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field != "" {
			place = strings.TrimPrefix(place+"."+wrong.Field, ".")
		}
		return invalid(fmt.Sprintf("%s: Input should be a valid %s", place, wrong.Type))
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return invalid(strings.TrimPrefix(place+"."+strings.Trim(name, `"`), ".") + ": Extra inputs are not permitted")
	}
	return invalid("The request body is not valid JSON: " + err.Error())
}

// blocksOf reads content that is a string or a list of blocks.
func blocksOf(raw json.RawMessage, place string) ([]block, *apiError) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil, nil
	}
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, decodeError(place, err)
		}
		return []block{{kind: "text", text: text, raw: raw}}, nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, invalid(place + ": Input should be a valid string or list")
	}
	blocks := make([]block, 0, len(parts))
	for i, part := range parts {
		b, failed := decodeBlock(part, fmt.Sprintf("%s.%d", place, i))
		if failed != nil {
			return nil, failed
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func decodeBlock(raw json.RawMessage, place string) (block, *apiError) {
	var fields struct {
		Type      string          `json:"type"`
		Text      *string         `json:"text"`
		Cache     *cacheControl   `json:"cache_control"`
		Citations json.RawMessage `json:"citations"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return block{}, decodeError(place, err)
	}
	if fields.Type == "" {
		return block{}, invalid(place + ".type: Field required")
	}
	b := block{kind: fields.Type, raw: raw, cache: fields.Cache}
	if fields.Type == "text" {
		if fields.Text == nil {
			return block{}, invalid(place + ".text.text: Field required")
		}
		b.text = *fields.Text
	}
	return b, nil
}

func decodeTool(raw json.RawMessage, place string) (block, *apiError) {
	var fields struct {
		Name  string        `json:"name"`
		Cache *cacheControl `json:"cache_control"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return block{}, decodeError(place, err)
	}
	if fields.Name == "" {
		return block{}, invalid(place + ".name: Field required")
	}
	return block{kind: "tool", raw: raw, cache: fields.Cache, text: fields.Name}, nil
}

// Tokens that a turn and a request cost besides their text, and those of an image.
const (
	turnTokens    = 4
	requestTokens = 7
	toolsTokens   = 286 // the system prompt that tools bring along
	imageTokens   = 1_600
)

// measure fills in the token counts: the estimate of each block's text (of its
// JSON, where it is not text), and a few tokens for each turn and the request.
func (w *wireRequest) measure(m *model) {
	w.model = m
	total := int64(requestTokens)
	for _, list := range append([][]block{w.tools, w.system}, w.turns...) {
		for i := range list {
			list[i].tokens = m.blockTokens(list[i])
			total += list[i].tokens
		}
	}
	if len(w.tools) > 0 {
		total += toolsTokens
	}
	total += m.tokens(len(w.format))
	w.input = total + turnTokens*int64(len(w.turns))
}

func (m *model) blockTokens(b block) int64 {
	switch b.kind {
	case "text":
		return m.tokens(len(b.text))
	case "image":
		return imageTokens
	}
	return m.tokens(len(b.raw))
}

// request gives the hooks their view.
func (w *wireRequest) request(endpoint string, header http.Header) Request {
	r := Request{
		Endpoint: endpoint, Header: header, Model: w.model.id, Stream: w.Stream,
		System: textOf(w.system), InputTokens: w.input, Thinking: w.thinks(),
		Format: w.format != nil, Hash: w.hash,
	}
	if w.MaxTokens != nil {
		r.MaxTokens = *w.MaxTokens
	}
	if w.Metadata != nil && w.Metadata.UserID != nil {
		r.UserID = *w.Metadata.UserID
	}
	for i, m := range w.Messages {
		r.Messages = append(r.Messages, Message{m.Role, textOf(w.turns[i])})
	}
	return r
}

func textOf(blocks []block) string {
	if len(blocks) == 1 && blocks[0].kind == "text" {
		return blocks[0].text
	}
	var texts []string
	for _, b := range blocks {
		if b.kind == "text" {
			texts = append(texts, b.text)
		}
	}
	return strings.Join(texts, "\n\n")
}

// thinks reports whether the model thinks before it answers.
func (w *wireRequest) thinks() bool {
	if w.Thinking == nil {
		return w.model.thinking.byDefault
	}
	return w.Thinking.Type == "adaptive" || w.Thinking.Type == "enabled"
}

func (w *wireRequest) effort() string {
	if w.OutputConfig != nil && w.OutputConfig.Effort != nil {
		return *w.OutputConfig.Effort
	}
	return w.model.effort
}

// forced reports whether the request makes the model use a tool.
func (w *wireRequest) forced() bool {
	return w.ToolChoice != nil && slices.Contains([]string{"any", "tool"}, w.ToolChoice.Type)
}
