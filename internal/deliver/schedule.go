package deliver

import (
	"math/rand/v2"
	"time"

	"github.com/forebayhq/forebay/event"
)

// schedule returns the waits between attempts: the first within seconds, for a
// receiver that restarts, the last within hours, for one that is down over
// night. Together about a day, as Standard Webhooks advises.
func schedule() []time.Duration {
	return []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 10 * time.Hour,
	}
}

const (
	longestWait = 24 * time.Hour   // that a receiver may ask for
	longestStep = 15 * time.Minute // of the schedule, where a receiver asks for less
	minimumAge  = 23 * time.Hour   // of the result, before ordinary failures end a delivery
	mostAsked   = 100              // attempts after which waits that were asked for end it too
)

// next says when a delivery that failed is tried again; ok is false when it is
// dead. Waits that the receiver asked for do not use up the schedule: they only
// count towards mostAsked. A receiver that asks for a second each time it is
// called, as proxies do whose service is down, is not called a hundred times in
// two minutes and then given up: the waits grow all the same, so that mostAsked
// lasts a day.
func next(l event.LeasedDelivery, failed *Error, now time.Time) (at time.Time, ok bool) {
	waits, attempts := schedule(), max(l.Delivery.Attempts, 1)
	step := waits[min(attempts, len(waits))-1]
	switch {
	case failed.Permanent || attempts >= mostAsked:
		return time.Time{}, false
	case failed.RetryAfter > 0:
		asked := later(min(failed.RetryAfter, longestWait))
		return now.Add(max(asked, around(min(step, longestStep)))), true
	case attempts <= len(waits):
		return now.Add(around(step)), true
	case now.Sub(l.Job.FinishedAt) < minimumAge:
		return now.Add(around(time.Hour)), true // most attempts were waits: the day is not over
	}
	return time.Time{}, false
}

// around spreads a wait by a fifth to either side, so that what failed together
// does not come back together.
func around(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}

// later spreads a wait that was asked for: never sooner, and at most a tenth or
// ten seconds later.
func later(d time.Duration) time.Duration {
	return d + rand.N(min(d/10, 10*time.Second)+1)
}
