package claudetest

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A Call is one request as the simulator saw it.
type Call struct {
	N            int64  // 1 is the first; also the order of arrival
	Endpoint     string // see [Request.Endpoint]
	RequestID    string
	Organization string
	Workspace    string
	Model, Class string
	UserID       string // metadata.user_id
	Prompt       string // the first 256 bytes of the last turn
	Hash         uint64 // of the body
	Stream       bool
	MaxTokens    int64
	Retry        int // X-Stainless-Retry-Count

	At        time.Time // arrival
	FirstByte time.Time // zero: none was sent
	End       time.Time // zero: still running

	Status     int    // 0: no answer was begun
	Outcome    string // "ok", "error", "gone" (the client went away), or the [Kind] that failed it
	ErrorType  string // of an error answer
	StopReason string

	InputTokens, CacheReadTokens, CacheWriteTokens, OutputTokens int64
	Billed                                                       bool // the work was done, whether or not the client saw it

	// Over names the limit that the request was over: requests, input tokens,
	// output tokens or ramp; empty: none. A scripted 429 is not over a limit.
	Over string
	// Early is how much of the retry-after of an earlier 429 of the same class
	// was left when the request came; 0: none was running.
	Early time.Duration
}

// Messages reports whether the call asked for a message (not a count, a model
// or a batch).
func (c Call) Messages() bool { return c.Endpoint == "messages" }

// A record is an entry of the journal. While its exchange runs only the
// goroutine of the exchange changes Call, and publishes it by journal.publish.
type record struct {
	Call
	fly *lane // set while the call counts as in flight
}

// A journal remembers the latest calls. The entries that it holds are copies,
// written under its lock: readers never see a call that is being changed.
type journal struct {
	size int // set before the first call

	mu    sync.Mutex
	next  int64  // number of the latest call
	calls []Call // a ring: call n lies at (n-1) % size
}

func (j *journal) open(c Call) *record {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.size <= 0 {
		j.size = 16_384
	}
	j.next++
	c.N = j.next
	if len(j.calls) < j.size {
		j.calls = append(j.calls, c)
	} else {
		j.calls[int((c.N-1)%int64(j.size))] = c
	}
	return &record{Call: c}
}

func (j *journal) publish(r *record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if at := int((r.N - 1) % int64(j.size)); j.calls[at].N == r.N {
		j.calls[at] = r.Call
	}
}

// Calls returns the remembered calls in order of arrival, those that still run
// included.
func (s *Server) Calls() []Call {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	list := slices.Clone(s.journal.calls)
	slices.SortFunc(list, func(a, b Call) int { return int(a.N - b.N) })
	return list
}

// MessageCalls returns those of the Messages endpoint.
func (s *Server) MessageCalls() []Call {
	return slices.DeleteFunc(s.Calls(), func(c Call) bool { return !c.Messages() })
}

// ClassStats counts what one model class of all organisations together did.
// Calls of a kind are counted once, also those that the journal has forgotten.
type ClassStats struct {
	Requests  int64 // Messages requests with a valid body
	Admitted  int64 // within the limits
	Succeeded int64 // answered with a whole message, as nothing was to go wrong
	Early     int64 // sent while a retry-after was running

	OverRequests, OverInput, OverOutput, OverRamp int64 // refused with 429, by limit

	InputTokens, CacheReadTokens, CacheWriteTokens, OutputTokens int64 // as charged
	Billed                                                       int64 // calls whose work was done
	InFlight, MaxInFlight                                        int
}

// Over is how many requests were sent over a limit.
func (c ClassStats) Over() int64 { return c.OverRequests + c.OverInput + c.OverOutput + c.OverRamp }

func (c *ClassStats) add(o ClassStats) {
	c.Requests += o.Requests
	c.Admitted += o.Admitted
	c.Succeeded += o.Succeeded
	c.Early += o.Early
	c.OverRequests += o.OverRequests
	c.OverInput += o.OverInput
	c.OverOutput += o.OverOutput
	c.OverRamp += o.OverRamp
	c.InputTokens += o.InputTokens
	c.CacheReadTokens += o.CacheReadTokens
	c.CacheWriteTokens += o.CacheWriteTokens
	c.OutputTokens += o.OutputTokens
	c.Billed += o.Billed
	c.InFlight += o.InFlight
	c.MaxInFlight = max(c.MaxInFlight, o.MaxInFlight)
}

// Stats returns the counts by model class.
func (s *Server) Stats() map[string]ClassStats {
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	all := make(map[string]ClassStats)
	for key, lane := range s.lanes {
		total := all[key.class]
		stats := lane.stats
		stats.InFlight = lane.inFlight
		total.add(stats)
		all[key.class] = total
	}
	return all
}

// Total returns the counts of all classes together; MaxInFlight is that of the
// busiest class.
func (s *Server) Total() ClassStats {
	var total ClassStats
	for stats := range maps.Values(s.Stats()) {
		total.add(stats)
	}
	return total
}

// Levels says what is left in the buckets of a class.
type Levels struct{ Requests, InputTokens, OutputTokens float64 }

// Levels returns what is left for a class of an organisation at this moment
// ("" is the one organisation of a server without keys). Below zero is debt.
func (s *Server) Levels(organization, class string) Levels {
	s.begin()
	if organization == "" {
		organization = "simulated"
	}
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	l := s.lane(laneKey{organization, class}, time.Now())
	return Levels{l.requests.level, l.input.level, l.output.level}
}

// enter counts a Messages request as in flight.
func (x *exchange) enter(w *wireRequest) {
	c := x.call
	c.Model, c.Class, c.Stream, c.Hash = w.model.id, w.model.class, w.Stream, w.hash
	c.Prompt = head(textOf(w.turns[len(w.turns)-1]))
	if w.MaxTokens != nil {
		c.MaxTokens = *w.MaxTokens
	}
	if w.Metadata != nil && w.Metadata.UserID != nil {
		c.UserID = *w.Metadata.UserID
	}
	x.lane = laneKey{c.Organization, c.Class}
	x.s.lanesMu.Lock()
	l := x.s.lane(x.lane, x.now)
	l.stats.Requests++
	l.inFlight++
	l.stats.MaxInFlight = max(l.stats.MaxInFlight, l.inFlight)
	c.fly = l
	x.s.lanesMu.Unlock()
	x.s.journal.publish(c)
}

func head(text string) string {
	return text[:boundary(text, 256)]
}

// finish closes the journal's entry, also when the exchange ends by a panic
// that cuts the connection.
func (x *exchange) finish() {
	c := x.call
	c.End = time.Now()
	if c.Outcome == "" {
		c.Outcome = "ok"
		if c.Status >= 400 {
			c.Outcome = "error"
		}
	}
	if c.fly != nil {
		x.s.lanesMu.Lock()
		c.fly.inFlight--
		if c.Outcome == "ok" && c.Status == 200 {
			c.fly.stats.Succeeded++
		}
		if c.Billed {
			c.fly.stats.Billed++
		}
		x.s.lanesMu.Unlock()
	}
	x.s.journal.publish(c)
}
