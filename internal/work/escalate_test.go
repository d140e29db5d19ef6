package work_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/work"
)

// TestEscalate: the cheap model goes first, and the better ones in turn when its
// structured output is no good; each failed call is part of the job's cost.
func TestEscalate(t *testing.T) {
	bad, fits := claudetest.Reply{Text: `{"a": 1}`}, claudetest.Reply{Text: `{"a": "yes"}`}
	cut := claudetest.Reply{Text: `{"a": "y`, StopReason: "max_tokens"}
	for _, tt := range []struct {
		name    string
		replies map[string]claudetest.Reply
		change  func(*work.Hook)
		models  string // of the calls
		state   event.State
		chosen  string
	}{
		{"good at once", map[string]claudetest.Reply{haiku: fits}, nil, "haiku", event.Succeeded, "hook"},
		{"against the schema", map[string]claudetest.Reply{haiku: bad, sonnet: fits}, nil, "haiku sonnet", event.Succeeded, "hook > escalate: output_invalid"},
		{"cut", map[string]claudetest.Reply{haiku: cut, sonnet: fits}, nil, "haiku sonnet", event.Succeeded, "hook > escalate: cut_output"},
		{"two steps", map[string]claudetest.Reply{haiku: bad, sonnet: cut, opus: fits}, nil, "haiku sonnet opus", event.Succeeded,
			"hook > escalate: output_invalid > escalate: cut_output"},
		{"each step once", map[string]claudetest.Reply{haiku: bad, sonnet: bad, opus: bad}, nil, "haiku sonnet opus opus", event.Dead,
			"hook > escalate: output_invalid > escalate: output_invalid"},
		{"no more attempts", map[string]claudetest.Reply{haiku: bad, sonnet: fits}, func(h *work.Hook) { h.MaxAttempts = 1 }, "haiku", event.Dead, "hook"},
		{"not asked for", map[string]claudetest.Reply{haiku: bad}, func(h *work.Hook) { h.Escalate = nil; h.MaxAttempts = 2 }, "haiku haiku", event.Dead, "hook"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := claudetest.Options{Reply: func(r claudetest.Request) claudetest.Reply { return tt.replies[r.Model] }}
			open(t, o, func(s *shop) {
				s.hook.Schema = json.RawMessage(`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"}}}`)
				s.hook.Validate = func(answer json.RawMessage) error {
					var v struct {
						A any `json:"a"`
					}
					if err := json.Unmarshal(answer, &v); err != nil {
						return err
					}
					if _, text := v.A.(string); !text {
						return errors.New("a is no text")
					}
					return nil
				}
				s.hook.Escalate = []work.Choice{{Model: sonnet, Lane: "sonnet"}, {Model: opus, Lane: "opus"}}
				if tt.change != nil {
					tt.change(&s.hook)
				}
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, tt.state, time.Hour)
					var models []string
					var sum event.NanoUSD
					for _, c := range j.Calls {
						models = append(models, strings.Split(c.Model, "-")[1])
						if c.Cost == nil || *c.Cost == 0 {
							s.t.Errorf("got %+v, want a cost", c)
							continue
						}
						sum += *c.Cost
					}
					if got := strings.Join(models, " "); got != tt.models || j.Chosen != tt.chosen {
						s.t.Errorf("got calls to %s, chosen by %q; want %s, %q", got, j.Chosen, tt.models, tt.chosen)
					}
					if j.Cost == nil || *j.Cost != sum {
						s.t.Errorf("got the cost %v, want %v of all calls", j.Cost, sum)
					}
				})
				s.idle()
			})
		})
	}
}
