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
					t.Fatal(err)
				}
				s.hook.Render = func(event.Event, map[string]any) (string, error) { return strings.Repeat("word ", tt.bytes/5), nil }
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, tt.state, 30*time.Minute)
					if len(j.Calls) != tt.calls {
						t.Errorf("got %d calls, want %d", len(j.Calls), tt.calls)
					}
					if tt.state == event.Dead && (j.LastError.Code != "attempts_exhausted" || j.Attempts != 4) {
						t.Errorf("got %+v after %d attempts, want them used up", j.LastError, j.Attempts)
					}
				})
				s.idle()
			})
		})
	}
}
