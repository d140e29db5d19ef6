package claudetest

import (
	"encoding/json"
	"fmt"
	"slices"
)

const (
	oldVersion = "2023-06-01"
	newVersion = "2026-10-21" // refuses sampling parameters, https://platform.claude.com/docs/en/api/versioning
)

// prepare resolves the model, checks the request against the rules of the API
// version and of the model, and measures it. The rules are those of
// https://platform.claude.com/docs/en/about-claude/models/overview and of the
// "what's new" pages that it links.
func (s *Server) prepare(w *wireRequest, version string, countOnly bool) *apiError {
	if w.Model == "" {
		return invalid("model: Field required")
	}
	m, failed := s.lookup(w.Model)
	if failed != nil {
		return failed
	}
	w.model = m
	checks := []func(string) *apiError{w.checkTurns, w.checkSampling, w.checkThinking, w.checkTools, w.checkOutput, w.checkCache}
	if !countOnly {
		checks = append(checks, w.checkMaxTokens)
	}
	for _, check := range checks {
		if failed := check(version); failed != nil {
			return failed
		}
	}
	w.measure(m)
	if w.input > m.context {
		return invalid(fmt.Sprintf("prompt is too long: %d tokens > %d maximum", w.input, m.context))
	}
	return nil
}

func (w *wireRequest) checkMaxTokens(string) *apiError {
	switch {
	case w.MaxTokens == nil:
		return invalid("max_tokens: Field required")
	case *w.MaxTokens < 0:
		return invalid("max_tokens: Input should be greater than or equal to 0")
	case *w.MaxTokens > w.model.maxOutput:
		return invalid(fmt.Sprintf("max_tokens: %d > %d, which is the maximum allowed number of output tokens for %s",
			*w.MaxTokens, w.model.maxOutput, w.model.id))
	case *w.MaxTokens == 0:
		return w.checkPrimer()
	case w.Thinking != nil && w.Thinking.Budget != nil && *w.Thinking.Budget >= *w.MaxTokens:
		return invalid("`max_tokens` must be greater than `thinking.budget_tokens`")
	}
	return nil
}

// checkPrimer is for max_tokens 0, which writes the cache and answers nothing.
func (w *wireRequest) checkPrimer() *apiError {
	switch {
	case w.Stream:
		return invalid("max_tokens: 0 is not supported with stream: true")
	case w.Thinking != nil && w.Thinking.Type == "enabled":
		return invalid("max_tokens: 0 is not supported with thinking.type: enabled")
	case w.format != nil:
		return invalid("max_tokens: 0 is not supported with output_config.format")
	case w.forced():
		return invalid("max_tokens: 0 is not supported with a forced tool_choice")
	}
	return nil
}

func (w *wireRequest) checkTurns(version string) *apiError {
	if len(w.Messages) == 0 {
		return invalid("messages: at least one message is required")
	}
	for i, m := range w.Messages {
		if !slices.Contains([]string{"user", "assistant", "system"}, m.Role) {
			return invalid(fmt.Sprintf("messages.%d.role: Input should be 'user', 'assistant' or 'system'", i))
		}
		if len(w.turns[i]) == 0 && m.Role != "assistant" {
			return invalid(fmt.Sprintf("messages.%d: user messages must have non-empty content", i))
		}
		for _, b := range w.turns[i] {
			if b.kind == "text" && b.text == "" {
				return invalid("messages: text content blocks must be non-empty")
			}
			if version == newVersion && m.Role == "assistant" && b.kind == "document" {
				return invalid(fmt.Sprintf("messages.%d.content: document blocks are not allowed in assistant messages", i))
			}
		}
	}
	if w.Messages[len(w.Messages)-1].Role == "assistant" && (w.model.noPrefill || w.format != nil) {
		return invalid("This model does not support assistant message prefill. The conversation must end with a user message.")
	}
	return nil
}

func (w *wireRequest) checkSampling(version string) *apiError {
	for _, p := range []struct {
		name     string
		value    *float64
		standard float64
	}{{"temperature", w.Temperature, 1}, {"top_p", w.TopP, 1}, {"top_k", w.TopK, -1}} {
		switch {
		case p.value == nil:
		case version == newVersion:
			return invalid(p.name + ": Extra inputs are not permitted")
		case w.model.noSampling && *p.value != p.standard:
			return invalid(fmt.Sprintf("`%s` is not supported for this model.", p.name))
		}
	}
	return nil
}

func (w *wireRequest) checkThinking(string) *apiError {
	if w.OutputConfig != nil && w.OutputConfig.Effort != nil && !slices.Contains(w.model.efforts, *w.OutputConfig.Effort) {
		if len(w.model.efforts) == 0 {
			return invalid("This model does not support the effort parameter.")
		}
		return invalid(fmt.Sprintf("output_config.effort: Input should be one of %v for this model", w.model.efforts))
	}
	t, rule := w.Thinking, w.model.thinking
	if t == nil {
		return nil
	}
	allowed, ok := map[string]bool{
		"adaptive": rule.adaptive, "enabled": rule.enabled, "disabled": rule.disabled, "between_tools": rule.betweenTools,
	}[t.Type]
	switch {
	case !ok:
		return invalid("thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or 'enabled'")
	case !allowed:
		return invalid(fmt.Sprintf(`"thinking.type.%s" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`, t.Type))
	case t.Type == "enabled" && (t.Budget == nil || *t.Budget < 1024):
		return invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
	case t.Type != "enabled" && t.Budget != nil, t.Type == "between_tools" && t.Display != "":
		return invalid("thinking." + t.Type + ": Extra inputs are not permitted")
	case t.Type == "enabled" && w.forced():
		return invalid("Thinking may not be enabled when tool_choice forces tool use.")
	}
	off := t.Type == "disabled" || t.Type == "between_tools"
	if off && rule.byDefault && slices.Contains([]string{"xhigh", "max"}, w.effort()) {
		return invalid(fmt.Sprintf(`"thinking.type.%s" is not supported at effort %q for this model.`, t.Type, w.effort()))
	}
	return nil
}

func (w *wireRequest) checkTools(string) *apiError {
	if w.ToolChoice == nil {
		return nil
	}
	switch {
	case !slices.Contains([]string{"auto", "any", "tool", "none"}, w.ToolChoice.Type):
		return invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
	case w.forced() && w.model.noForcedTool:
		return invalid(`tool_choice: type "tool" and "any" are not supported for this model.`)
	case len(w.tools) == 0 && w.ToolChoice.Type != "none":
		return invalid("tool_choice: may only be specified while providing tools.")
	case w.ToolChoice.Type == "tool" && !slices.ContainsFunc(w.tools, func(b block) bool { return b.text == w.ToolChoice.Name }):
		return invalid(fmt.Sprintf("tool_choice: Tool '%s' not found in provided tools", w.ToolChoice.Name))
	}
	return nil
}

func (w *wireRequest) checkOutput(string) *apiError {
	if w.OutputConfig == nil || w.OutputConfig.Format == nil {
		return nil
	}
	f := w.OutputConfig.Format
	if f.Type != "json_schema" {
		return invalid("output_config.format.type: Input should be 'json_schema'")
	}
	var root any
	if err := json.Unmarshal(f.Schema, &root); err != nil {
		return invalid("output_config.format.schema: Field required")
	}
	if err := checkSchema(root); err != nil {
		return invalid("output_config.format.schema: " + err.Error())
	}
	w.format = f.Schema
	return nil
}
