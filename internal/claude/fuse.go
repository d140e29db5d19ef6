package claude

import (
	"sync"
	"time"
)

// tardy is how much too late a fuse must burn down for this process, and not the
// API, to be the one that slept: it was stopped, or starved.
const tardy = time.Second

// A fuse cuts a call, unless it is put out or lit anew in time. One that burns
// down far too late burns once more: what the API said while nobody ran may lie
// in the socket, unread.
type fuse struct {
	blow func(cause error)

	mu    sync.Mutex // guards what follows
	timer *time.Timer
	due   time.Time // zero: it is out
	after time.Duration
	cause error
}

// light lets the fuse burn for d from now.
func (f *fuse) light(d time.Duration, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.burn(d, cause)
}

// burn sets the timer. The caller holds mu.
func (f *fuse) burn(d time.Duration, cause error) {
	f.due, f.after, f.cause = time.Now().Add(d), d, cause
	if f.timer == nil {
		f.timer = time.AfterFunc(d, f.burnt)
		return
	}
	f.timer.Reset(d)
}

// putOut keeps the fuse from blowing.
func (f *fuse) putOut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.due = time.Time{}
	if f.timer != nil {
		f.timer.Stop()
	}
}

// burnt is the end of the fuse.
func (f *fuse) burnt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	late := time.Since(f.due)
	switch {
	case f.due.IsZero(), late < 0: // put out or lit anew meanwhile
	case late > tardy:
		f.burn(f.after, f.cause)
	default:
		f.blow(f.cause)
	}
}
