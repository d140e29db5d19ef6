package governor

import "math"

// Bounds of what a bucket believes.
const (
	mostPerMinute = 1e12   // beyond it a limit is nonsense
	fullBurst     = 60.0   // seconds: a bucket holds at most a minute of its rate
	leastBurst    = 1.0    // seconds: "60 RPM might be enforced as 1 request per second"
	large         = 0.8    // share of the burst from which a request counts as large
	reserved      = 0.3    // seconds of the rate that stay in reserve, to begin with
	mostReserved  = 0.6    // share of the burst that may stay in reserve
	noiseStep     = 0.04   // seconds by which a surprise widens the reserve
	roomyAt       = 0.6    // share of the burst up to which a request and the reserve go beside each other
	aloneWith     = 0.5    // share of the reserve for a request that went without others
	fullAt        = 0.995  // share of the burst at which it is full
	mostDebt      = 2.0    // minutes of the rate: debt past it is forgiven
	mostSkew      = 60_000 // ms by which the clocks of two processes may differ
)

// A bucket mirrors one of the API's: filled continuously at a rate per minute
// up to a burst that nobody announces. Debt is allowed: what was used was used.
type bucket struct {
	Limit float64 `json:"limit,omitempty"` // per minute; 0: not known
	Burst float64 `json:"burst,omitempty"` // tokens that it holds when full
	Level float64 `json:"level"`
	At    int64   `json:"at"`              // ms, of Level
	Noise float64 `json:"noise,omitempty"` // seconds added to the reserve: it was too small
	Asked float64 `json:"asked,omitempty"` // the limit of the configuration, when it was last looked at
	Told  float64 `json:"told,omitempty"`  // the limit that the account has, as it was read; 0: not known
}

// known reports whether the bucket bounds anything.
func (b *bucket) known() bool { return b.Limit > 0 }

// rate returns what flows in per second.
func (b *bucket) rate() float64 { return b.Limit / 60 }

// learn sets the limit. A new bucket is full; an old one keeps its level and
// the length of its burst.
func (b *bucket) learn(limit float64, now int64) {
	limit = min(limit, mostPerMinute)
	if !(limit > 0) || limit == b.Limit {
		return
	}
	if !b.known() {
		*b = bucket{Asked: b.Asked, Told: b.Told, Limit: limit, Burst: limit * fullBurst / 60, Level: b.Level + limit*fullBurst/60, At: now}
		b.clamp()
		return
	}
	burst := b.Burst * limit / b.Limit
	b.Limit = limit
	b.bound(burst)
}

// fill lets time pass. No moment is counted twice, so of several processes the
// one with the fastest clock sets the pace; only a clock that was set back by
// more than clocks may differ starts anew, and that must be stored.
func (b *bucket) fill(now int64, pace float64) (store bool) {
	switch {
	case now > b.At:
		if b.known() {
			b.Level += float64(now-b.At) / 1000 * b.rate() * pace
		}
		b.At = now
	case setBack(now, b.At):
		b.At, store = now, true
	}
	b.clamp()
	return store
}

// setBack reports whether a clock was set back since a moment in ms, and does
// not merely differ from another one's.
func setBack(now, then int64) bool { return then-now > mostSkew }

// take debits n, or gives back if n is negative.
func (b *bucket) take(n float64) {
	b.Level = min(b.Level, b.brim()) - n
	b.clamp()
}

// bound lowers or raises the burst, within a second and a minute of the rate.
func (b *bucket) bound(burst float64) {
	if !b.known() || math.IsNaN(burst) {
		return
	}
	b.Burst = min(max(burst, 1, b.rate()*leastBurst), b.rate()*fullBurst)
	b.clamp()
}

// clamp keeps the level between the deepest debt and the burst. A bucket whose
// limit is not known yet only remembers debt.
func (b *bucket) clamp() {
	if math.IsNaN(b.Level) || math.IsInf(b.Level, 0) {
		b.Level = 0
	}
	if !b.known() {
		b.Level = min(max(b.Level, -mostPerMinute), 0)
		return
	}
	b.Level = min(max(b.Level, -mostDebt*b.Limit), b.Burst+b.reserve())
}

// brim is the most that may be used. Time goes on to count for a moment above
// it, so that one can tell a bucket that is full from one that just became so.
func (b *bucket) brim() float64 {
	if !b.known() {
		return 0
	}
	return b.Burst
}

// level is what may be used.
func (b *bucket) level() float64 { return min(b.Level, b.brim()) }

// reserve is what stays in the bucket for what we cannot see: requests that
// arrive closer together than they were sent, prompts larger than foretold,
// output that is not counted yet.
func (b *bucket) reserve() float64 {
	return min((reserved+b.Noise)*b.rate(), mostReserved*b.Burst)
}

// surprised widens the reserve: there was room by our count, and there was none.
func (b *bucket) surprised() { b.Noise = min(b.Noise+noiseStep, mostReserved) }

// fits reports whether n may be taken.
func (b *bucket) fits(n float64) bool { return !b.known() || b.Level >= b.enough(n) }

// enough is the level at which n may be taken. What does not fit beside the
// reserve waits with a part of it only: nothing else is under way by then, and a
// bucket that runs over is lost. What is larger than the whole bucket waits for
// one that is surely full: it will never fit better.
func (b *bucket) enough(n float64) float64 {
	roomy, alone := roomyAt*b.Burst, aloneWith*b.reserve()
	switch {
	case n+b.reserve() <= roomy:
		return n + b.reserve()
	case n <= large*b.Burst:
		return min(max(n+alone, roomy), fullAt*b.Burst)
	}
	return min(n, b.Burst) + alone
}

// wait returns the milliseconds until n fits.
func (b *bucket) wait(n, pace float64) int64 {
	if b.fits(n) {
		return 0
	}
	return max(int64(math.Ceil((b.enough(n)-b.Level)/(b.rate()*pace)*1000)), 1)
}

// sane reports whether a stored bucket can be believed.
func (b *bucket) sane() bool {
	for _, f := range []float64{b.Limit, b.Burst, b.Level, b.Noise, b.Asked, b.Told} {
		if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 10*mostPerMinute {
			return false
		}
	}
	return (b.Limit == 0 || b.Limit >= 1) && b.Burst >= 0 && b.Noise >= 0 && b.Noise <= 1
}
