package governor

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestBrokenState starts anew with empty buckets: late, never too much.
func TestBrokenState(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"not JSON":         `{`,
		"another version":  `{"v":99,"req":{},"in":{},"out":{},"gate":{},"load":{}}`,
		"another shape":    `[1,2,3]`,
		"negative":         `{"v":1,"req":{"limit":-5},"in":{},"out":{},"gate":{},"load":{}}`,
		"absurd":           `{"v":1,"req":{"limit":1e300,"level":1e308},"in":{},"out":{},"gate":{},"load":{}}`,
		"negative pending": `{"v":1,"pending":-1,"req":{},"in":{},"out":{},"gate":{},"load":{}}`,
		"huge gate":        `{"v":1,"req":{},"in":{},"out":{},"gate":{"width":1e18},"load":{}}`,
		"too long":         `{"v":1,"x":"` + strings.Repeat("x", maxState) + `"}`,
	} {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {60, 60_000, 60_000}}})
		d.lanes["a"] = event.Lane{Name: "a", State: json.RawMessage(raw)}
		d.add("a", "h", 5, 3)
		if a := d.take(3); len(a.Plan.Take) != 0 || !a.Next.After(d.now) {
			t.Errorf("%s: took %d at once, next %s", name, len(a.Plan.Take), a.Next)
		}
		d.now = d.now.Add(5 * time.Second)
		if a := d.take(3); len(a.Plan.Take) == 0 {
			t.Errorf("%s: nothing goes after five seconds", name)
		}
	}
}

// TestClocks lets time jump: no burst twice, and no block for long.
func TestClocks(t *testing.T) {
	t.Parallel()
	limits := map[string]Limits{"a": {60, 0, 0}}
	drained := func() *desk {
		d := newDesk(t, Options{Limits: limits, MaxInFlight: 1 << 20})
		d.open("a")
		d.add("a", "h", 5, 1000)
		if n := len(d.take(1000).Plan.Take); n < 55 || n > 60 {
			t.Fatalf("a full bucket of 60 gave %d", n)
		}
		return d
	}
	d := drained()
	total := 0
	for i := range 60 { // two processes whose clocks differ by half a minute
		skew := time.Duration(i%2) * 30 * time.Second
		d.now = noon.Add(time.Duration(i)*time.Second + skew)
		total += len(d.take(1000).Plan.Take)
	}
	if total > 60+30+1 {
		t.Errorf("clocks that differ gave %d in a minute, want no more than the fastest clock's 90", total)
	}
	d = drained()
	d.now = noon.Add(-24 * time.Hour)
	if n := len(d.take(1000).Plan.Take); n != 0 {
		t.Errorf("a clock set back gave %d", n)
	}
	d.now = d.now.Add(2 * time.Second)
	if n := len(d.take(1000).Plan.Take); n == 0 {
		t.Error("a clock set back blocks the lane")
	}
	d = drained()
	d.now = noon.AddDate(10, 0, 0)
	if n := len(d.take(1000).Plan.Take); n > 60 {
		t.Errorf("a clock set forward gave %d, want one burst at most", n)
	}
}

// nonsense is what a server may send in place of a number or a time.
var nonsense = []string{
	"", "0", "-1", "1", "5", "1000", "500000", "2000000", "1e9", "9223372036854775807", "99999999999999999999", "NaN", "+Inf",
	"ten", " 7 ", "0x10", "1,000", "\x00", strings.Repeat("9", 400),
	"2026-11-25T12:00:00Z", "2026-11-25T12:00:59Z", "1999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-25T12:00:00+99:00",
	"Wed, 25 Nov 2026 12:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
}

func hostileHeaders(rng *rand.Rand) map[string][]string {
	h := map[string][]string{}
	for _, name := range []string{"Requests", "Input-Tokens", "Output-Tokens"} {
		for _, what := range []string{"Limit", "Remaining", "Reset"} {
			if rng.IntN(4) > 0 {
				h["Anthropic-Ratelimit-"+name+"-"+what] = []string{nonsense[rng.IntN(len(nonsense))]}
			}
		}
	}
	if rng.IntN(2) == 0 {
		h["Date"] = []string{nonsense[rng.IntN(len(nonsense))]}
	}
	return h
}

