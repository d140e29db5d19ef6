package work_test

import (
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/work"
)

// TestOutsizePrompt: a job that the API refuses again and again, because alone it
// needs more input tokens than a minute allows, uses up its attempts and ends.
// The lane goes on meanwhile. One of an ordinary size waits and spends none.
func TestOutsizePrompt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		extra int64 // tokens of the prompt beyond the event, as they are foretold
		bytes int   // of the prompt
		state event.State
		calls int
	}{
		{"outsize", 12_000, 45_000, event.Dead, 4},
		{"negative control: it fits", 100, 100, event.Succeeded, 8},
		{"foretold wrongly", 12_000, 100, event.Succeeded, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := claudetest.Options{Script: []claudetest.Step{step(t, haiku, "rate_limited retry_after=1", 7)}}
			open(t, o, func(s *shop) {
				var err error
				s.gov, err = governor.New(governor.Options{
					Limits: map[string]governor.Limits{"haiku": {Requests: 1000, InputTokens: 10_000, OutputTokens: 10_000}},
					Hooks:  map[string]governor.Hook{"h": {ExtraTokens: tt.extra}},
				})
				if err != nil {
					s.t.Fatal(err)
				}
				s.hook.Render = func(event.Event, map[string]any) (string, error) { return strings.Repeat("word ", tt.bytes/5), nil }
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, tt.state, 30*time.Minute)
					if len(j.Calls) != tt.calls {
						s.t.Errorf("got %d calls, want %d", len(j.Calls), tt.calls)
					}
					if tt.state == event.Dead && (j.LastError.Code != "attempts_exhausted" || j.Attempts != 4) {
						s.t.Errorf("got %+v after %d attempts, want them used up", j.LastError, j.Attempts)
					}
				})
				s.idle()
			})
		})
	}
}

// TestStandInTooDear: a job that waits for a closed lane, and whose prompt turns
// out to cost more in the stand-in's lane than the budget allows, goes back and
// waits; it is not sent to and fro meanwhile, and does not die of it.
func TestStandInTooDear(t *testing.T) {
	for _, atCap := range []string{governor.AtCapHold, governor.AtCapDowngrade, governor.AtCapDead} {
		t.Run(atCap, func(t *testing.T) {
			open(t, claudetest.Options{}, func(s *shop) {
				s.hook.Fallback = []work.Choice{{Model: sonnet, Lane: "sonnet"}}
				s.hook.Render = func(event.Event, map[string]any) (string, error) { return strings.Repeat("word ", 10_000), nil }
				var err error
				s.gov, err = governor.New(governor.Options{
					Worst: func(_, model string, input int64, _ time.Time) (event.NanoUSD, bool) {
						return event.NanoUSD(map[string]int64{haiku: 1, sonnet: 3}[model] * input), true
					},
					Hooks: map[string]governor.Hook{"h": {
						Instead: s.hook.Instead,
						Cheaper: func(model string) (governor.Choice, bool) {
							return governor.Choice{Model: haiku, Lane: "haiku"}, model == sonnet
						},
						Budget: governor.Budget{Daily: 60_000, AtCap: atCap},
					}},
				})
				if err != nil {
					s.t.Fatal(err)
				}
				pause := event.LanePause{Lane: "haiku", Reason: "overloaded", Until: time.Now().Add(time.Minute)}
				if err := s.db.PauseLane(s.t.Context(), pause, time.Now()); err != nil {
					s.t.Fatal(err)
				}
				tries := 0
				s.ledger.settling = func(event.Settlement) { tries++ }
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, event.Succeeded, 3*time.Minute)
					if j.Model != haiku || j.Attempts != 1 || j.Chosen != "hook" {
						s.t.Errorf("answered by %s, chosen by %q, in attempt %d; want its own model in the first", j.Model, j.Chosen, j.Attempts)
					}
				})
				if tries < 2 || tries > 7 {
					s.t.Errorf("%d settlements, want one every quarter of a minute", tries)
				}
				s.idle()
			})
		})
	}
}
