package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/forebayhq/forebay/event"
)

// What the WAL may grow by, in bytes.
const (
	checkpointIdle = 1 << 20  // before it is copied, while nobody waits for the writer
	checkpointBusy = 4 << 20  // before it is copied, while somebody does
	checkpointFull = 32 << 20 // before the writer itself copies the rest, so that the WAL begins anew
)

// A checkpointer copies the WAL into the file over a connection and in a
// goroutine of its own, so that no acknowledgement waits for it. While the
// writer writes, a copy never reaches the end of the WAL, and only a WAL that
// was copied to its end begins anew; so now and then the writer copies the
// little that is left.
type checkpointer struct {
	c    *conn
	wake chan struct{} // one slot
	one  sync.Mutex    // held by whoever copies
	size atomic.Int64  // of the WAL, in bytes, as the last copy found it
}

// pace has the WAL copied when it has grown enough. It is the writer's, after
// its answers.
func (db *DB) pace(idle bool) {
	limit := int64(checkpointBusy)
	if idle {
		limit = checkpointIdle
	}
	switch {
	case db.broken.Load():
	case db.w.wal+db.cp.size.Load() >= checkpointFull:
		db.checkpoint(db.w) // waits for a copy under way: the disk is slower than the senders
		db.w.wal = 0
	case db.w.wal >= limit && len(db.cp.wake) == 0 && db.cp.one.TryLock():
		db.cp.one.Unlock()
		db.cp.wake <- struct{}{} // never waits: only the writer sends
		db.w.wal = 0
	}
}

// checkpoints copies whenever the writer asks for it.
func (db *DB) checkpoints() {
	for {
		select {
		case <-db.stopped:
			return
		case <-db.cp.wake:
			db.checkpoint(db.cp.c)
		}
	}
}

// checkpoint copies what it can without waiting for readers. A failure to do so
// loses nothing unless an fsync failed.
func (db *DB) checkpoint(c *conn) {
	db.cp.one.Lock()
	defer db.cp.one.Unlock()
	var frames, copied int64 // copied is all of frames unless a reader holds on to old ones
	err := c.query(context.Background(), "checkpoint", func(r *row) { _, frames, copied = r.int(), r.int(), r.int() })
	if err != nil {
		if err = db.sort(err); !errors.Is(err, event.ErrClosed) {
			db.opt.Log.Warn("checkpoint failed", "error", err)
		}
		return
	}
	if c == db.w && copied == frames {
		frames = 0 // nothing was written in between, so that the next write begins the WAL anew
	}
	db.cp.size.Store(frames * pageSize)
}
