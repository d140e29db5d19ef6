package work

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/chain"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/gather"
	"github.com/forebayhq/forebay/internal/governor"
)

// A Hook is what a journey needs to know of the endpoint whose event it
// carries. It is immutable.
type Hook struct {
	Name  string
	Parts []Part // gathered one after another, in this order
	// System is the system prompt, the same for every event; it may be empty.
	System string
	// Render makes the prompt of the event and the values of the parts by name.
	// Its errors are permanent.
	Render    func(e event.Event, parts map[string]any) (string, error)
	MaxTokens int
	Thinking  string
	Effort    string
	Cache     string
	Schema    json.RawMessage             // structured output; nil: text
	Validate  func(json.RawMessage) error // checks it; nil: nothing to check
	Own       Choice                      // the model of the hook that no rule chose; zero: none
	Fallback  []Choice                    // tried in turn when a model is overloaded, gone or refuses
	Escalate  []Choice                    // tried in turn when structured output is not what was asked for
	Targets   []Destination
	Batch     bool          // its jobs go through Message Batches
	Spill     time.Duration // those that waited so long for a call do; 0: none

	// Reuse is how old an answer to the same request may be to be used again;
	// zero: never.
	Reuse time.Duration

	MaxAttempts int
	MaxAge      time.Duration
}

// A Part is a named gather step.
type Part struct {
	Name string
	Step gather.Step
}

// A Choice is a model and its lane.
type Choice = governor.Choice

// A Destination is one target of the hook.
type Destination struct {
	Kind   string // "github_comment", "callback", or the name of a function
	Target deliver.Target
}

// Instead returns the models that may stand in for one, best first.
func (h *Hook) Instead(model string) []Choice {
	var after []Choice
	for _, m := range h.chain().After(model) {
		after = append(after, h.Fallback[slices.IndexFunc(h.Fallback, func(c Choice) bool { return c.Model == m })])
	}
	return after
}

// above returns the model to escalate to.
func (h *Hook) above(model string) (Choice, bool) {
	m, ok := h.chain().Above(model)
	if !ok {
		return Choice{}, false
	}
	return h.Escalate[slices.IndexFunc(h.Escalate, func(c Choice) bool { return c.Model == m })], true
}

func (h *Hook) chain() chain.Chain {
	return chain.Chain{Fallback: models(h.Fallback), Escalate: models(h.Escalate)}
}

func models(list []Choice) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.Model)
	}
	return names
}
