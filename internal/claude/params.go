package claude

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/param"

	"github.com/forebayhq/forebay/internal/catalog"
)

// Thinking is on by default on the newest models and eats into max_tokens; a
// budget up to this is too small for it.
const smallBudget = 4096

// messageParams writes a request in the SDK's terms. Equal requests give equal
// bytes: the prompt cache is keyed by them.
func messageParams(r Request) (anthropic.MessageNewParams, error) {
	model, known := catalog.Lookup(r.Model)
	output, err := outputConfig(r, model, known)
	if err != nil {
		return anthropic.MessageNewParams{}, err
	}
	return anthropic.MessageNewParams{
		Model:        r.Model,
		MaxTokens:    int64(r.MaxTokens),
		System:       system(r),
		Messages:     []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(r.Prompt))},
		Thinking:     thinking(r, model, known),
		OutputConfig: output,
	}, nil
}

// system returns the system prompt, with the cache breakpoint at its end: it is
// the last block that all requests of a hook share
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
func system(r Request) []anthropic.TextBlockParam {
	if r.System == "" {
		return nil
	}
	block := anthropic.TextBlockParam{Text: r.System}
	switch r.Cache {
	case "5m":
		block.CacheControl = anthropic.CacheControlEphemeralParam{TTL: anthropic.CacheControlEphemeralTTLTTL5m}
	case "1h":
		block.CacheControl = anthropic.CacheControlEphemeralParam{TTL: anthropic.CacheControlEphemeralTTLTTL1h}
	}
	return []anthropic.TextBlockParam{block}
}

// thinking returns what to send about thinking; nothing leaves the model's
// default. Nothing is ever sent to a model that the catalog does not know.
func thinking(r Request, m catalog.Model, known bool) anthropic.ThinkingConfigParamUnion {
	switch {
	case !known:
		return anthropic.ThinkingConfigParamUnion{}
	case r.Thinking == "on":
		return thinkingOn(r, m)
	case r.Thinking == "off", r.MaxTokens <= smallBudget:
		return thinkingOff(m)
	}
	return anthropic.ThinkingConfigParamUnion{}
}

// thinkingOn turns thinking on where it is off by default.
func thinkingOn(r Request, m catalog.Model) anthropic.ThinkingConfigParamUnion {
	if m.Thinking.Default != "off" {
		return anthropic.ThinkingConfigParamUnion{}
	}
	const least = 1024 // the smallest budget that the API takes; it must be below max_tokens
	switch {
	case m.Thinking.On == "adaptive":
		return anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{}}
	case m.Thinking.On == "budget" && r.MaxTokens > least:
		return anthropic.ThinkingConfigParamOfEnabled(int64(max(r.MaxTokens/2, least)))
	}
	return anthropic.ThinkingConfigParamUnion{}
}

// thinkingOff asks for as little thinking as the model allows.
func thinkingOff(m catalog.Model) anthropic.ThinkingConfigParamUnion {
	if m.Thinking.Default == "off" {
		return anthropic.ThinkingConfigParamUnion{}
	}
	switch m.Thinking.Off {
	case "disabled":
		return anthropic.ThinkingConfigParamUnion{OfDisabled: new(anthropic.NewThinkingConfigDisabledParam())}
	case "between_tools":
		return anthropic.ThinkingConfigParamUnion{OfBetweenTools: new(anthropic.NewThinkingConfigBetweenToolsParam())}
	}
	return anthropic.ThinkingConfigParamUnion{}
}

// outputConfig returns effort and schema. The schema is sent with its keys in
// the order in which its author wrote them: the model answers in that order,
// and the bytes are always the same.
func outputConfig(r Request, m catalog.Model, known bool) (anthropic.OutputConfigParam, error) {
	var c anthropic.OutputConfigParam
	if r.Effort != "" && (!known || m.Effort(r.Effort)) {
		c.Effort = anthropic.OutputConfigEffort(r.Effort)
	}
	if r.Schema == nil {
		return c, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, r.Schema); err != nil {
		return c, fmt.Errorf("output schema: %w", err)
	}
	format, err := json.Marshal(struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}{"json_schema", compact.Bytes()})
	if err != nil {
		return c, fmt.Errorf("output schema: %w", err)
	}
	c.Format = param.Override[anthropic.JSONOutputFormatParam](json.RawMessage(format))
	return c, nil
}
