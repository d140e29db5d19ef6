package claudetest

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// createMessage is POST /v1/messages: validate, admit, cache, decide, write.
func (s *Server) createMessage(x *exchange) *apiError {
	w, failed := x.decodeMessage(false)
	if failed != nil {
		return failed
	}
	x.enter(w)
	use := s.cache.use(w, x.call.Organization, x.call.Workspace, x.now)
	charged := w.input - use.read
	estimate := x.estimate(charged)
	if failed := s.admit(x, estimate); failed != nil {
		return failed
	}
	request := w.request("messages", x.r.Header)
	failure, scripted := s.destiny(request)
	if failure != nil && failure.early() {
		return x.refuse(failure, estimate)
	}
	var reply Reply
	switch {
	case scripted != nil:
		reply = *scripted
	case s.Reply != nil:
		reply = s.Reply(request)
	}
	if reply.Fail != nil && failure == nil && reply.Fail.early() {
		return x.refuse(reply.Fail, estimate)
	}
	m := &answering{
		x: x, w: w, use: use, correction: charged - estimate,
		plan: s.plan(w, request, reply, failure),
		id:   "msg_01" + x.id(22),
		usage: usage{
			input: charged - use.written(), read: use.read, write5m: use.write5m, write1h: use.write1h, tier: "standard",
		},
	}
	x.call.InputTokens, x.call.CacheReadTokens, x.call.CacheWriteTokens = m.usage.input, use.read, use.written()
	m.run()
	return nil
}

// refuse plays a failure before any work; its input is given back.
func (x *exchange) refuse(f *Failure, estimate int64) *apiError {
	if f.RetryAfter != "" {
		x.s.pauseFor(x, f)
	}
	if f.Kind != Hang {
		x.s.charge(x, -estimate, 0)
	}
	return x.failEarly(f)
}

func (x *exchange) decodeMessage(countOnly bool) (*wireRequest, *apiError) {
	body, failed := x.body(messagesBody)
	if failed != nil {
		return nil, failed
	}
	w, failed := decode(body)
	if failed != nil {
		return nil, failed
	}
	return w, x.s.prepare(w, x.version, countOnly)
}

// estimate is what the input is charged by until it is known.
func (x *exchange) estimate(tokens int64) int64 {
	off := x.s.InputEstimateError * (2*x.rng.Float64() - 1)
	return int64(math.Round(float64(tokens) * (1 + off)))
}

func (s *Server) countTokens(x *exchange) *apiError {
	perMinute := s.CountTokensPerMinute
	if t, _ := tiers(s.Tier); perMinute == 0 {
		perMinute = t.countTokens
	}
	if failed := s.counting.admit(perMinute, x.now, "token counting requests"); failed != nil {
		return failed
	}
	w, failed := x.decodeMessage(true)
	if failed != nil {
		return failed
	}
	x.call.Model, x.call.Class = w.model.id, w.model.class
	x.writeJSON(http.StatusOK, map[string]int64{"input_tokens": w.input})
	return nil
}

// answering writes one reply. One goroutine owns it.
type answering struct {
	x          *exchange
	w          *wireRequest
	plan       *plan
	use        cacheUse
	usage      usage
	id         string
	correction int64 // true input minus the estimate that was charged

	start   time.Time // of writing
	written int64     // output tokens so far
	ping    time.Time // when silence has lasted long enough
	failed  bool      // the plan's failure has been played
}

// run writes the reply; it returns when the reply is complete, and panics to
// cut the connection.
func (m *answering) run() {
	x := m.x
	if m.plan.fail.Kind != "" {
		x.call.Outcome = string(m.plan.fail.Kind)
	}
	if *m.w.MaxTokens == 0 { // a primer of the cache
		m.plan = &plan{stop: "max_tokens", latency: m.plan.latency}
	}
	var err error
	if x.sleep(x.now.Add(m.plan.latency)) != nil {
		err = errGone
	} else if m.start = time.Now(); m.w.Stream {
		err = m.stream()
	} else {
		err = m.whole()
	}
	if errors.Is(err, errGone) {
		x.call.Outcome = "gone"
		panic(http.ErrAbortHandler)
	}
}

