package work_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/work"
)

// TestLeaseLostDuringCall: a journey whose job was taken away is cut off, and
// writes nothing.
func TestLeaseLostDuringCall(t *testing.T) {
	t.Run("cancelled", func(t *testing.T) {
		open(t, claudetest.Options{Latency: 10 * time.Minute}, func(s *shop) {
			s.ledger.settling = func(e event.Settlement) { s.t.Errorf("got a settlement %+v, want none", e) }
			id := s.accept()
			s.work(func(*work.Worker) {
				time.Sleep(5 * time.Second)
				if err := s.db.Cancel(s.t.Context(), id, time.Now()); err != nil {
					s.t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				if calls := s.claude.MessageCalls(); len(calls) != 1 || calls[0].Outcome != "gone" {
					s.t.Errorf("got calls %+v, want one that was given up", calls)
				}
			})
			j := s.job(id)
			if j.State != event.Cancelled || j.Result != nil || len(j.Calls) != 1 || j.Calls[0].Outcome != event.CallUnknown {
				s.t.Errorf("got %s, result %v, calls %+v, want cancelled, no result and one call of unknown end", j.State, j.Result, j.Calls)
			}
		})
	})
	t.Run("taken by another", func(t *testing.T) {
		open(t, claudetest.Options{Latency: 10 * time.Minute}, func(s *shop) {
			s.ledger.settling = func(e event.Settlement) { s.t.Errorf("got a settlement %+v, want none", e) }
			id := s.accept()
			s.work(func(*work.Worker) {
				time.Sleep(time.Second)
				s.ledger.breaks(errors.New("no route to the store")) // for this worker only
				time.Sleep(time.Minute)
				now := time.Now()
				got, err := s.db.Take(s.t.Context(), event.Take{Worker: "w2", Now: now, LeaseUntil: now.Add(time.Hour), Max: 1, PerHook: 1, Admit: func(d event.Desk) event.Plan {
					return event.Plan{Take: []string{id}}
				}})
				if err != nil || len(got.Jobs) != 1 {
					s.t.Fatalf("got %d jobs, %v, want the one whose lease ran out", len(got.Jobs), err)
				}
				s.ledger.breaks(nil)
				time.Sleep(10 * time.Second)
				if calls := s.claude.MessageCalls(); calls[0].Outcome != "gone" {
					s.t.Errorf("got the call %q, want it given up", calls[0].Outcome)
				}
				if j := s.job(id); j.State != event.Running || j.Attempts != 2 {
					s.t.Errorf("got %s, attempt %d, want it to run on at the other worker's second", j.State, j.Attempts)
				}
			})
		})
	})
}

// TestOwnLeaseOutlastsFullDisk: while the disk is full no lease can be renewed
// and no answer stored. Once there is room the worker that holds the answer does
// not take the job away from itself.
func TestOwnLeaseOutlastsFullDisk(t *testing.T) {
	for name, forgets := range map[string]bool{"held": false, "a take that knows of no leases": true} {
		t.Run(name, func(t *testing.T) {
			open(t, claudetest.Options{Latency: 5 * time.Second}, func(s *shop) {
				s.ledger.forgets = forgets
				id := s.accept()
				s.work(func(*work.Worker) {
					time.Sleep(time.Second)
					s.ledger.breaks(event.ErrFull)
					time.Sleep(10 * time.Minute)
					s.ledger.breaks(nil) // the worker takes each second now and settles every other
					s.accept()
					s.until(id, event.Succeeded, time.Minute)
				})
				want := 2 // one for each job
				if forgets {
					want = 3
				}
				if got := len(s.claude.MessageCalls()); got != want {
					s.t.Errorf("got %d calls, want %d", got, want)
				}
			})
		})
	}
}

// TestFallbackChain: an overloaded model, one that is gone and one that refuses
// are followed by the next, and at the end of the chain the job is dead.
func TestFallbackChain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []claudetest.Step
		state event.State
		model string // of the last call
		calls int
	}{
		{"overloaded, then refused", []claudetest.Step{step(t, haiku, "overloaded", 1), step(t, sonnet, "refusal", 1)}, event.Succeeded, opus, 3},
		{"gone", []claudetest.Step{step(t, haiku, "not_found", -1)}, event.Succeeded, sonnet, 2},
		{"none is left", []claudetest.Step{step(t, "", "refusal", -1)}, event.Dead, opus, 3},
		{"an error that another model would not mend", []claudetest.Step{step(t, haiku, "invalid_request", -1)}, event.Dead, haiku, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, claudetest.Options{Script: tt.steps}, func(s *shop) {
				s.hook.Fallback = []work.Choice{{Model: sonnet, Lane: "sonnet"}, {Model: opus, Lane: "opus"}}
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, tt.state, 10*time.Minute)
					if last := j.Calls[len(j.Calls)-1]; len(j.Calls) != tt.calls || last.Model != tt.model {
						s.t.Errorf("got %d calls, the last to %s; want %d and %s", len(j.Calls), last.Model, tt.calls, tt.model)
					}
					if moved := strings.Contains(j.Chosen, "fallback"); moved != (tt.model != haiku) {
						s.t.Errorf("got chosen %q for %s", j.Chosen, tt.model)
					}
				})
				s.idle()
			})
		})
	}
}

