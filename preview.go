package forebay

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/catalog"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/prompt"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/internal/work"
)

// A PreviewRequest asks what a hook would send for an event.
type PreviewRequest struct {
	Hook   string
	Event  event.Event
	Gather bool // fetch the gathered parts; else they are empty
	Count  bool // ask the API for the token count, which is free
}

// A Preview is what Claude would be sent, and what that would cost.
type Preview struct {
	Hook    string `json:"hook"`
	Matched bool   `json:"matched"`
	Reason  string `json:"reason,omitempty"` // why the event does not match
	Model   string `json:"model"`
	Chosen  string `json:"chosen"` // why that model
	Lane    string `json:"lane"`
	Rule    string `json:"rule,omitempty"` // of the route that was taken
	// What else may answer: the models behind it in fallback and escalate.
	Fallback []string `json:"fallback,omitempty"`
	Escalate []string `json:"escalate,omitempty"`
	// OverShare is the model that answers instead while the tier of Model has
	// had its share of the jobs (claude.max_share); empty: nothing holds it.
	OverShare string   `json:"over_share,omitempty"`
	System    string   `json:"system"`
	Prompt    string   `json:"prompt"`
	Notes     []string `json:"notes,omitempty"` // what gathering left out
	Input     int64    `json:"input_tokens"`
	Counted   bool     `json:"counted"` // Input was counted by the API, not estimated
	MaxTokens int      `json:"max_tokens"`
	// The price without an answer, and with the longest that is allowed; nil
	// where the model's price is not known.
	LeastUSD *float64 `json:"least_usd"`
	MostUSD  *float64 `json:"most_usd"`
	Cache    string   `json:"cache"` // what prompt caching will do
	// Prices are the same by circumstance; those that are not known, or cannot
	// come about, are left out.
	Prices []PreviewPrice `json:"prices"`
}

// NewPreview renders what a hook would send. It calls Claude for a count of
// tokens at most.
func NewPreview(ctx context.Context, cfg *config.Config, r PreviewRequest) (*Preview, error) {
	s := &Server{opts: Options{Config: cfg}, log: slog.New(slog.DiscardHandler)}
	defer s.cleanUp()
	if err := s.wireClients(); err != nil {
		return nil, err
	}
	hooks, err := s.buildHooks()
	if err != nil {
		return nil, err
	}
	receive, ok := hooks.receive[r.Hook]
	if !ok {
		return nil, fmt.Errorf("there is no hook %q; the hooks are %v", r.Hook, hookNames(cfg))
	}
	p := &Preview{Hook: r.Hook, Matched: true, MaxTokens: hooks.work[r.Hook].MaxTokens}
	in := rule.NewInput(r.Event)
	if receive.Match != nil {
		if p.Matched, err = receive.Match(in); err != nil {
			p.Reason = err.Error()
		} else if !p.Matched {
			p.Reason = "the match rule is false"
		}
	}
	spec := receive.Choose(in)
	p.Model, p.Chosen, p.Lane = spec.Model, spec.Chosen, spec.Lane
	p.ways(cfg, hooks.work[r.Hook], s.lanes)
	return p, p.fill(ctx, hooks.work[r.Hook], r, s.claude)
}

// ways tells by which rule the model was chosen, and who may answer instead.
func (p *Preview) ways(cfg *config.Config, h *work.Hook, l lanes) {
	var route int
	if _, err := fmt.Sscanf(p.Chosen, "route %d", &route); err == nil {
		p.Rule = cfg.Hooks[p.Hook].Route[route-1].When
	}
	for _, c := range h.Instead(p.Model) {
		p.Fallback = append(p.Fallback, c.Model)
	}
	for _, c := range h.Escalate {
		p.Escalate = append(p.Escalate, c.Model)
	}
	for tier := range cfg.Claude.MaxShare {
		if l.of(cfg.Model(tier)) == p.Lane && h.Own.Lane != p.Lane {
			p.OverShare = h.Own.Model
		}
	}
}

// fill renders the texts and counts them.
func (p *Preview) fill(ctx context.Context, h *work.Hook, r PreviewRequest, c *claude.Client) error {
	parts := map[string]any{}
	for _, part := range h.Parts {
		parts[part.Name] = "(gathered when the job runs)"
		if !r.Gather {
			continue
		}
		got, err := part.Step.Gather(ctx, r.Event)
		if err != nil {
			return fmt.Errorf("gather %s: %w", part.Name, err)
		}
		parts[part.Name] = got.Value
		p.Notes = append(p.Notes, got.Notes...)
	}
	var err error
	if p.Prompt, err = h.Render(r.Event, parts); err != nil {
		return err
	}
	p.System = h.System
	if err := p.count(ctx, h, r.Count, c); err != nil {
		return err
	}
	p.price()
	p.Cache = cacheNote(p.Model, h)
	p.Prices = previewPrices(p, h, nowUTC())
	return nil
}

func (p *Preview) count(ctx context.Context, h *work.Hook, ask bool, c *claude.Client) (err error) {
	if ask {
		p.Counted = true
		p.Input, err = c.CountTokens(ctx, claude.Request{
			Model: p.Model, System: p.System, Prompt: p.Prompt, MaxTokens: h.MaxTokens,
			Thinking: h.Thinking, Effort: h.Effort, Cache: h.Cache, Schema: h.Schema,
		})
		return err
	}
	p.Input = int64(prompt.Tokens(p.System+p.Prompt, charsPerToken(p.Model)))
	return nil
}

func (p *Preview) price() {
	for _, b := range []struct {
		out  int64
		into **float64
	}{{0, &p.LeastUSD}, {int64(p.MaxTokens), &p.MostUSD}} {
		if cost, ok := price(p.Model, event.Usage{InputTokens: p.Input, OutputTokens: b.out}, nowUTC()); ok {
			*b.into = new(cost.Dollars())
		}
	}
}

// cacheNote says what the breakpoint at the end of the system prompt does.
func cacheNote(model string, h *work.Hook) string {
	if h.Cache == "off" || h.System == "" {
		return "off"
	}
	tokens := int64(prompt.Tokens(h.System, charsPerToken(model)))
	m, ok := catalog.Lookup(model)
	switch {
	case !ok:
		return "the model's smallest cacheable prefix is not known"
	case tokens < m.CacheMinimum:
		return fmt.Sprintf("none: the system prompt has about %d tokens, %s caches from %d", tokens, m.ID, m.CacheMinimum)
	}
	return fmt.Sprintf("the system prompt, about %d tokens, for %s", tokens, h.Cache)
}

func charsPerToken(model string) float64 {
	if m, ok := catalog.Lookup(model); ok && m.CharsPer10 > 0 {
		return float64(m.CharsPer10) / 10
	}
	return prompt.DefaultCharsPerToken
}
