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
	maxFlows     = 128
	maxProfiles  = 64
	maxState     = 64 << 10
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
	Tight  int64   `json:"tight,omitempty"` // ms: when a burst was last found too large

	Now      float64            `json:"now,omitempty"` // virtual time of the fair queue
	Flows    map[string]flow    `json:"flows,omitempty"`
	Passed   int64              `json:"passed,omitempty"` // ms since which smaller jobs have passed the first in line
	Profiles map[string]profile `json:"profiles,omitempty"`
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
	blank := len(row.State) == 0
	if !blank && !l.decode(row.State) {
		l.state = state{}
		l.dirty = true
	}
	if l.Version == 0 {
		l.Version = stateVersion
		l.Gate.begin(firstWindow)
	}
	l.configure(millis(now))
	if !blank && l.dirty {
		l.Req.Level, l.In.Level, l.Out.Level = 0, 0, 0
	}
	l.fill(millis(now))
	return l
}

// decode reads a stored state and reports whether it can be believed.
func (l *lane) decode(raw json.RawMessage) bool {
	if len(raw) > maxState || json.Unmarshal(raw, &l.state) != nil || l.Version != stateVersion {
		return false
	}
	return l.Req.sane() && l.In.sane() && l.Out.sane() && l.Pending >= 0 && l.Open >= 0 && l.Gate.sane() && l.Load.sane()
}

// configure applies the limits of the configuration where nothing lower is
// known.
func (l *lane) configure(now int64) {
	l.cap(&l.Req, l.limits.Requests, now)
	l.cap(&l.In, l.limits.InputTokens, now)
	l.cap(&l.Out, l.limits.OutputTokens, now)
}

func (l *lane) cap(b *bucket, configured int64, now int64) {
	if limit := float64(configured); configured > 0 && (!b.known() || b.Limit > limit) {
		b.learn(limit, now)
	}
}

// fill lets time pass in everything that it changes.
func (l *lane) fill(now int64) {
	pace := l.pace(now)
	for _, b := range []*bucket{&l.Req, &l.In, &l.Out} {
		b.fill(now, pace)
	}
	l.widen(now)
	l.Gate.age(now)
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
	maps.DeleteFunc(l.Flows, func(_ string, f flow) bool { return f.Finish <= l.Now && now-f.Served > flowMemory })
	drop(l.Flows, maxFlows, func(f flow) int64 { return f.Served })
	drop(l.Profiles, maxProfiles, func(p profile) int64 { return p.Used })
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
		return compare(a, b)
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
