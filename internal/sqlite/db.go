package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebayhq/forebay/event"
	"modernc.org/sqlite"
)

// ErrInUse means that another process has the ledger open.
var ErrInUse = errors.New("the store is in use by another process")

// Options says which ledger to open, and how.
type Options struct {
	// Path is the SQLite file. It is made, with its directory's entry synced,
	// if it is not there. PATH-wal and PATH-shm belong to it; PATH.lock keeps
	// a second process away.
	Path string

	// Log takes what operators should know. Default: nothing is logged.
	Log *slog.Logger

	// MaxJobs is the number of unfinished jobs past which Accept answers
	// event.ErrFull. Default 1,000,000.
	MaxJobs int

	// MinFree is the free space in bytes on the disk below which Accept answers
	// event.ErrFull; work that was accepted goes on into this reserve.
	// Default 64 MiB; negative: none.
	MinFree int64

	// Now is the clock for what no request brings a time for: whether a
	// pause is over when a job is read, how old a reading of the disk is.
	// Default time.Now.
	Now func() time.Time

	// UnsafeSynchronousOff opens the file without any fsync. It is for one
	// test alone: the one that must see events lost by a power cut.
	UnsafeSynchronousOff bool
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxJobs <= 0 {
		o.MaxJobs = 1_000_000
	}
	if o.MinFree == 0 {
		o.MinFree = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) synchronous() string {
	if o.UnsafeSynchronousOff {
		return "OFF"
	}
	return "FULL"
}

const (
	readers        = 4
	writerCacheKiB = 16 << 10
	readerCacheKiB = 2 << 10
	maxWaiting     = 1024 // requests in the writer's channel
)

// A DB is an open ledger. Its methods are safe for concurrent use.
type DB struct {
	opt    Options
	path   string // absolute
	lock   *os.File
	schema int64

	pack    *packer
	hub     hub
	drafts  drafts
	turns   turns // the writer's own
	notes   notes
	disk    disk
	tally   atomic.Pointer[tally] // as of the last commit
	readers chan *conn            // those that nobody uses
	opened  int                   // how many there are

	requests chan *request
	wake     chan struct{} // one slot: notes wait to be written
	closing  chan struct{} // closed by Close: no new requests
	stopped  chan struct{} // closed when the writer has gone
	failed   chan error    // one slot, see Failed
	broken   atomic.Bool   // the ledger has failed for good
	running  sync.WaitGroup
	once     sync.Once
	closeErr error

	cp checkpointer
	w  *conn // the writer's connection: the writer goroutine's alone while it runs
}

// Open opens the ledger, makes it if it is not there, brings its schema up to
// date, and puts what a former process left running back into the queue. It
// refuses a file that another process has open, that another program has made,
// that is on a network file system, that has a newer schema, or that is not safe:
// WAL, synchronous=FULL and a SQLite without known faults. Its error is an
// *OpenError.
func Open(ctx context.Context, o Options) (*DB, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, &OpenError{Path: o.Path, Remedy: "write store: sqlite:PATH", Err: errors.New("want a path")}
	}
	db, err := open(ctx, path, o.withDefaults())
	if err != nil {
		return nil, &OpenError{Path: path, Remedy: remedyOf(err), Err: err}
	}
	return db, nil
}

func open(ctx context.Context, path string, o Options) (*DB, error) {
	if err := localDisk(filepath.Dir(path)); err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	db := &DB{
		opt: o, path: path, lock: lock, pack: newPacker(),
		readers:  make(chan *conn, readers),
		requests: make(chan *request, maxWaiting),
		wake:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
		failed:   make(chan error, 1),
		cp:       checkpointer{wake: make(chan struct{}, 1)},
		turns:    make(turns),
	}
	if err := db.start(ctx); err != nil {
		_ = db.closeConns()
		return nil, errors.Join(err, unlockFile(lock))
	}
	return db, nil
}