// first is called right before the first byte of the body: what the cache
// wrote can be read from now on, and the input is known.
func (m *answering) first() {
	x := m.x
	x.w.Header()["X-Envoy-Upstream-Service-Time"] = []string{strconv.FormatInt(time.Since(x.now).Milliseconds(), 10)}
	x.call.Status, x.call.FirstByte, x.call.Billed = http.StatusOK, time.Now(), m.plan.stop != "refusal" || m.plan.output > 0
	x.s.settle(m)
	x.s.journal.publish(x.call)
}

func (s *Server) settle(m *answering) {
	now := time.Now()
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	l := s.lane(m.x.lane, now)
	l.input.take(float64(m.correction))
	l.stats.InputTokens += m.usage.input
	l.stats.CacheReadTokens += m.use.read
	l.stats.CacheWriteTokens += m.use.written()
}

// emit waits until so many more tokens have been written at the plan's speed,
// and charges them.
func (m *answering) emit(tokens int64) error {
	if m.plan.speed > 0 {
		done := float64(m.written+tokens) / m.plan.speed
		if err := m.wait(m.start.Add(time.Duration(done * float64(time.Second)))); err != nil {
			return err
		}
	}
	m.written += tokens
	if tokens > 0 {
		m.x.call.OutputTokens += tokens
		m.x.s.charge(m.x, 0, tokens)
	}
	return nil
}

// wait sleeps; a stream says ping when the silence lasts.
func (m *answering) wait(until time.Time) error {
	for m.w.Stream && m.ping.Before(until) {
		if err := m.x.sleep(m.ping); err != nil {
			return err
		}
		m.pinged()
		m.x.flush()
	}
	return m.x.sleep(until)
}

// chunk is how many tokens are written at a time: those of PieceEvery,
// less when a failure needs more pieces, and all at once without a speed.
func (m *answering) chunk() int64 {
	size := int64(24)
	if m.plan.speed > 0 {
		size = max(1, int64(m.plan.speed*cmp.Or(m.x.s.PieceEvery, 100*time.Millisecond).Seconds()))
	}
	if m.plan.fail.Kind == Huge {
		size = 4096
	}
	if after := int64(m.plan.fail.After); after > 0 {
		size = max(1, min(size, (m.plan.output-m.plan.thinking)/(after+1)))
	}
	return size
}

// whole writes a reply that is not streamed.
func (m *answering) whole() error {
	x, p := m.x, m.plan
	for left := p.output; left > 0; {
		n := left
		if p.speed > 0 {
			n = min(left, m.chunk())
		}
		if err := m.emit(n); err != nil {
			return err
		}
		left -= n
	}
	m.usage.output, m.usage.thinking = p.output, p.thinking
	x.call.StopReason = p.stop
	if p.fail.Kind == ErrorEvent {
		e := (&Failure{Kind: Overloaded, Type: p.fail.Type, Message: p.fail.Message}).failed(x.now)
		x.call.Billed = true
		x.fail(e)
		return nil
	}
	m.first()
	body := appendMessage(nil, m.w.model.id, m.id, p, m.usage)
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	switch p.fail.Kind {
	case Stall, DropBody, Cut:
		m.abandon(body)
	case CleanEOF:
		h.Del("Content-Length")
		body = body[:len(body)/2]
	case Trickle:
		return m.trickle(body)
	}
	x.w.WriteHeader(http.StatusOK)
	x.s.cache.commit(m.use)
	x.write(body)
	return nil
}

// abandon sends a part of the body, if any, and then nothing or the end of the
// connection.
func (m *answering) abandon(body []byte) {
	x := m.x
	x.w.WriteHeader(http.StatusOK)
	x.s.cache.commit(m.use)
	if m.plan.fail.Kind != DropBody {
		x.out = append(x.out, body[:len(body)/2]...)
	}
	x.flush()
	if m.plan.fail.Kind == Stall {
		x.hang()
	}
	panic(http.ErrAbortHandler)
}

// trickle sends bytes in small pieces, one each Delay.
func (m *answering) trickle(data []byte) error {
	x, delay := m.x, m.plan.fail.Delay
	if delay <= 0 {
		delay = 100 * time.Millisecond
	}
	x.s.cache.commit(m.use)
	for len(data) > 0 {
		n := min(16, len(data))
		x.out = append(x.out, data[:n]...)
		data = data[n:]
		x.flush()
		if err := x.sleep(time.Now().Add(delay)); err != nil {
			return err
		}
	}
	return nil
}
