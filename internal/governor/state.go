package governor

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/forebayhq/forebay/event"
)

// Bounds of a lane's stored state.
const (
	stateVersion = 1
	maxFlows     = 256
	maxProfiles  = 64
	maxState     = 128 << 10
	mostValue    = 1e15 // of anything that is summed up
)

// state is what the governor must not forget about a lane over a restart. It is
// stored as JSON in the lane's row.
type state struct {
	Version int    `json:"v"`
	Req     bucket `json:"req"`
	In      bucket `json:"in"`
	Out     bucket `json:"out"`

	Pending   float64 `json:"pending,omitempty"` // output predicted for open calls and not yet charged
	Open      int     `json:"open,omitempty"`    // grants not settled
	LagSum    float64 `json:"lag_sum,omitempty"` // see lag
	LagWeight float64 `json:"lag_weight,omitempty"`

	FlowRate float64 `json:"flow_rate,omitempty"` // output tokens per second
	FlowAt   int64   `json:"flow_at,omitempty"`

	Gate   gate    `json:"gate"`
	Load   load    `json:"load"`
	Pace   float64 `json:"pace,omitempty"` // share of the rates that is used after a ramp limit; 0: all
	PaceAt int64   `json:"pace_at,omitempty"`
	ToldAt int64   `json:"told_at,omitempty"` // ms: when the account's limits were read
	Tight  int64   `json:"tight,omitempty"`   // ms: when a burst was last found too large

	Now      float64            `json:"now,omitempty"` // virtual time of the fair queue
	Flows    map[string]flow    `json:"flows,omitempty"`
	Passed   int64              `json:"passed,omitempty"` // ms since which smaller jobs have passed the first in line
	Profiles map[string]profile `json:"profiles,omitempty"`
	Share    window             `json:"share,omitempty"`    // where the lane's share of the jobs is bounded
	Prefixes map[string]warmth  `json:"prefixes,omitempty"` // by key
	Gone     map[string]gone    `json:"gone,omitempty"`     // by model
}

// lane pairs a row with its decoded state while it is worked on.
type lane struct {
	row event.Lane
	state
	limits Limits
	dirty  bool
}

// open decodes a row and lets time pass. A state that cannot be read is
// replaced by an empty one with empty buckets: it may delay a little and can
// never add to the rate.
func (g *Governor) open(row event.Lane, now time.Time) *lane {
	l := &lane{row: row, limits: g.options.Limits[row.Name]}
	broken := len(row.State) > 0 && !l.decode(row.State)
	if broken {
		l.state = state{}
	}
	if l.Version == 0 {
		l.Version = stateVersion
		l.Gate.begin(firstWindow)
	}
	l.configure(millis(now))
	if broken {
		l.dirty = true
		l.Req.Level, l.In.Level, l.Out.Level = 0, 0, 0
	}
	l.fill(millis(now))
	return l
}

// decode reads a stored state and reports whether it can be believed. What
// only estimates is dropped by itself if it is absurd.
func (l *lane) decode(raw json.RawMessage) bool {
	if len(raw) > maxState || json.Unmarshal(raw, &l.state) != nil || l.Version != stateVersion {
		return false
	}
	for _, b := range []*bucket{&l.Req, &l.In, &l.Out} {
		if !b.sane() {
			return false
		}
		b.bound(b.Burst)
	}
	maps.DeleteFunc(l.Flows, func(_ string, f flow) bool { return !within(f.Finish, 0, mostValue) || !within(f.Turn, 0, mostValue) })
	maps.DeleteFunc(l.Profiles, func(_ string, p profile) bool { return !p.sane() })
	maps.DeleteFunc(l.Prefixes, func(key string, w warmth) bool { return !w.sane(key) })
	maps.DeleteFunc(l.Gone, func(_ string, m gone) bool { return !m.sane() })
	for _, f := range []float64{l.Pending, l.LagSum, l.LagWeight, l.FlowRate, l.Now} {
		if !within(f, 0, mostValue) {
			return false
		}
	}
	return l.Gate.sane() && l.Load.sane() && l.Share.sane() && l.Open >= 0 && within(l.Pace, 0, 1)
}

// within reports whether f is a number between least and most.
func within(f, least, most float64) bool { return f >= least && f <= most }

// configure applies the limits of the configuration. A limit that the API told
// to be lower stands until the configuration changes or the API says otherwise.
func (l *lane) configure(now int64) {
	l.cap(&l.Req, l.limits.Requests, now)
	l.cap(&l.In, l.limits.InputTokens, now)
	l.cap(&l.Out, l.limits.OutputTokens, now)
}

func (l *lane) cap(b *bucket, configured, now int64) {
	limit := float64(configured)
	if b.Asked == limit && (limit == 0 || (b.known() && b.Limit <= limit)) {
		return
	}
	b.Asked, l.dirty = limit, true
	if limit > 0 {
		b.learn(limit, now)
	}
}

// fill lets time pass in everything that it changes.
func (l *lane) fill(now int64) {
	l.turnBack(now)
	pace := l.pace(now)
	for _, b := range []*bucket{&l.Req, &l.In, &l.Out} {
		l.dirty = b.fill(now, pace) || l.dirty
	}
	l.widen(now)
	l.dirty = l.Gate.age(now) || l.dirty
}

// turnBack keeps moments that a clock which was wrong has left in the future from
// ruling until then.
func (l *lane) turnBack(now int64) {
	if setBack(now, l.FlowAt) {
		l.FlowAt, l.FlowRate, l.dirty = now, 0, true
	}
	if setBack(now, l.PaceAt) {
		l.PaceAt, l.dirty = now, true
	}
	if setBack(now, l.ToldAt) {
		l.ToldAt, l.dirty = now, true
	}
	if setBack(now, l.Tight) {
		l.Tight, l.dirty = now, true
	}
	for key, f := range l.Flows {
		if setBack(now, f.Served) {
			f.Served = now
			l.Flows[key], l.dirty = f, true
		}
	}
	l.turnBackWarm(now)
	l.pruneGone(now)
}

// close encodes the state back into the row.
func (l *lane) close(now time.Time) event.Lane {
	l.prune(millis(now))
	raw, err := json.Marshal(l.state)
	if err != nil { // a value that JSON cannot hold; keep what was stored
		return l.row
	}
	l.row.State = raw
	l.row.UpdatedAt = now
	return l.row
}

// prune bounds the maps: flows that are no longer ahead of virtual time say
// nothing, and of profiles the least recently used go.
func (l *lane) prune(now int64) {
	maps.DeleteFunc(l.Flows, func(key string, f flow) bool {
		return (f.Finish <= l.Now || ofTenant(key)) && now-f.Served > flowMemory
	})
	drop(l.Flows, maxFlows, func(f flow) int64 { return f.Served })
	drop(l.Profiles, maxProfiles, func(p profile) int64 { return p.Used })
	drop(l.Prefixes, maxPrefixes, func(w warmth) int64 { return w.Used })
}

// drop removes the oldest entries until most are left.
func drop[V any](m map[string]V, most int, age func(V) int64) {
	if len(m) <= most {
		return
	}
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		if d := age(m[a]) - age(m[b]); d != 0 {
			return int(max(min(d, 1), -1))
		}
		return compare(b, a) // a tenant's flow sorts behind its hook's, which is worth more
	})
	for _, k := range keys[:len(m)-most] {
		delete(m, k)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
