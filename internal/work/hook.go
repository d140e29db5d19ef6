package work

import (
	"encoding/json"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/deliver"
	"github.com/forebayhq/forebay/internal/gather"
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
	Fallback  []Choice                    // tried in turn when a model is overloaded or refuses
	Targets   []Destination

	MaxAttempts int
	MaxAge      time.Duration
}

// A Part is a named gather step.
type Part struct {
	Name string
	Step gather.Step
}

// A Choice is a model and its lane.
type Choice struct {
	Model string
	Lane  string
}

// A Destination is one target of the hook.
type Destination struct {
	Kind   string // "github_comment", "callback", or the name of a function
	Target deliver.Target
}

// next returns the model to fall back to from the one that failed.
func (h *Hook) next(model string) (Choice, bool) {
	for i, c := range h.Fallback {
		if c.Model == model {
			if i+1 < len(h.Fallback) {
				return h.Fallback[i+1], true
			}
			return Choice{}, false
		}
	}
	if len(h.Fallback) == 0 {
		return Choice{}, false
	}
	return h.Fallback[0], true
}
