package governor

import (
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/event"
)

// toldFor is how long the account's limits hold after they were read, in ms.
const toldFor = 60 * 60_000

// Announced takes the account's limits as the API's administration tells them
// (https://platform.claude.com/docs/en/api/rate-limits-api). The configuration
// bounds them; headers may go below them and not above. A limit that is zero is
// not known.
func (g *Governor) Announced(a Limits, now time.Time) func(event.Lane) event.Lane {
	return func(row event.Lane) event.Lane {
		l := g.open(row, now)
		l.ToldAt = millis(now)
		for i, limit := range []int64{a.Requests, a.InputTokens, a.OutputTokens} {
			d := l.dimensions()[i]
			d.bucket.Told = float64(min(max(limit, 0), mostPerMinute))
			if d.told = d.bucket.Told; d.told > 0 {
				d.announce(d.told, millis(now))
			}
		}
		return l.close(now)
	}
}

// rounding is how far a token count of a header may be off: they are rounded to
// the nearest thousand. Requests are exact.
const rounding = 500

// A header is a response's, its names in canonical form as net/http has them.
type header map[string][]string

// get returns the first value of a name, empty if there is none.
func (h header) get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// A dimension is one of the three limits of a lane.
type dimension struct {
	name       string // in headers
	words      string // in the message of a 429
	bucket     *bucket
	configured int64
	slack      float64 // rounding of its headers
	onTheWay   float64 // debited here, and perhaps not yet there
	told       float64 // the account's limit, if it was read lately
}

func (l *lane) dimensions() [3]dimension {
	all := [3]dimension{
		{"Requests", "requests per minute", &l.Req, l.limits.Requests, 0, float64(l.Gate.Waiting), l.Req.Told},
		{"Input-Tokens", "input tokens per minute", &l.In, l.limits.InputTokens, rounding, l.Gate.Input, l.In.Told},
		{"Output-Tokens", "output tokens per minute", &l.Out, l.limits.OutputTokens, rounding, 0, l.Out.Told},
	}
	if l.Req.At-l.ToldAt > toldFor {
		for i := range all {
			all[i].told = 0
		}
	}
	return all
}

// learn takes the limits and levels out of a response's headers
// (https://platform.claude.com/docs/en/api/rate-limits). Levels are those
// of the moment at which the request arrived, some time after sent; zero: too
// long ago. What is missing,
// malformed or contradicts itself is passed over.
func (l *lane) learn(headers map[string][]string, sent, now time.Time) {
	h, fresh := header(headers), !sent.IsZero()
	for _, d := range l.dimensions() {
		prefix := "Anthropic-Ratelimit-" + d.name + "-"
		limit, ok := amount(h.get(prefix + "Limit"))
		if !ok || limit < 1 {
			continue
		}
		d.announce(limit, millis(now))
		left, ok := amount(h.get(prefix + "Remaining"))
		if !ok || left > limit || !fresh {
			continue
		}
		d.lower(left, now.Sub(sent).Seconds())
		if l.Tight == 0 && d.bucket.Limit >= limit {
			d.raise(left)
			d.burst(left, fullIn(h, prefix+"Reset", now))
		}
	}
}

// announce takes a limit that the API names. The configuration bounds it, and
// so does what was read of the account.
func (d dimension) announce(limit float64, now int64) {
	if d.configured > 0 {
		limit = min(limit, float64(d.configured))
	}
	if d.told > 0 {
		limit = min(limit, d.told)
	}
	d.bucket.learn(limit, now)
}

// lower moves the level down to what the API said was left, and what flowed in
// since.
func (d dimension) lower(left, seconds float64) {
	b := d.bucket
	b.Level = min(b.Level, left+d.slack+b.rate()*max(seconds, 0))
	b.clamp()
}

// raise moves the level up to what the API says is left, when the difference can
// be neither rounding nor requests that arrived since or are under way. It is not asked where the
// configuration keeps us below the API's limit, or after a 429 that the API's
// own count did not foretell: then that count is not the one that it enforces.
func (d dimension) raise(left float64) {
	b := d.bucket
	if least := left - d.slack - d.onTheWay; least > b.Level+max(4*d.slack, 2*b.rate(), 2) {
		b.Level = least
	}
	b.clamp()
}

// burst learns how much the API's bucket holds from what is left and when it
// will be full again: seconds, with a resolution of one.
func (d dimension) burst(left, seconds float64) {
	b := d.bucket
	if left-d.slack > b.Burst {
		b.bound(left)
	}
	if seconds < 0 || seconds > fullBurst+10 {
		return
	}
	if holds := left + d.slack + b.rate()*(seconds+1); holds < b.Burst {
		b.bound(holds)
	}
}

// fullIn returns the seconds until a reset, by the server's own clock where it
// tells it; negative if there is none.
func fullIn(h header, name string, now time.Time) float64 {
	reset, err := time.Parse(time.RFC3339, h.get(name))
	if err != nil {
		return -1
	}
	if date, err := time.Parse(time.RFC1123, h.get("Date")); err == nil {
		now = date
	}
	return reset.Sub(now).Seconds()
}

// amount reads a count of a header.
func amount(text string) (float64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > mostPerMinute {
		return 0, false
	}
	return float64(n), true
}

// limited takes a 429. If there was room by our count, the API's bucket holds
// less than we thought: by just what we thought was left.
func (l *lane) limited(gr *Grant, o Outcome, r reaction, now time.Time) {
	h := header(o.Headers)
	known := false
	for _, d := range l.dimensions() {
		limit, named := exceeded(o.Detail, d.words)
		if limit > 0 {
			d.announce(limit, millis(now))
		}
		left, told := amount(h.get("Anthropic-Ratelimit-" + d.name + "-Remaining"))
		if !named && !(told && left == 0 && !namesAny(o.Detail)) {
			continue
		}
		known = true
		d.tighten(d.need(gr), millis(gr.At) > l.Tight)
	}
	if known {
		l.Tight = millis(now)
	}
	if !known { // no telling which limit: send less
		l.Load.failed(true, r.running, millis(now))
		l.Load.Fails = 0
	}
}

// need is what the refused request wanted of a dimension.
func (d dimension) need(gr *Grant) float64 {
	switch d.name {
	case "Requests":
		return 1
	case "Input-Tokens":
		return float64(gr.Input)
	}
	return 1
}

// tighten empties the bucket and shrinks it by what it had too much. Requests
// that were sent before an earlier refusal came back teach nothing new.
func (d dimension) tighten(need float64, news bool) {
	b := d.bucket
	if !b.known() {
		return
	}
	if over := b.Level - need; over > 0 && news && need < large*b.Burst {
		b.bound(0.9 * (b.Burst - max(over-b.reserve(), 0) - d.onTheWay))
		b.surprised()
	}
	b.Level = min(b.Level, 0)
}

// exceeded looks for a limit in the message of a 429: "... your organization's
// rate limit of 30,000 input tokens per minute ...". The limit is zero where it
// cannot be read.
func exceeded(message, words string) (limit float64, named bool) {
	before, _, named := strings.Cut(message, words)
	if !named {
		return 0, false
	}
	fields := strings.Fields(before)
	if len(fields) == 0 {
		return 0, true
	}
	limit, ok := amount(strings.ReplaceAll(fields[len(fields)-1], ",", ""))
	if !ok {
		return 0, true
	}
	return limit, true
}

// namesAny reports whether a message names a limit at all.
func namesAny(message string) bool { return strings.Contains(message, "per minute") }
