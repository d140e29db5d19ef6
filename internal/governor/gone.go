package governor

import (
	"maps"
	"slices"
	"time"
)

// How a model that the API does not know is remembered.
const (
	maxGone     = 8
	firstGone   = 60_000      // ms for which jobs go to a stand-in at once; doubled when it is still gone
	longestGone = 15 * 60_000 // ms
	askWithin   = 30_000      // ms that one job has for asking again
)

// A gone is a model that the API answered 404 for: it was retired, or the account
// may not call it. Until then jobs that have a stand-in go there without a call.
// Those that have none ask the API themselves, which costs nothing.
type gone struct {
	Until int64 `json:"until"` // ms
	Tries int   `json:"tries"` // how often it was found gone after a while
}

func goneKey(model string) string { return model[:min(len(model), 60)] }

// missing reports whether a model is gone, and until when that is believed.
func (l *lane) missing(model string, now time.Time) (until time.Time, is bool) {
	m, known := l.Gone[goneKey(model)]
	return time.UnixMilli(m.Until).UTC(), known && millis(now) < m.Until
}

// lose remembers that a model is gone. Calls that were sent before that was known
// say nothing new.
func (l *lane) lose(model string, now time.Time) {
	key, at := goneKey(model), millis(now)
	m := l.Gone[key]
	if m.Until-at > askWithin {
		return
	}
	m.Tries = min(m.Tries+1, 10)
	m.Until = at + min(int64(firstGone)<<(m.Tries-1), longestGone)
	if l.Gone == nil {
		l.Gone = make(map[string]gone)
	}
	l.Gone[key] = m
}

// asks lets one job ask whether a model is there again, and no other meanwhile.
func (l *lane) asks(model string, now time.Time) {
	key := goneKey(model)
	if m, known := l.Gone[key]; known && millis(now) >= m.Until {
		m.Until = millis(now) + askWithin
		l.Gone[key] = m
	}
}

// found forgets that a model was gone.
func (l *lane) found(model string) { delete(l.Gone, goneKey(model)) }

// pruneGone forgets what is long over, and what a wrong clock left behind.
func (l *lane) pruneGone(now int64) {
	maps.DeleteFunc(l.Gone, func(_ string, m gone) bool {
		return now-m.Until > 4*longestGone || m.Until-now > longestGone+mostSkew
	})
	drop(l.Gone, maxGone, func(m gone) int64 { return m.Until })
}

func (m gone) sane() bool { return m.Tries >= 0 && m.Tries <= 10 }

// A GoneModel is a model of a lane that the API does not know.
type GoneModel struct {
	Model string
	Until time.Time // jobs go to their stand-ins until then
}

// Gone lists the models of the lane that the API does not know.
func (k *Look) Gone() (all []GoneModel) {
	for _, model := range slices.Sorted(maps.Keys(k.lane.Gone)) {
		if until, is := k.lane.missing(model, k.now); is {
			all = append(all, GoneModel{model, until})
		}
	}
	return all
}