func (db *DB) start(ctx context.Context) error {
	// fdatasync writes the data and the size, all that a commit needs; it
	// spares the file's timestamps. Systems without it go on with fsync.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return err
	}
	if err := db.openWriter(ctx); err != nil {
		return err
	}
	if err := db.openReaders(ctx); err != nil {
		return err
	}
	if err := db.openCheckpointer(ctx); err != nil {
		return err
	}
	if err := db.recover(ctx); err != nil {
		return err
	}
	db.running.Go(db.writer)
	db.running.Go(db.checkpoints)
	return nil
}

// openCheckpointer connects for the copies of the WAL.
func (db *DB) openCheckpointer(ctx context.Context) error {
	queries, err := loadQueries(func(file string) bool { return file == "checkpoint.sql" })
	if err != nil {
		return err
	}
	if db.cp.c, err = connect(dsn(db.path, db.opt.synchronous(), readerCacheKiB)); err != nil {
		return err
	}
	if err := db.cp.c.verify(ctx, db.opt.synchronous()); err != nil {
		return err
	}
	return db.cp.c.prepare(queries)
}

func (db *DB) openWriter(ctx context.Context) error {
	fresh, err := look(ctx, db.path)
	if err != nil {
		return err
	}
	if db.w, err = connect(dsn(db.path, db.opt.synchronous(), writerCacheKiB)); err != nil {
		return err
	}
	version, err := db.w.version(ctx)
	if err != nil {
		return err
	}
	if err := db.w.ours(ctx); err != nil {
		return err
	}
	if err := db.w.verify(ctx, db.opt.synchronous()); err != nil {
		return err
	}
	if db.schema, err = migrate(ctx, db.w, db.opt.Now()); err != nil {
		return err
	}
	if fresh {
		if err := syncDir(filepath.Dir(db.path)); err != nil {
			return err
		}
	}
	queries, err := loadQueries(writerQuery)
	if err != nil {
		return err
	}
	db.opt.Log.Debug("store open", "path", db.path, "sqlite", version, "schema", db.schema)
	return db.w.prepare(queries)
}

func (db *DB) openReaders(ctx context.Context) error {
	queries, err := loadQueries(readerQuery)
	if err != nil {
		return err
	}
	for range readers {
		c, err := connect(dsn(db.path, db.opt.synchronous(), readerCacheKiB))
		if err != nil {
			return err
		}
		db.opened++
		db.readers <- c
		if err := c.run(ctx, "PRAGMA query_only = 1"); err != nil {
			return err
		}
		if err := c.verify(ctx, db.opt.synchronous()); err != nil {
			return err
		}
		if err := c.prepare(queries); err != nil {
			return err
		}
	}
	return nil
}

// Failed gives the error by which the ledger failed for good, if it ever does:
// a failed fsync, a damaged file. From then on every write is answered with
// event.ErrClosed; the process should end and start again. The channel is never
// closed.
func (db *DB) Failed() <-chan error { return db.failed }

// Close finishes the writes that were asked for, refuses new ones with
// event.ErrClosed and closes the file.
func (db *DB) Close() error {
	db.once.Do(func() {
		close(db.closing)
		db.running.Wait()
		db.closeErr = errors.Join(db.closeConns(), unlockFile(db.lock))
	})
	return db.closeErr
}

// closeConns waits for the readers that are out and closes every connection.
// After a failed fsync the writer's stays open, because closing the last one
// would copy the WAL into the file, and nobody knows what of the WAL is on disk.
func (db *DB) closeConns() error {
	var errs []error
	for range db.opened {
		errs = append(errs, (<-db.readers).close())
	}
	if db.cp.c != nil {
		errs = append(errs, db.cp.c.close())
	}
	if db.w != nil && !db.broken.Load() {
		errs = append(errs, db.w.close())
	}
	return errors.Join(errs...)
}

// read lends fn a reader's connection. Close waits until it is back.
func (db *DB) read(ctx context.Context, fn func(*conn) error) error {
	select {
	case <-db.closing:
		return event.ErrClosed
	default:
	}
	select {
	case c := <-db.readers:
		defer func() { db.readers <- c }()
		return fn(c)
	case <-db.closing:
		return event.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