var codes = []string{
	"", "", "", "rate_limited", "ramp_limited", "overloaded", "server_error", "connection", "refusal", "stream_truncated",
	"invalid_request", "spend_cap", "unheard_of",
}

func hostileOutcome(rng *rand.Rand, now time.Time) Outcome {
	o := Outcome{
		Code: codes[rng.IntN(len(codes))], Headers: hostileHeaders(rng),
		Detail: "rate limit of " + nonsense[rng.IntN(len(nonsense))] + " " + []string{"input tokens", "requests", "output tokens", "wishes"}[rng.IntN(4)] + " per minute",
	}
	if rng.IntN(3) == 0 {
		o.Usage = event.Usage{InputTokens: rng.Int64() >> rng.IntN(64), OutputTokens: -5 + rng.Int64()>>rng.IntN(64), CacheRead: rng.Int64() >> rng.IntN(64)}
	}
	if strings.HasSuffix(o.Code, "limited") || o.Code == "spend_cap" {
		o.Wait, o.Until = true, now.Add(time.Duration(rng.IntN(4000)-100)*time.Second)
	}
	return o
}

// TestHostileServer throws nonsense at a lane for many seeds. Whatever happened,
// a server that behaves again gets calls again, at a bounded rate, and the state
// stays small and sound.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limits := map[string]Limits{}
		if seed%2 == 0 {
			limits["a"] = Limits{600, 1_000_000, 200_000}
		}
		d := newDesk(t, Options{Limits: limits, MaxInFlight: 32})
		var open []*Grant
		for range 150 {
			if len(d.waiting) < 40 {
				d.add("a", fmt.Sprint("h", rng.IntN(300)), 1+rng.IntN(9), 3)
			}
			for gr := range grantsOf(d.take(1+rng.IntN(8)), "a") {
				open = append(open, gr)
			}
			d.now = d.now.Add(time.Duration(rng.IntN(40_000)-2_000) * time.Millisecond)
			for len(open) > 0 && rng.IntN(3) > 0 {
				gr := open[0]
				open = open[1:]
				if rng.IntN(2) == 0 {
					d.change("a", d.g.Begun(gr, event.Usage{InputTokens: rng.Int64() >> rng.IntN(64)}, hostileHeaders(rng), d.now))
					d.change("a", d.g.Charged(gr.Stream(rng.IntN(1<<20)), d.now))
				}
				d.settle(gr, hostileOutcome(rng, d.now))
			}
			sound(t, d, seed)
		}
		recovers(t, d, seed)
	}
}

// sound checks what must hold of any stored state.
func sound(t *testing.T, d *desk, seed uint64) {
	t.Helper()
	row, there := d.lanes["a"]
	if !there {
		return
	}
	l := lane{}
	if !l.decode(row.State) || len(row.State) > maxState/2 {
		t.Fatalf("seed %d: state of %d bytes cannot be read back: %.300s", seed, len(row.State), row.State)
	}
	if len(l.Flows) > maxFlows || len(l.Profiles) > maxProfiles {
		t.Fatalf("seed %d: %d flows, %d profiles", seed, len(l.Flows), len(l.Profiles))
	}
	for _, b := range []bucket{l.Req, l.In, l.Out} {
		if b.known() && (b.Level > b.Burst+b.reserve()+1e-6 || b.Burst > b.Limit+1e-6 || b.Level < -mostDebt*b.Limit-1e-6) {
			t.Fatalf("seed %d: bucket %+v", seed, b)
		}
	}
}

