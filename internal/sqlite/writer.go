package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/forebayhq/forebay/event"
)

const (
	maxBatch      = 256     // requests in one transaction
	maxBatchBytes = 8 << 20 // bytes of bodies in one transaction
	yields        = 3       // to goroutines that are ready, before a transaction; at once where there are none
)

// A request is one thing to be done in a transaction. run must not change
// anything outside the transaction: it may be run a second time, when the
// requests that it shared the first one with are run each on its own.
type request struct {
	ctx   context.Context
	run   func(*tx) error
	bytes int        // of the body that it stores
	new   bool       // it brings new work and is refused when the disk is full
	done  chan error // one slot
}

// write has the writer run one request and waits until it is committed. If ctx
// ends first, the request may be committed all the same.
func (db *DB) write(ctx context.Context, run func(*tx) error) error {
	return db.submit(&request{ctx: ctx, run: run, done: make(chan error, 1)})
}

func (db *DB) submit(r *request) error {
	select {
	case <-db.closing:
		return event.ErrClosed
	default:
	}
	select {
	case db.requests <- r:
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-db.closing:
		return event.ErrClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-db.stopped:
	}
	select { // it may have been the writer's last answer
	case err := <-r.done:
		return err
	default:
		return event.ErrClosed
	}
}

// writer is the one goroutine that writes. It takes all requests that wait,
// runs them in one transaction, and answers them after the commit.
func (db *DB) writer() {
	defer close(db.stopped)
	batch := make([]*request, 0, maxBatch)
	for {
		var ok bool
		if batch, ok = db.next(batch[:0]); !ok {
			db.lastWords()
			return
		}
		db.commit(batch)
		clear(batch)
		db.pace(len(db.requests) == 0)
	}
}

// next waits for requests. It returns false once the ledger is closing and
// nothing waits.
func (db *DB) next(batch []*request) ([]*request, bool) {
	select {
	case r := <-db.requests:
		batch = append(batch, r)
	case <-db.wake:
	case <-db.closing:
		select {
		case r := <-db.requests:
			batch = append(batch, r)
		default:
			return batch, false
		}
	}
	for range yields {
		runtime.Gosched() // who is ready to ask comes along: an fsync costs the same for one and for many
	}
	bytes := 0
	for len(batch) < maxBatch && bytes < maxBatchBytes {
		select {
		case r := <-db.requests:
			batch = append(batch, r)
			bytes += r.bytes
		default:
			return batch, true
		}
	}
	return batch, true
}

// commit runs a batch in one transaction. If that fails, each request gets a
// transaction of its own, so that one bad request spoils nobody else's.
func (db *DB) commit(batch []*request) {
	answers := make([]error, len(batch))
	err := db.together(batch, answers)
	if err != nil && len(batch) > 1 && !db.broken.Load() {
		for i := range batch {
			if e := db.together(batch[i:i+1], answers[i:i+1]); e != nil {
				answers[i] = e
			}
		}
	} else if err != nil {
		for i := range answers {
			answers[i] = err
		}
	}
	for i, r := range batch {
		r.done <- answers[i]
	}
}

// together runs requests in one transaction and sets their answers. An error
// means that nothing was written.
func (db *DB) together(batch []*request, answers []error) error {
	if db.broken.Load() {
		return event.ErrClosed
	}
	t, err := db.begin()
	if err != nil {
		return db.sort(err)
	}
	for i, r := range batch {
		if answers[i] = r.ctx.Err(); answers[i] != nil {
			continue
		}
		if r.new && db.disk.spent(db.opt.Now()) {
			answers[i] = fmt.Errorf("%w: no space on the disk", event.ErrFull)
			continue
		}
		before := t.writes
		if err := r.run(t); err != nil {
			answers[i] = err
			if t.writes != before || !refusal(err) {
				t.rollback()
				return db.sort(err)
			}
		}
	}
	if err := db.notes.flush(t, len(batch) == 0); err != nil {
		t.rollback()
		return db.sort(err)
	}
	if err := t.commit(); err != nil {
		t.rollback()
		return db.sort(err)
	}
	return nil
}

// refusal reports whether err is an answer of the ledger rather than a fault.
func refusal(err error) bool {
	for _, known := range []error{event.ErrFull, event.ErrLeaseLost, event.ErrNotFound, event.ErrState} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// sort turns an error of SQLite into what callers branch on, and ends the
// ledger's service where going on would be a lie.
func (db *DB) sort(err error) error {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		db.disk.noteFull(db.opt.Now())
		return fmt.Errorf("%w: %w", event.ErrFull, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		db.fail(err)
		return fmt.Errorf("%w: %w", event.ErrClosed, err)
	}
	return err
}

// fail ends the ledger's service for good. After a failed fsync the kernel may
// have dropped the pages and call the next fsync a success, so only a new
// process that reads the file again knows what is on disk.
func (db *DB) fail(err error) {
	if db.broken.Swap(true) {
		return
	}
	db.opt.Log.Error("store failed: nothing is acknowledged any more", "error", err)
	db.failed <- fmt.Errorf("store %s failed: %w", db.path, err)
}

// lastWords writes what was to ride along with the next commit, and empties the
// WAL.
func (db *DB) lastWords() {
	if db.broken.Load() {
		return
	}
	if err := db.together(nil, nil); err != nil {
		db.opt.Log.Warn("last verdicts not stored", "error", err)
	}
	if db.broken.Load() {
		return
	}
	if err := db.w.run(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		db.opt.Log.Warn("last checkpoint failed", "error", db.sort(err))
	}
}
