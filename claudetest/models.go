package claudetest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A model is what the simulator knows of one model: the rules that its
// requests must keep, from the "what's new" page of each model, and its place
// in the models list.
type model struct {
	id        string
	aliases   []string
	name      string
	class     string // models of one class share their rate limits
	released  string // date; empty: not known
	state     string // active, deprecated, retired
	retires   string // date; empty: none is set
	context   int64
	maxOutput int64

	thinking thinkingRule
	efforts  []string // empty: output_config.effort is refused
	effort   string   // when the request names none

	noForcedTool bool  // tool_choice any and tool are refused
	noPrefill    bool  // a last turn of the assistant is refused
	noSampling   bool  // temperature, top_p, top_k may only hold their defaults
	cacheMinimum int64 // tokens below which a prefix is silently not cached
	bytesPer10   int64 // bytes of text per ten tokens
}

// A thinkingRule says which thinking types a model takes.
type thinkingRule struct {
	byDefault    bool // it thinks when the request says nothing
	disabled     bool
	betweenTools bool
	adaptive     bool
	enabled      bool // with a budget
}

// models returns the table, newest first. The classes are those of
// https://platform.claude.com/docs/en/api/rate-limits, the states those of
// .../about-claude/model-deprecations.
func models() []model {
	five, dense := []string{"low", "medium", "high", "xhigh", "max"}, int64(30)
	four, loose := []string{"low", "medium", "high", "max"}, int64(40)
	always := thinkingRule{byDefault: true, adaptive: true}
	optional := thinkingRule{byDefault: true, adaptive: true, disabled: true}
	between := thinkingRule{byDefault: true, adaptive: true, betweenTools: true}
	asked := thinkingRule{adaptive: true, disabled: true}
	askedBudget := thinkingRule{adaptive: true, disabled: true, enabled: true}
	budget := thinkingRule{disabled: true, enabled: true}

	rows := []model{
		{id: "claude-fable-5-2", class: "fable-5", released: "2026-11-09", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-mythos-5-2", class: "mythos-5", released: "2026-11-09", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-haiku-5-5", class: "haiku-5-5", released: "2026-10-07", thinking: optional, effort: "medium", cacheMinimum: 512},
		{id: "claude-sonnet-5-5", class: "sonnet-5-5", released: "2026-09-28", thinking: between, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-opus-5-5", class: "opus-5-5", released: "2026-09-22", thinking: always, noForcedTool: true, effort: "medium", cacheMinimum: 512},
		{id: "claude-fable-5-1", class: "fable-5", released: "2026-09-01", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-mythos-5-1", class: "mythos-5", released: "2026-09-01", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-opus-5", class: "opus-5", released: "2026-07-24", thinking: optional, effort: "high", cacheMinimum: 512},
		{id: "claude-sonnet-5", class: "sonnet-5", released: "2026-06-30", thinking: optional, effort: "high", cacheMinimum: 1024},
		{id: "claude-fable-5", class: "fable-5", released: "2026-06-09", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-mythos-5", class: "mythos-5", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 512},
		{id: "claude-opus-4-8", class: "opus-4", released: "2026-05-28", thinking: asked, effort: "high", cacheMinimum: 1024},
		{id: "claude-opus-4-7", class: "opus-4", released: "2026-04-16", thinking: asked, effort: "high", cacheMinimum: 2048},
		{id: "claude-mythos-preview", class: "mythos-preview", state: "deprecated", thinking: always, noForcedTool: true, effort: "high", cacheMinimum: 2048},
		{id: "claude-sonnet-4-6", class: "sonnet-4", released: "2026-02-17", thinking: askedBudget, efforts: four, effort: "high", cacheMinimum: 1024, bytesPer10: loose},
		{id: "claude-opus-4-6", class: "opus-4", released: "2026-02-05", thinking: askedBudget, efforts: four, effort: "high", cacheMinimum: 4096, bytesPer10: loose},
		{id: "claude-opus-4-5-20251101", aliases: []string{"claude-opus-4-5"}, class: "opus-4", released: "2025-11-24", thinking: budget, efforts: four[:3], effort: "high", cacheMinimum: 4096, bytesPer10: loose},
		{id: "claude-haiku-4-5-20251001", aliases: []string{"claude-haiku-4-5"}, class: "haiku-4-5", released: "2025-10-15", thinking: budget, efforts: []string{}, cacheMinimum: 4096, bytesPer10: loose},
		{id: "claude-sonnet-4-5-20250929", aliases: []string{"claude-sonnet-4-5"}, class: "sonnet-4", released: "2025-09-29", state: "deprecated", retires: "2026-11-30", thinking: budget, efforts: []string{}, cacheMinimum: 1024, bytesPer10: loose},
		{id: "claude-opus-4-1-20250805", aliases: []string{"claude-opus-4-1"}, class: "opus-4-1", released: "2025-08-05", state: "retired", thinking: budget, efforts: []string{}, bytesPer10: loose},
		{id: "claude-sonnet-4-20250514", aliases: []string{"claude-sonnet-4-0"}, class: "sonnet-4-0", released: "2025-05-22", state: "retired", thinking: budget, efforts: []string{}, bytesPer10: loose},
	}
	for i := range rows {
		m := &rows[i]
		if m.state == "" {
			m.state = "active"
		}
		if m.efforts == nil {
			m.efforts = five
		}
		if m.bytesPer10 == 0 {
			m.bytesPer10 = dense
		}
		m.context, m.maxOutput = 1_000_000, 128_000
		if m.thinking == budget {
			m.context, m.maxOutput = 200_000, 64_000
		}
		m.noPrefill = m.thinking != budget
		m.noSampling = m.bytesPer10 == dense // 4.7 and later, which share a tokenizer
		m.name = displayName(m.id)
	}
	return rows
}

// displayName turns claude-haiku-5-5 into Claude Haiku 5.5.
func displayName(id string) string {
	var words, version []string
	for part := range strings.SplitSeq(id, "-") {
		switch {
		case part == "":
		case part[0] < '0' || part[0] > '9':
			words = append(words, strings.ToUpper(part[:1])+part[1:])
		case len(part) < 8: // eight digits are a date
			version = append(version, part)
		}
	}
	return strings.TrimSpace(strings.Join(words, " ") + " " + strings.Join(version, "."))
}

func (m *model) deprecatedAt() any {
	switch {
	case m.state == "active":
		return nil
	case m.retires == "2026-11-30":
		return "2026-09-30T00:00:00Z"
	}
	return "2026-06-01T00:00:00Z"
}

// date turns a day into the form of the API; an unknown one is the epoch, as
// the API documents.
func date(day string) string {
	if day == "" {
		return "1970-01-01T00:00:00Z"
	}
	return day + "T00:00:00Z"
}

// modelJSON is the body of GET /v1/models/{id}.
func modelJSON(m *model) map[string]any {
	yes := func(b bool) map[string]any { return map[string]any{"supported": b} }
	effort := map[string]any{"supported": len(m.efforts) > 0}
	for _, level := range []string{"low", "medium", "high", "xhigh", "max"} {
		effort[level] = yes(slices.Contains(m.efforts, level))
	}
	var retires any
	if m.retires != "" {
		retires = date(m.retires)
	}
	var line any
	if parts := strings.Split(m.id, "-"); len(parts) > 1 {
		line = parts[1]
	}
	return map[string]any{
		"type": "model", "id": m.id, "display_name": m.name, "created_at": date(m.released),
		"lifecycle": m.state, "deprecated_at": m.deprecatedAt(), "retires_at": retires, "line": line,
		"max_input_tokens": m.context, "max_tokens": m.maxOutput,
		"capabilities": map[string]any{
			"batch": yes(true), "citations": yes(true), "code_execution": yes(true),
			"image_input": yes(true), "pdf_input": yes(true), "structured_outputs": yes(true), "effort": effort,
			"context_management": map[string]any{
				"supported": true, "clear_thinking_20251015": yes(true),
				"clear_tool_uses_20250919": yes(true), "compact_20260112": yes(m.noPrefill),
			},
			"server_tools": map[string]any{"supported": true, "code_execution": yes(true), "web_search": yes(true)},
			"thinking": map[string]any{"supported": true, "types": map[string]any{
				"adaptive": yes(m.thinking.adaptive), "between_tools": yes(m.thinking.betweenTools),
				"disabled": yes(m.thinking.disabled), "enabled": yes(m.thinking.enabled),
			}},
		},
	}
}

// lookup finds a model that can be called; a retired one cannot.
func (s *Server) lookup(id string) (*model, *apiError) {
	m, ok := s.byID[id]
	if !ok || m.state == "retired" {
		return nil, notFound("model: " + id)
	}
	return m, nil
}

func (s *Server) getModel(x *exchange) *apiError {
	m, ok := s.byID[x.r.PathValue("id")]
	if !ok {
		return notFound("model: " + x.r.PathValue("id"))
	}
	x.writeJSON(http.StatusOK, modelJSON(m))
	return nil
}

// listModels leaves retired models out unless they are asked for, as the API
// does.
func (s *Server) listModels(x *exchange) *apiError {
	query := x.r.URL.Query()
	states := append(query["lifecycle"], query["lifecycle[]"]...)
	if len(states) == 0 {
		states = []string{"active", "deprecated"}
	}
	var ids []string
	for i := range s.models {
		if slices.Contains(states, s.models[i].state) {
			ids = append(ids, s.models[i].id)
		}
	}
	page, failed := paginate(ids, query)
	if failed != nil {
		return failed
	}
	x.writeJSON(http.StatusOK, page.body(func(id string) any { return modelJSON(s.byID[id]) }))
	return nil
}

// indexModels builds the lookup of one server; retired names models that this
// server no longer serves.
func indexModels(rows []model, retired []string) map[string]*model {
	index := make(map[string]*model, 2*len(rows))
	for i := range rows {
		m := &rows[i]
		if slices.Contains(retired, m.id) {
			m.state = "retired"
		}
		index[m.id] = m
		for _, alias := range m.aliases {
			if slices.Contains(retired, alias) {
				m.state = "retired"
			}
			index[alias] = m
		}
	}
	return index
}

// Classes returns the names of the model classes that have limits of their
// own, such as "haiku-5-5" or "opus-4".
func Classes() []string {
	var names []string
	for _, m := range models() {
		if m.state != "retired" && !slices.Contains(names, m.class) {
			names = append(names, m.class)
		}
	}
	return names
}

// EstimateTokens says how many tokens the simulator takes a text for: a third
// of its bytes for models since Opus 4.7, whose tokenizer makes about 30 % more
// tokens of the same text, and a quarter for older ones, rounded up. The real
// count differs by text; https://platform.claude.com/docs/en/build-with-claude/token-counting
// is the page to calibrate against.
func EstimateTokens(modelID, text string) int64 {
	for _, m := range models() {
		if m.id == modelID || slices.Contains(m.aliases, modelID) {
			return m.tokens(len(text))
		}
	}
	return (&model{bytesPer10: 30}).tokens(len(text))
}

func (m *model) tokens(bytes int) int64 {
	return (int64(bytes)*10 + m.bytesPer10 - 1) / m.bytesPer10
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return rfc3339(t)
}

// mustJSON encodes what always can be encoded. It leaves <, > and & as they
// are, as the API does.
func mustJSON(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