// recovers lets a good server answer from now on: the lane must come back to
// the whole rate within the longest pause and a few minutes.
func recovers(t *testing.T, d *desk, seed uint64) {
	t.Helper()
	d.running = map[string]int{}
	if row := d.lanes["a"]; row.Reason == "spend_cap" {
		d.change("a", d.g.Resumed(d.now))
	}
	headers := map[string][]string{
		"Anthropic-Ratelimit-Requests-Limit": {"600"}, "Anthropic-Ratelimit-Requests-Remaining": {"590"},
		"Anthropic-Ratelimit-Input-Tokens-Limit": {"1000000"}, "Anthropic-Ratelimit-Input-Tokens-Remaining": {"990000"},
		"Anthropic-Ratelimit-Output-Tokens-Limit": {"200000"}, "Anthropic-Ratelimit-Output-Tokens-Remaining": {"190000"},
	}
	until, served, last := d.now.Add(90*time.Minute), 0, time.Time{}
	for ; d.now.Before(until); d.now = d.now.Add(2 * time.Second) {
		if len(d.waiting) < 20 {
			d.add("a", "h", 5, 20)
		}
		for gr := range grantsOf(d.take(20), "a") {
			d.change("a", d.g.Begun(gr, event.Usage{InputTokens: 1000}, headers, d.now))
			d.settle(gr, Outcome{Usage: event.Usage{InputTokens: 1000, OutputTokens: 100}, Headers: headers})
			served, last = served+1, d.now
		}
		if served > 300 {
			return
		}
	}
	t.Fatalf("seed %d: only %d calls in 90 minutes, the last at %s; lane %+v", seed, served, last, d.lanes["a"])
}

// TestNeverMoreThanTheBurst is the safety of a bucket: in no window are more
// tokens granted than its burst, what flows in, and one job.
func TestNeverMoreThanTheBurst(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		limit := float64(10_000 * (1 + rng.IntN(100)))
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {InputTokens: int64(limit)}}, MaxInFlight: 1 << 20})
		d.open("a")
		type grant struct {
			at     time.Time
			tokens float64
		}
		var all []grant
		largest := 0.0
		for range 300 {
			for range 5 {
				d.waiting = append(d.waiting, event.Candidate{JobID: fmt.Sprint(len(all), rng.Uint64()), Hook: fmt.Sprint(rng.IntN(5)), Lane: "a", Model: "m", Priority: 5, Size: int(math.Exp(4 + 6*rng.Float64())), ReadyAt: d.now})
			}
			for gr := range grantsOf(d.take(50), "a") {
				all = append(all, grant{d.now, float64(gr.Input)})
				largest = max(largest, float64(gr.Input))
			}
			d.now = d.now.Add(time.Duration(rng.IntN(3000)) * time.Millisecond)
		}
		if len(all) < 20 {
			t.Fatalf("seed %d: only %d granted", seed, len(all))
		}
		for i := range all {
			sum := 0.0
			for _, g := range all[i:] {
				sum += g.tokens
				if most := limit + limit/60*g.at.Sub(all[i].at).Seconds() + largest + 1; sum > most {
					t.Fatalf("seed %d: %.0f tokens in %s, want at most %.0f", seed, sum, g.at.Sub(all[i].at), most)
				}
			}
		}
	}
}

