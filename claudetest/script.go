package claudetest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Enqueue adds steps to the script of a running server.
func (s *Server) Enqueue(steps ...Step) {
	s.begin()
	s.scriptMu.Lock()
	defer s.scriptMu.Unlock()
	s.script = append(s.script, steps...)
}

// Remaining returns how many steps of the script have not been used up.
func (s *Server) Remaining() int {
	s.begin()
	s.scriptMu.Lock()
	defer s.scriptMu.Unlock()
	return len(s.script)
}

// step takes the first step of the script that waits for such a request. The
// caller holds scriptMu.
func (s *Server) step(r Request) *Step {
	for i := range s.script {
		step := s.script[i]
		endpoint := step.Endpoint
		if endpoint == "" {
			endpoint = "messages"
		}
		if endpoint != r.Endpoint || (step.Match != nil && !step.Match(r)) {
			continue
		}
		if left := max(step.Times, 1) - 1; step.Times >= 0 && left == 0 {
			s.script = slices.Delete(s.script, i, i+1)
		} else if step.Times > 0 {
			s.script[i].Times = left
		}
		return &step
	}
	return nil
}

// scripted applies a step to an endpoint other than messages, which asks for
// itself when its request is known to be valid and within the limits.
func (x *exchange) scripted(endpoint string) *apiError {
	if endpoint == "messages" {
		return nil
	}
	x.s.scriptMu.Lock()
	step := x.s.step(Request{Endpoint: endpoint, Header: x.r.Header})
	x.s.scriptMu.Unlock()
	if step == nil || step.Fail == nil {
		return nil
	}
	x.fault = step.Fail
	return x.failEarly(step.Fail)
}

// destiny says what happens to a Messages request that is within the limits.
func (s *Server) destiny(r Request) (*Failure, *Reply) {
	s.scriptMu.Lock()
	step := s.step(r)
	if step == nil {
		s.messages++
	}
	n, attempt := s.messages, s.seen[r.Hash]
	if len(s.seen) >= 1<<20 {
		clear(s.seen) // forgetting costs only that an old body counts as new
	}
	s.seen[r.Hash] = attempt + 1
	s.scriptMu.Unlock()
	if step != nil {
		return step.Fail, step.Reply
	}
	if s.Fail != nil {
		if f := s.Fail(n, r); f != nil {
			return f, nil
		}
	}
	if f := s.chosen(r, attempt); f != nil {
		return f, nil
	}
	return s.fault(r.Hash, attempt), nil
}

// chosen reads the failure that a request asks for itself.
func (s *Server) chosen(r Request, attempt uint32) *Failure {
	if !s.Magic {
		return nil
	}
	words := r.Header.Get("Claudetest-Fail")
	if words == "" {
		_, after, ok := strings.Cut(r.System+"\n"+r.Prompt(), "[[simulate:")
		if words, _, ok = cutIf(ok, after, "]]"); !ok {
			return nil
		}
	}
	f, err := ParseFailure(words)
	if err != nil {
		return &Failure{Kind: BadRequest, Message: "simulate: " + err.Error()}
	}
	if f.Times > 0 && attempt >= uint32(f.Times) {
		return nil
	}
	return f
}

func cutIf(ok bool, text, separator string) (before, after string, found bool) {
	if !ok {
		return "", "", false
	}
	return strings.Cut(text, separator)
}

// fault draws a failure at random.
func (s *Server) fault(hash uint64, attempt uint32) *Failure {
	if len(s.Faults) == 0 {
		return nil
	}
	draw := rand.New(rand.NewPCG(s.Seed^hash, uint64(attempt))).Float64()
	for i := range s.Faults {
		if draw -= s.Faults[i].Rate; draw < 0 {
			return &s.Faults[i].Failure
		}
	}
	return nil
}

// failEarly plays a failure that comes before any work: an error answer, a
// hanging or closed connection, a body that is no message.
func (x *exchange) failEarly(f *Failure) *apiError {
	x.call.Outcome = string(f.Kind)
	switch f.Kind {
	case Hang:
		x.hang()
		panic(http.ErrAbortHandler)
	case CutBeforeReply:
		panic(http.ErrAbortHandler)
	case EmptyObject:
		x.writeJSON(http.StatusOK, struct{}{})
		return nil
	case HTML:
		x.call.Status = http.StatusOK
		x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		x.write([]byte("<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We'll be back soon</h1></body></html>"))
		return nil
	}
	failed := f.failed(x.now)
	if failed == nil {
		return nil
	}
	if f.Delay > 0 && x.sleep(time.Now().Add(f.Delay)) != nil {
		panic(http.ErrAbortHandler)
	}
	return failed
}

// early reports whether a failure comes before any work.
func (f *Failure) early() bool {
	switch f.Kind {
	case Hang, CutBeforeReply, EmptyObject, HTML:
		return true
	}
	return f.catalogue(time.Time{}) != nil
}

// pauseFor notes the retry-after that a scripted 429 sends, so that the journal
// can tell which calls came too early.
func (s *Server) pauseFor(x *exchange, f *Failure) {
	until, err := http.ParseTime(f.RetryAfter)
	if err != nil {
		seconds, err := strconv.ParseFloat(f.RetryAfter, 64)
		if err != nil || !(seconds > 0 && seconds < 1e9) {
			return
		}
		until = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	s.lane(x.lane, x.now).pause(until)
}
