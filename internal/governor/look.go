package governor

import (
	"time"

	"github.com/forebayhq/forebay/event"
)

// A Look is one lane at one moment, decoded once for many questions. It is not
// safe for concurrent use.
type Look struct {
	g    *Governor
	lane *lane
	now  time.Time
}

// Look opens a lane's row.
func (g *Governor) Look(row event.Lane, now time.Time) *Look {
	return &Look{g: g, lane: g.open(row, now), now: now}
}

// Why says why a queued job of the lane is not running, and until when at the
// earliest, as if it were the next in line. Its Hook, Model and ID are looked at
// and, where its event is known, its size.
func (k *Look) Why(j event.Job) Wait {
	l := k.lane
	if l.row.Blocks(k.now) {
		return Wait{Reason: event.JobReason(l.row.Reason), Until: l.row.Until}
	}
	p := k.g.options.Hooks[j.Hook].Prefixes[j.Model]
	if until, held := l.held(forecast{prefix: p, heat: l.heat(p, j.ID, millis(k.now))}, !k.g.options.Ungated); held {
		return Wait{Reason: event.CacheWarming, Until: until}
	}
	return l.why(k.forecast(j), k.now)
}

// forecast is what a job is expected to use: one of whose event nothing is known
// as much as a typical job of the lane.
func (k *Look) forecast(j event.Job) forecast {
	if j.Event == nil {
		input, output := k.lane.average()
		return forecast{input: input, output: output}
	}
	c := event.Candidate{JobID: j.ID, Hook: j.Hook, Model: j.Model, Size: len(j.Event.Body)}
	return k.lane.expect(k.g.options.Hooks[j.Hook], c, k.now)
}

// The states of a prefix that people see.
const (
	PrefixCold      = "cold"       // the next call writes it
	PrefixWarming   = "warming"    // a call is writing it
	PrefixWarm      = "warm"       // calls read it
	PrefixNotCached = "not_cached" // the API did not cache it, so nobody waits for it
)

// Prefix says how a prefix stands, and until when at the latest; zero: that is
// not known.
func (k *Look) Prefix(p Prefix) (state string, until time.Time) {
	w := k.lane.Prefixes[p.Key]
	switch k.lane.heat(p, "", millis(k.now)) {
	case warm:
		return PrefixWarm, time.UnixMilli(w.Until).UTC()
	case warming:
		return PrefixWarming, time.UnixMilli(w.Since + warmWithin).UTC()
	case bare:
		return PrefixNotCached, time.UnixMilli(w.Bare).UTC()
	}
	return PrefixCold, time.Time{}
}