// TestLearn takes limits from headers within the bounds of the configuration.
func TestLearn(t *testing.T) {
	t.Parallel()
	header := func(limit, left, reset string) map[string][]string {
		return map[string][]string{
			"Anthropic-Ratelimit-Input-Tokens-Limit": {limit}, "Anthropic-Ratelimit-Input-Tokens-Remaining": {left},
			"Anthropic-Ratelimit-Input-Tokens-Reset": {reset}, "Date": {"Wed, 25 Nov 2026 12:00:00 GMT"},
		}
	}
	const soon = "2026-11-25T12:00:01Z"
	for _, tt := range []struct {
		name       string
		configured int64
		headers    map[string][]string
		want       Level
	}{
		{"learned", 0, header("600000", "599000", soon), Level{600_000, 599_500, 600_000}},
		{"the configuration bounds it", 60_000, header("600000", "599000", soon), Level{60_000, 60_000, 60_000}},
		{"a lower one wins", 600_000, header("60000", "59000", soon), Level{60_000, 59_500, 60_000}},
		{"a short burst", 600_000, header("600000", "8000", soon), Level{600_000, 8_500, 28_500}},
		{"nearly used up", 600_000, header("600000", "8000", "2026-11-25T12:00:59Z"), Level{600_000, 8_500, 600_000}},
		{"absent", 600_000, nil, Level{600_000, 600_000, 600_000}},
		{"zero", 600_000, header("0", "0", soon), Level{600_000, 600_000, 600_000}},
		{"negative", 600_000, header("-60", "5", soon), Level{600_000, 600_000, 600_000}},
		{"more left than the limit", 600_000, header("600000", "700000", soon), Level{600_000, 600_000, 600_000}},
		{"no level", 600_000, header("600000", "", soon), Level{600_000, 600_000, 600_000}},
		{"a reset that is over", 600_000, header("600000", "599000", "2020-01-01T00:00:00Z"), Level{600_000, 599_500, 600_000}},
		{"a reset far off", 600_000, header("600000", "8000", "2099-01-01T00:00:00Z"), Level{600_000, 8_500, 600_000}},
		{"no reset", 600_000, header("600000", "8000", "later"), Level{600_000, 8_500, 600_000}},
	} {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {InputTokens: tt.configured}}})
		gr := &Grant{Lane: "a", At: d.now}
		d.change("a", d.g.Begun(gr, event.Usage{}, tt.headers, d.now))
		if got := d.g.Look(d.lanes["a"], d.now).View().Input; got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestAnnounced: the limits that were read of the account hold for an hour.
// Headers and the configuration may go below them, and nothing above.
func TestAnnounced(t *testing.T) {
	t.Parallel()
	header := func(limit string) map[string][]string {
		return map[string][]string{"Anthropic-Ratelimit-Requests-Limit": {limit}}
	}
	for _, tt := range []struct {
		name             string
		configured, read int64
		after            time.Duration
		headers          map[string][]string
		want             int64
	}{
		{"read", 0, 1000, 0, nil, 1000},
		{"the configuration is lower", 600, 1000, 0, nil, 600},
		{"the configuration is higher", 2000, 1000, 0, nil, 1000},
		{"headers are lower", 0, 1000, 0, header("500"), 500},
		{"headers are higher", 0, 1000, 0, header("5000"), 1000},
		{"headers are higher, long after", 0, 1000, 2 * time.Hour, header("5000"), 5000},
		{"not told", 600, 0, 0, nil, 600},
		{"nothing known", 0, 0, 0, header("500"), 500},
		{"negative", 600, -5, 0, nil, 600},
		{"absurd", 600, math.MaxInt64, 0, nil, 600},
		{"absurd alone", 0, math.MaxInt64, 0, header("500"), 500},
	} {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {Requests: tt.configured}}})
		d.change("a", d.g.Announced(Limits{Requests: tt.read}, d.now))
		d.now = d.now.Add(tt.after)
		d.change("a", d.g.Begun(&Grant{Lane: "a", At: d.now}, event.Usage{}, tt.headers, d.now))
		if got := d.g.Look(d.lanes["a"], d.now).View().Requests.Limit; got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestConfigurationChanges lets a changed limit win over what was stored.
func TestConfigurationChanges(t *testing.T) {
	t.Parallel()
	row := event.Lane{Name: "a"}
	for _, tt := range []struct{ configured, told, want int64 }{
		{1000, 0, 1000},  // nothing told yet
		{1000, 600, 600}, // the API says less
		{1000, 0, 600},   // and that stands
		{2000, 0, 2000},  // until the configuration changes
		{500, 0, 500},
		{500, 900, 500}, // the API says more
		{0, 0, 500},     // no limit configured: what is known stands
		{0, 900, 900},
	} {
		g := governor(t, Options{Limits: map[string]Limits{"a": {Requests: tt.configured}}})
		headers := map[string][]string{}
		if tt.told > 0 {
			headers["Anthropic-Ratelimit-Requests-Limit"] = []string{fmt.Sprint(tt.told)}
		}
		row = g.Begun(&Grant{Lane: "a", At: noon}, event.Usage{}, headers, noon)(row)
		if got := g.Look(row, noon).View().Requests.Limit; got != tt.want {
			t.Errorf("configured %d, told %d: limit %d, want %d", tt.configured, tt.told, got, tt.want)
		}
	}
}

