package governor

import (
	"maps"
	"time"

	"github.com/forebayhq/forebay/event"
)

// How the prompt cache is used. An entry can be read once the response that
// wrote it has begun, and lives for its TTL from the start of the request that
// last wrote or read it
// (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
const (
	maxPrefixes = 64
	maxKey      = 64               // bytes of a prefix's key, and of a job's id
	warmWithin  = 30_000           // ms after which a cold prefix is given to another job
	warmMargin  = 15_000           // ms of a TTL that are not relied on: gathering comes before the call
	notCached   = 60 * 60 * 1000   // ms for which a prefix that the API did not cache holds nobody back
	longestTTL  = 2 * 60 * 60_000  // ms; a TTL that is longer comes from a wrong clock
	mostPrefix  = mostInput / 10.0 // tokens
)

// A Prefix is the part of a hook's prompts that is the same for every event
// and that the API may cache.
type Prefix struct {
	// Key tells it from all others: prefixes with the same key are one cache
	// entry, whatever hook they belong to. At most 64 bytes.
	Key string
	// Tokens is about how many it has; usage corrects it.
	Tokens int64
	// TTL is how long the API keeps it after its last use.
	TTL time.Duration
}

// A warmth is what a lane knows of a prefix.
type warmth struct {
	Until  int64   `json:"until,omitempty"`  // ms: it can be read until then
	By     string  `json:"by,omitempty"`     // the job that writes it, while its answer has not begun
	Since  int64   `json:"since,omitempty"`  // ms: when By was granted
	Bare   int64   `json:"bare,omitempty"`   // ms until which it counts as one that the API does not cache
	Tokens float64 `json:"tokens,omitempty"` // what usage says that it has
	Behind float64 `json:"behind,omitempty"` // virtual time, plus one, since which its jobs stand behind those of warm ones
	Used   int64   `json:"used"`             // ms
}

// heat is the state of a prefix for one job.
type heat int

const (
	bare    heat = iota // there is none, or the API does not cache it
	cold                // the next call writes it
	warming             // another job's call writes it
	warm                // it can be read
)

// heat returns how a job of the hook finds its prefix.
func (l *lane) heat(p Prefix, job string, now int64) heat {
	if p.Key == "" {
		return bare
	}
	w := l.Prefixes[p.Key]
	switch {
	case now < w.Bare:
		return bare
	case now < w.Until-min(warmMargin, p.TTL.Milliseconds()/10):
		return warm
	case w.By != "" && w.By != job && now < w.Since+warmWithin:
		return warming
	}
	return cold
}

// tokens is how many the prefix has.
func (l *lane) prefixTokens(p Prefix) float64 {
	if w := l.Prefixes[p.Key]; w.Tokens > 0 {
		return w.Tokens
	}
	return min(float64(p.Tokens), mostPrefix)
}

// expect forecasts a job's use, less what it will read from the cache.
func (l *lane) expect(hook Hook, c event.Candidate, now time.Time) forecast {
	p := hook.Prefixes[c.Model]
	h := l.heat(p, c.JobID, millis(now))
	if h == bare {
		return l.predict(hook, profileKey(c.Hook, c.Model), c.Size)
	}
	tokens := l.prefixTokens(p)
	hook.ExtraTokens = max(hook.ExtraTokens-int64(tokens), 1)
	f := l.predict(hook, profileKey(c.Hook, c.Model), c.Size)
	f.prefix, f.heat = p, h
	if h != warm {
		f.input = min(f.input+tokens, mostInput)
	}
	return f
}

// late is by how much a job that writes its prefix stands behind those that read
// theirs: what the prefix costs, and less as the lane serves others.
func (l *lane) late(hook Hook, c event.Candidate, now time.Time) float64 {
	p := hook.Prefixes[c.Model]
	if l.heat(p, c.JobID, millis(now)) != cold {
		return 0
	}
	if l.Prefixes[p.Key].Behind == 0 {
		l.change(p.Key, now, func(w *warmth) { w.Behind = l.Now + 1 })
	}
	return max(l.prefixTokens(p)-(l.Now+1-l.Prefixes[p.Key].Behind), 0)
}

// held reports whether a job waits for another one to write its prefix, and
// until when at the latest.
func (l *lane) held(f forecast, gated bool) (until time.Time, held bool) {
	if !gated || f.heat != warming {
		return time.Time{}, false
	}
	return time.UnixMilli(l.Prefixes[f.prefix.Key].Since + warmWithin).UTC(), true
}

// warms notes that a granted job writes its prefix, if nobody has.
func (l *lane) warms(f forecast, job string, now time.Time) {
	if f.heat != cold {
		return
	}
	l.change(f.prefix.Key, now, func(w *warmth) { w.By, w.Since, w.Behind = job, millis(now), 0 })
}

// begunWarm takes from the usage of an answer that begins whether its prefix
// can be read now. One that was neither written nor read is not cached by the
// API, whatever was thought of its size: nobody waits for it for a while.
func (l *lane) begunWarm(gr *Grant, u event.Usage, now time.Time) {
	if gr.prefix.Key == "" {
		return
	}
	l.change(gr.prefix.Key, now, func(w *warmth) {
		w.free(gr.Job)
		tokens := max(u.CacheRead, 0) + max(u.CacheWrite5m, 0) + max(u.CacheWrite1h, 0)
		if tokens == 0 {
			w.Until, w.Bare = 0, millis(now)+notCached
			return
		}
		w.Until, w.Bare = max(w.Until, millis(gr.At)+gr.prefix.TTL.Milliseconds()), 0
		w.Tokens = min(float64(tokens), mostPrefix)
	})
}

// endedWarm lets the next job write the prefix, if this one was to and its
// answer never began.
func (l *lane) endedWarm(gr *Grant, now time.Time) {
	if w := l.Prefixes[gr.prefix.Key]; w.By != "" && w.By == gr.Job {
		l.change(gr.prefix.Key, now, func(w *warmth) { w.free(gr.Job) })
	}
}

func (w *warmth) free(job string) {
	if w.By == job {
		w.By, w.Since = "", 0
	}
}

func (l *lane) change(key string, now time.Time, f func(*warmth)) {
	if l.Prefixes == nil {
		l.Prefixes = make(map[string]warmth)
	}
	w := l.Prefixes[key]
	f(&w)
	w.Used = millis(now)
	l.Prefixes[key] = w
	l.dirty = true
}

// abandon frees all prefixes: nothing of the lane runs, so nobody writes them.
func (l *lane) abandon() {
	for key, w := range l.Prefixes {
		if w.By != "" {
			w.By, w.Since = "", 0
			l.Prefixes[key], l.dirty = w, true
		}
	}
}

// turnBackWarm drops what a clock that was wrong has left in the future.
func (l *lane) turnBackWarm(now int64) {
	n := len(l.Prefixes)
	maps.DeleteFunc(l.Prefixes, func(_ string, w warmth) bool {
		return setBack(now, w.Since) || w.Until-now > longestTTL || w.Bare-now > notCached+mostSkew
	})
	l.dirty = l.dirty || len(l.Prefixes) != n
}

// sane reports whether a stored warmth can be believed.
func (w warmth) sane(key string) bool {
	return key != "" && len(key) <= maxKey && len(w.By) <= maxKey && within(w.Tokens, 0, mostPrefix) && within(w.Behind, 0, mostValue)
}
