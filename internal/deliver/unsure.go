package deliver

import (
	"sync"
	"time"
)

// unsure are the places where a comment was posted and nobody knows whether
// that worked. A sticky comment is not posted there by the next job either until
// a search would find the first one. It is forgotten with the process.
type unsure struct {
	mu    sync.Mutex // guards until
	until map[string]time.Time
}

// note begins a wait of settling.
func (u *unsure) note(place string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for known, until := range u.until {
		if until.Before(now) {
			delete(u.until, known)
		}
	}
	if u.until == nil {
		u.until = map[string]time.Time{}
	}
	u.until[place] = now.Add(settling)
}

// left is how long the wait goes on; not positive: there is none.
func (u *unsure) left(place string) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Until(u.until[place])
}