// TestLimitFromMessage learns from a 429 that names its limit.
func TestLimitFromMessage(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]int64{
		"This request would exceed your organization's rate limit of 30,000 input tokens per minute (org: x, model: y).": 30_000,
		"would exceed the rate limit of input tokens per minute":                                                         0,
		"input tokens per minute": 0,
		"Overloaded":              0,
	} {
		d := newDesk(t, Options{})
		d.settle(&Grant{Lane: "a"}, Outcome{Code: "rate_limited", Detail: message, Wait: true, Until: noon.Add(time.Second)})
		if v := d.g.Look(d.lanes["a"], d.now).View(); v.Input.Limit != want || v.Requests.Limit != 0 {
			t.Errorf("%q: learned %+v, want %d", message, v, want)
		}
	}
}

// TestHopelessJob is one that is larger than a minute's rate: it is refused
// without the lane waiting for it.
func TestHopelessJob(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Limits: map[string]Limits{"a": {InputTokens: 10_000}}})
	d.open("a")
	d.waiting = []event.Candidate{{JobID: "huge", Hook: "h", Lane: "a", Model: "m", Priority: 5, Size: 90_000, ReadyAt: noon}}
	d.now = d.now.Add(time.Minute)
	gr := d.take(1).Grants["huge"]
	if gr == nil {
		t.Fatal("a full bucket did not let it try")
	}
	if _, hopeless := gr.Hopeless(30_000); hopeless {
		t.Error("10,000 tokens fit into a minute of 10,000")
	}
	if gr.Outsize("rate limit") {
		t.Error("a prompt that may fit is outsize")
	}
	if allowed, hopeless := gr.Hopeless(90_000); !hopeless || allowed != 10_000 {
		t.Errorf("hopeless %v, allowed %d", hopeless, allowed)
	}
	if !gr.Outsize("rate limit") || gr.Outsize("rate limit of 50 requests per minute") {
		t.Error("want 30,000 tokens to be too many for 10,000 a minute, and nothing but input tokens")
	}
	d.settle(gr, Outcome{Code: "rate_limited", Wait: true, Until: d.now.Add(time.Hour), Detail: "rate limit of 10,000 input tokens per minute"})
	if row := d.lanes["a"]; row.Paused {
		t.Errorf("the lane waits for it: %+v", row)
	}
}

// TestRamp halves the rates after a ramp limit and lets them grow back.
func TestRamp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	pace := func() float64 { return d.g.Look(d.lanes["a"], d.now).View().Pace }
	hit := Outcome{Code: "ramp_limited", Wait: true, Until: noon.Add(time.Second)}
	for _, want := range []float64{0.5, 0.25, 0.25} {
		d.settle(&Grant{Lane: "a"}, hit)
		if got := pace(); got != want {
			t.Errorf("pace %g, want %g", got, want)
		}
	}
	d.now = noon.Add(time.Minute)
	if got := pace(); got != 0.5 {
		t.Errorf("pace %g after a minute, want 0.5", got)
	}
	d.now = noon.Add(4 * time.Minute)
	if got := pace(); got != 1 {
		t.Errorf("pace %g after four minutes, want 1", got)
	}
}

