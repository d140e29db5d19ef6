package claudetest

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits are the budgets of one model class of one organisation. A field that
// is 0 takes the number of the tier; a negative one sets no limit and sends no
// header.
type Limits struct {
	RequestsPerMinute     int64
	InputTokensPerMinute  int64 // cache reads do not count
	OutputTokensPerMinute int64 // what is really written; max_tokens does not count
	// Burst is how much of the rate a full bucket holds. 0: a minute's worth.
	// The API may enforce "60 RPM as 1 request per second", which is Burst: time.Second.
	Burst time.Duration
}

// A RampLimit refuses traffic that grows too fast: a class may send, in each
// window, Factor times what it sent in the window before, and Floor at least.
type RampLimit struct {
	Floor  int64
	Factor float64       // 0: 2
	Window time.Duration // 0: a minute
}

const rampMessage = "This request would exceed the acceleration limit of your organization: usage increased sharply. " +
	"Ramp up gradually. For details, refer to: https://docs.claude.com/en/api/rate-limits."

// A tier holds published limits, https://platform.claude.com/docs/en/api/rate-limits.
type tier struct {
	all, fable        Limits
	countTokens       int64
	batchCalls, queue int64
}

func tiers(name string) (tier, bool) {
	switch name {
	case "", "start":
		return tier{Limits{1_000, 2_000_000, 400_000, 0}, Limits{1_000, 500_000, 100_000, 0}, 2_000, 1_000, 200_000}, true
	case "build":
		return tier{Limits{5_000, 5_000_000, 1_000_000, 0}, Limits{2_000, 1_500_000, 300_000, 0}, 4_000, 2_000, 300_000}, true
	case "scale":
		return tier{Limits{10_000, 10_000_000, 2_000_000, 0}, Limits{4_000, 4_000_000, 800_000, 0}, 8_000, 4_000, 500_000}, true
	}
	return tier{}, false
}

// limitsOf resolves what is in force for a class.
func (s *Server) limitsOf(class string) Limits {
	t, _ := tiers(s.Tier)
	base := t.all
	if class == "fable-5" || class == "mythos-5" || class == "mythos-preview" {
		base = t.fable
	}
	given, ok := s.limits[class]
	if !ok {
		given = s.limits[""]
	}
	for _, f := range []struct{ to, from *int64 }{
		{&base.RequestsPerMinute, &given.RequestsPerMinute},
		{&base.InputTokensPerMinute, &given.InputTokensPerMinute},
		{&base.OutputTokensPerMinute, &given.OutputTokensPerMinute},
	} {
		if *f.from != 0 {
			*f.to = *f.from
		}
	}
	base.Burst = given.Burst
	return base
}

// SetLimits changes the limits of a class, or with "" of every class that has
// none of its own, from this moment on: what is in a bucket stays, up to its
// new size, and the next headers show the new limit.
func (s *Server) SetLimits(class string, l Limits) {
	s.begin()
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	s.limits[class] = l
	now := time.Now()
	for key, lane := range s.lanes {
		lane.set(s.limitsOf(key.class), now)
	}
}

// A bucket is filled continuously up to its size; its level may be below zero.
type bucket struct {
	perMinute int64 // 0: no limit
	size      float64
	level     float64
	at        time.Time // when level was true
}

func (b *bucket) set(perMinute int64, burst time.Duration, now time.Time) {
	fresh := b.at.IsZero() || b.perMinute <= 0
	b.refill(now)
	if burst <= 0 || burst > time.Minute {
		burst = time.Minute
	}
	b.perMinute, b.at = max(perMinute, 0), now
	b.size = max(1, float64(b.perMinute)*burst.Minutes())
	b.level = min(b.level, b.size)
	if fresh {
		b.level = b.size
	}
}

func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.level = min(b.size, b.level+float64(b.perMinute)*d.Minutes())
		b.at = now
	}
}