// TestGraceCutsCall: a call that outlasts the grace goes back at no cost of an
// attempt, its row keeps saying that nobody saw the end, and the next worker
// carries the job.
func TestGraceCutsCall(t *testing.T) {
	open(t, claudetest.Options{Latency: time.Minute}, func(s *shop) {
		s.grace = 10 * time.Second
		id := s.accept()
		var stopped time.Time
		s.work(func(*work.Worker) { time.Sleep(5 * time.Second); stopped = time.Now() })
		if took := time.Since(stopped); took != s.grace {
			s.t.Errorf("the worker stopped after %v, want its grace of %v", took, s.grace)
		}
		j := s.job(id)
		if j.State != event.Queued || j.Attempts != 0 || len(j.Calls) != 1 {
			s.t.Fatalf("got %s after %d attempts and %d calls, want queued, 0 and 1", j.State, j.Attempts, len(j.Calls))
		}
		if c := j.Calls[0]; c.Outcome != event.CallUnknown || c.Code != "interrupted" || c.Cost != nil || c.EndedAt.IsZero() {
			s.t.Errorf("got %+v, want an interrupted call of unknown end and cost", c)
		}
		s.idle()
		s.work(func(*work.Worker) { s.until(id, event.Succeeded, 2*time.Minute) })
	})
}

// TestBounds: attempts and age are bounded, and the last error is kept.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name, words string
		change      func(*work.Hook)
		code, says  string
		calls       int
	}{
		{"attempts", "server_error", func(h *work.Hook) { h.MaxAttempts = 3 }, "attempts_exhausted", "server_error", 3},
		{"one attempt", "server_error", func(h *work.Hook) { h.MaxAttempts = 1 }, "attempts_exhausted", "server_error", 1},
		{"age", "rate_limited retry_after=60", func(h *work.Hook) { h.MaxAge = 50 * time.Second }, "too_old", "rate_limited", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, claudetest.Options{Script: []claudetest.Step{step(t, "", tt.words, -1)}}, func(s *shop) {
				tt.change(&s.hook)
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, event.Dead, time.Hour)
					if j.LastError == nil || j.LastError.Code != tt.code || !strings.Contains(j.LastError.Message, tt.says) {
						s.t.Errorf("got %+v, want %s that says %s", j.LastError, tt.code, tt.says)
					}
					if got := len(s.claude.MessageCalls()); got != tt.calls {
						s.t.Errorf("got %d calls, want %d", got, tt.calls)
					}
				})
			})
		})
	}
}

// A panicking caller lets the answer begin, or not, and then has a fault.
type panicking struct {
	next   work.Caller
	begins bool
}

func (p panicking) Call(ctx context.Context, r claude.Request, _ func(string)) (claude.Answer, error) {
	if !p.begins {
		panic("before the first byte")
	}
	return p.next.Call(ctx, r, func(string) { panic("in the middle") })
}

// TestPanic: a fault of ours ends an attempt, never the worker. A call that had
// begun is settled with what was seen of it, and its lane is free again.
func TestPanic(t *testing.T) {
	broken := func(json.RawMessage) error { panic("a fault") }
	for _, tt := range []struct {
		name    string
		change  func(*shop)
		calls   int // that were begun
		outcome event.CallOutcome
		seen    bool // usage is known, and so is its cost
	}{
		{"before the call", func(s *shop) { s.hook.Render = func(event.Event, map[string]any) (string, error) { panic("a fault") } }, 0, "", false},
		{"before the first byte", func(s *shop) { s.caller = panicking{s.caller, false} }, 2, event.CallUnknown, false},
		{"while it streams", func(s *shop) { s.caller = panicking{s.caller, true} }, 2, event.CallUnknown, true},
		{"after the answer", func(s *shop) { s.hook.Validate = broken }, 2, event.CallOK, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, claudetest.Options{}, func(s *shop) {
				s.hook.MaxAttempts = 2
				tt.change(s)
				id := s.accept()
				s.work(func(*work.Worker) {
					j := s.until(id, event.Dead, time.Hour)
					if j.Attempts != 2 || !strings.Contains(j.LastError.Message, "internal_error") {
						s.t.Errorf("got %d attempts and %+v, want 2 that say internal_error", j.Attempts, j.LastError)
					}
					if len(j.Calls) != tt.calls {
						s.t.Fatalf("got %d calls, want %d", len(j.Calls), tt.calls)
					}
					for _, c := range j.Calls {
						if c.Outcome != tt.outcome || c.EndedAt.IsZero() || (c.Usage.InputTokens > 0) != tt.seen || (c.Cost != nil) != tt.seen {
							s.t.Errorf("got %+v, want %s and usage: %v", c, tt.outcome, tt.seen)
						}
						if partly := tt.seen && tt.outcome == event.CallUnknown; c.Usage.BilledAsEstimate != partly {
							s.t.Errorf("got %+v, want its usage to be all that was seen of it: %v", c.Usage, partly)
						}
					}
				})
				s.idle()
			})
		})
	}
}

// TestAbandon: a worker whose ledger does not answer ends when it is told to
// give up; it would go on for the grace and a lease without that.
func TestAbandon(t *testing.T) {
	open(t, claudetest.Options{Latency: time.Second}, func(s *shop) {
		s.grace = time.Hour
		id := s.accept()
		var told time.Time
		s.work(func(w *work.Worker) {
			time.Sleep(500 * time.Millisecond)
			s.ledger.breaks(event.ErrFull)
			time.Sleep(time.Minute)
			told = time.Now()
			w.Abandon()
		})
		if took := time.Since(told); took > time.Second {
			s.t.Errorf("the worker ended after %v, want at once", took)
		}
		if j := s.job(id); j.State != event.Running {
			s.t.Errorf("got %s, want it to be left to its lease", j.State)
		}
	})
}