// TestUnavailable closes the lane after several failures in a row, longer each
// time, and opens it by one call.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "h", 5, 100)
	for range firstFails {
		for gr := range grantsOf(d.take(1), "a") {
			d.settle(gr, Outcome{Code: "connection", Detail: "no route"})
		}
	}
	var last time.Duration
	for range 8 {
		row := d.lanes["a"]
		wait := row.Until.Sub(d.now)
		if !row.Paused || row.Reason != "unavailable" || wait < last || wait > longestBreak {
			t.Fatalf("lane %+v, wait %s after %s", row, wait, last)
		}
		last, d.now = wait, row.Until
		probe := d.take(10)
		if len(probe.Plan.Take) != 1 {
			t.Fatalf("%d probes, want 1", len(probe.Plan.Take))
		}
		d.settle(probe.Grants[probe.Plan.Take[0]], Outcome{Code: "server_error"})
	}
	if last != longestBreak {
		t.Errorf("the last break was %s, want %s", last, longestBreak)
	}
	d.now = d.lanes["a"].Until
	probe := d.take(10)
	gr := probe.Grants[probe.Plan.Take[0]]
	d.begun(gr)
	d.settle(gr, ok(100, 10))
	if n := len(d.take(10).Plan.Take); n != 2 {
		t.Errorf("%d go after the probe, want 2", n)
	}
}

// TestPrediction learns sizes and lengths per hook and model.
func TestPrediction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Hooks: map[string]Hook{"h": {MaxTokens: 2000}}})
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		size := 1000 + rng.IntN(20_000)
		gr := &Grant{Lane: "a", Hook: "h", Model: "m", Size: size, At: d.now}
		gr.Stream(700 * 4)
		d.settle(gr, ok(2000+int64(size)/4, int64(400+rng.IntN(600))))
	}
	l := d.g.open(d.lanes["a"], d.now)
	for _, size := range []int{2000, 10_000, 20_000} {
		f := l.predict(d.g.options.Hooks["h"], profileKey("h", "m"), size)
		if want := 2000 + float64(size)/4; math.Abs(f.input-want) > 0.05*want {
			t.Errorf("%d bytes: %.0f input tokens, want %.0f", size, f.input, want)
		}
		if f.output < 700 || f.output > 900 {
			t.Errorf("%.0f output tokens, want about 790", f.output)
		}
	}
	if f := l.predict(Hook{MaxTokens: 50}, profileKey("h", "m"), 1000); f.output > 50 {
		t.Errorf("%.0f output tokens, the hook allows 50", f.output)
	}
	if at, known := d.g.Look(d.lanes["a"], d.now).Empty(100); known {
		t.Errorf("empty at %s although no limit is known", at)
	}
	d = newDesk(t, Options{Limits: map[string]Limits{"a": {Requests: 60}}})
	d.settle(&Grant{Lane: "a"}, ok(100, 100))
	if at, known := d.g.Look(d.lanes["a"], d.now).Empty(120); !known || at.Sub(noon).Round(time.Second) != time.Minute {
		t.Errorf("120 jobs at 60 a minute with a full bucket: empty at %s, %v", at, known)
	}
}

// FuzzState opens whatever the store may hold.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"v":1,"req":{"limit":60,"burst":60,"level":3,"at":5},"in":{},"out":{},"gate":{"width":2},"load":{"most":3}}`))
	f.Add([]byte(`{"v":1,"profiles":{"h m":{"n":1e308,"x":-1e308,"y":1e308,"vx":1e-300,"cxy":1e300,"q":1e308,"b":0}},"flows":{"h":{"f":-1e308,"s":-9}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := newDesk(t, Options{Limits: map[string]Limits{"a": {600, 600_000, 600_000}}})
		d.lanes["a"] = event.Lane{Name: "a", State: raw}
		d.add("a", "h", 5, 5)
		taken := 0
		for range 40 {
			for gr := range grantsOf(d.take(5), "a") {
				d.begun(gr)
				d.settle(gr, ok(100, 10))
				taken++
			}
			if taken > 0 {
				sound(t, d, 0)
			}
			d.now = d.now.Add(10 * time.Second)
		}
		if taken == 0 {
			t.Error("nothing went in seven minutes")
		}
	})
}
