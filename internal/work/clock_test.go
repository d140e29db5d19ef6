package work_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/work"
)

// TestClockJumps: a clock that is set while a call is under way takes no job
// away from its worker, and no lane stands still for long.
func TestClockJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour, "a day forward": 24 * time.Hour, "a day back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			open(t, claudetest.Options{Latency: 30 * time.Second}, func(s *shop) {
				s.hook.MaxAge = 72 * time.Hour
				var off atomic.Int64
				s.now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
				first := s.accept()
				s.work(func(*work.Worker) {
					time.Sleep(10 * time.Second)
					off.Store(int64(jump))
					second := s.accept() // has the worker look for leases that ran out
					if j := s.until(first, event.Succeeded, time.Minute); j.Attempts != 1 || len(j.Calls) != 1 {
						s.t.Errorf("got %d attempts and %d calls, want the one that was under way", j.Attempts, len(j.Calls))
					}
					s.until(second, event.Succeeded, 2*time.Minute)
				})
				s.idle()
			})
		})
	}
}