// wait is how long until the bucket can serve n; 0 is now. A demand over its
// size is served when it is full, one over a whole minute's limit never is.
func (b *bucket) wait(n float64) time.Duration {
	if b.perMinute <= 0 {
		return 0
	}
	need := min(n, b.size)
	if n > float64(b.perMinute) {
		return max(b.fill(b.size), time.Second)
	}
	return b.fill(need)
}

// fill is how long until the level is n. A hair of rounding does not count.
func (b *bucket) fill(n float64) time.Duration {
	if b.level >= n-1e-6 || b.perMinute <= 0 {
		return 0
	}
	return time.Duration(math.Ceil((n - b.level) / float64(b.perMinute) * float64(time.Minute)))
}

func (b *bucket) take(n float64) {
	if b.perMinute > 0 {
		b.level = min(b.size, b.level-n)
	}
}

type laneKey struct{ org, class string }

// A lane is the state of one model class of one organisation. Server.lanesMu
// guards it.
type lane struct {
	requests, input, output bucket
	ramp                    rampState
	pausedUntil             time.Time // the end of the longest retry-after that was sent
	inFlight                int
	stats                   ClassStats
}

type rampState struct {
	start     time.Time
	now, last int64
}

func (l *lane) set(limits Limits, now time.Time) {
	l.requests.set(limits.RequestsPerMinute, limits.Burst, now)
	l.input.set(limits.InputTokensPerMinute, limits.Burst, now)
	l.output.set(limits.OutputTokensPerMinute, limits.Burst, now)
}

func (l *lane) refill(now time.Time) {
	l.requests.refill(now)
	l.input.refill(now)
	l.output.refill(now)
}

// lane returns the lane of a key, full when it is new. The caller holds lanesMu.
func (s *Server) lane(key laneKey, now time.Time) *lane {
	l := s.lanes[key]
	if l == nil {
		l = new(lane)
		l.set(s.limitsOf(key.class), now)
		s.lanes[key] = l
	}
	l.refill(now)
	return l
}

// admit takes one request and its estimated input from the lane, or says why
// not. Headers of the lane go onto the response either way.
func (s *Server) admit(x *exchange, estimate int64) *apiError {
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	l := s.lane(x.lane, x.now)
	defer l.headers(x.w.Header(), x.now)
	if early := l.pausedUntil.Sub(x.now); early > 0 {
		x.call.Early = early
		l.stats.Early++
	}
	if refused := l.over(x, float64(estimate)); refused != nil {
		if s.CountRefused {
			l.requests.take(1)
		}
		return refused
	}
	if refused := l.rampOver(s.Ramp, x); refused != nil {
		return refused
	}
	l.requests.take(1)
	l.input.take(float64(estimate))
	l.stats.Admitted++
	return nil
}

// over finds the budget that keeps the request waiting longest. Output is
// charged as it is written, so a call may start while any is left.
func (l *lane) over(x *exchange, estimate float64) *apiError {
	type demand struct {
		b    *bucket
		need float64
		name string
		hits *int64
	}
	var worst demand
	var wait time.Duration
	for _, d := range []demand{
		{&l.requests, 1, "requests", &l.stats.OverRequests},
		{&l.input, estimate, "input tokens", &l.stats.OverInput},
		{&l.output, 1, "output tokens", &l.stats.OverOutput},
	} {
		if w := d.b.wait(d.need); w > wait {
			worst, wait = d, w
		}
	}
	if wait == 0 {
		return nil
	}
	*worst.hits++
	x.call.Over = worst.name
	message := fmt.Sprintf("This request would exceed your organization's rate limit of %s %s per minute (org: %s, model: %s). "+
		"For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage.",
		thousands(worst.b.perMinute), worst.name, x.call.Organization, x.call.Model)
	seconds := ceilSeconds(wait)
	l.pause(x.now.Add(time.Duration(seconds) * time.Second))
	return rateLimited(message, seconds)
}

