package work_test

import (
	"context"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/gather"
	"github.com/forebayhq/forebay/internal/work"
)

// A limited step fails a number of times before it finds something.
type limited struct {
	fails int
	fault gather.Error
	asked []time.Time
}

func (l *limited) Gather(context.Context, event.Event) (gather.Part, error) {
	l.asked = append(l.asked, time.Now())
	if len(l.asked) <= l.fails {
		return gather.Part{}, &l.fault
	}
	return gather.Part{Value: "found"}, nil
}

// TestGatherIsLeftAlone: a server that says when to come back is not asked
// before that, and its limit costs the job no attempt. A job waits for one that
// is down as long as it may live. One that fails otherwise uses its attempts up.
func TestGatherIsLeftAlone(t *testing.T) {
	limit := gather.Error{Code: "github_rate_limited", Message: "limited", RetryAfter: 10 * time.Minute}
	silent, final, outage := limit, limit, gather.Error{Code: "github_unavailable", Message: "down", Outage: true}
	silent.RetryAfter, final.Permanent = 0, true
	for _, tt := range []struct {
		name     string
		fault    gather.Error
		fails    int
		state    event.State
		code     string
		asked    int
		attempts int
	}{
		{"longer than its attempts last", limit, 9, event.Succeeded, "", 10, 1},
		{"longer than it may live", limit, 1000, event.Dead, "too_old", 0, 1},
		{"negative control: nobody says when", silent, 9, event.Dead, "attempts_exhausted", 4, 4},
		{"an outage longer than its attempts last", outage, 20, event.Succeeded, "", 21, 4},
		{"an outage longer than it may live", outage, 1000, event.Dead, "too_old", 0, 4},
		{"for good", final, 9, event.Dead, "github_rate_limited", 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, claudetest.Options{}, func(s *shop) {
				s.hook.MaxAge = 3 * time.Hour
				l := &limited{fails: tt.fails, fault: tt.fault}
				s.hook.Parts = []work.Part{{Name: "files", Step: l}}
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, tt.state, 24*time.Hour)
					if j.Attempts != tt.attempts || tt.code != "" && j.LastError.Code != tt.code {
						s.t.Errorf("got %d attempts and %+v, want %d and %q", j.Attempts, j.LastError, tt.attempts, tt.code)
					}
				})
				if tt.asked > 0 && len(l.asked) != tt.asked {
					s.t.Errorf("it was asked %d times, want %d", len(l.asked), tt.asked)
				}
				for i := 1; i < len(l.asked) && tt.fault.RetryAfter > 0; i++ {
					if gap := l.asked[i].Sub(l.asked[i-1]); gap < tt.fault.RetryAfter || gap > tt.fault.RetryAfter*5/4 {
						s.t.Errorf("it was asked again after %v, want %v and a little", gap, tt.fault.RetryAfter)
					}
				}
				s.idle()
			})
		})
	}
}