func (l *lane) pause(until time.Time) {
	if until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

func (l *lane) rampOver(limit RampLimit, x *exchange) *apiError {
	if limit.Floor <= 0 {
		return nil
	}
	factor, window := limit.Factor, limit.Window
	if factor <= 0 {
		factor = 2
	}
	if window <= 0 {
		window = time.Minute
	}
	r := &l.ramp
	switch since := x.now.Sub(r.start); {
	case since >= 2*window || r.start.IsZero():
		*r = rampState{start: x.now}
	case since >= window:
		*r = rampState{start: r.start.Add(window), last: r.now}
	}
	if float64(r.now+1) <= max(float64(limit.Floor), factor*float64(r.last)) {
		r.now++
		return nil
	}
	l.stats.OverRamp++
	x.call.Over = "ramp"
	seconds := ceilSeconds(r.start.Add(window).Sub(x.now))
	l.pause(x.now.Add(time.Duration(seconds) * time.Second))
	e := rateLimited(rampMessage, seconds)
	e.code = "ramp_limit_exceeded"
	return e
}

// charge takes tokens that were written, or corrects the input by the
// difference between the true count and the estimate.
func (s *Server) charge(x *exchange, input, output int64) {
	now := time.Now()
	s.lanesMu.Lock()
	defer s.lanesMu.Unlock()
	l := s.lane(x.lane, now)
	l.input.take(float64(input))
	l.output.take(float64(output))
	l.stats.OutputTokens += output
}

// headers writes the twelve anthropic-ratelimit headers, in the forms of
// https://platform.claude.com/docs/en/api/rate-limits: tokens remaining in
// whole thousands (recorded answers round down), the reset as the second at
// which the bucket is full, and "tokens" as the sum of input and output.
func (l *lane) headers(h http.Header, now time.Time) {
	if l.requests.perMinute > 0 {
		put(h, "Requests", l.requests.perMinute, int64(max(0, l.requests.level+1e-6)), now.Add(l.requests.fill(l.requests.size)))
	}
	if l.input.perMinute > 0 {
		put(h, "Input-Tokens", l.input.perMinute, wholeThousands(l.input.level), now.Add(l.input.fill(l.input.size)))
	}
	if l.output.perMinute > 0 {
		put(h, "Output-Tokens", l.output.perMinute, wholeThousands(l.output.level), now.Add(l.output.fill(l.output.size)))
	}
	if l.input.perMinute > 0 && l.output.perMinute > 0 {
		full := max(l.input.fill(l.input.size), l.output.fill(l.output.size))
		put(h, "Tokens", l.input.perMinute+l.output.perMinute,
			wholeThousands(max(0, l.input.level)+max(0, l.output.level)), now.Add(full))
	}
}

func put(h http.Header, name string, limit, remaining int64, reset time.Time) {
	prefix := "Anthropic-Ratelimit-" + name
	if whole := reset.Truncate(time.Second); whole.Before(reset) {
		reset = whole.Add(time.Second)
	}
	h[prefix+"-Limit"] = []string{strconv.FormatInt(limit, 10)}
	h[prefix+"-Remaining"] = []string{strconv.FormatInt(remaining, 10)}
	h[prefix+"-Reset"] = []string{reset.UTC().Format(time.RFC3339)}
}

func wholeThousands(level float64) int64 {
	return int64(max(0, level+1e-6)) / 1000 * 1000
}

func ceilSeconds(d time.Duration) int64 {
	return max(1, int64((d+time.Second-1)/time.Second))
}

func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// A simpleLimit is the bucket of an endpoint that counts calls alone.
type simpleLimit struct {
	mu     sync.Mutex
	bucket bucket
}

func (l *simpleLimit) admit(perMinute int64, now time.Time, what string) *apiError {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket.perMinute != perMinute {
		l.bucket.set(perMinute, 0, now)
	}
	l.bucket.refill(now)
	if wait := l.bucket.wait(1); wait > 0 {
		return rateLimited(fmt.Sprintf("This request would exceed your organization's rate limit of %s %s per minute.",
			thousands(perMinute), what), ceilSeconds(wait))
	}
	l.bucket.take(1)
	return nil
}
