package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// An OpenError says why a ledger was not opened, and what people can do.
type OpenError struct {
	Path   string
	Remedy string // empty where there is nothing better than to look at the cause
	Err    error
}

// Error returns the path and the cause.
func (e *OpenError) Error() string { return "open store " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// An advised error knows its remedy.
type advised struct {
	error
	remedy string
}

// Unwrap returns the error.
func (e *advised) Unwrap() error { return e.error }

// inUse refuses a ledger whose lock another process has.
func inUse(lock string) error {
	return &advised{fmt.Errorf("%w (%s is locked)", ErrInUse, lock), "stop it, or give this one a store of its own"}
}

const (
	otherFile = "name another file in store; a file that is not there is made"
	restore   = "move it, its -wal and its -shm away together, and put a backup in its place"
	rights    = "give the user that runs this the right to write the file and its directory"
)

// remedyOf says what helps against an error of opening.
func remedyOf(err error) string {
	if e, ok := errors.AsType[*advised](err); ok {
		return e.remedy
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "make the directory, or correct store"
	case errors.Is(err, fs.ErrPermission):
		return rights
	case errors.Is(err, syscall.EISDIR):
		return otherFile
	case errors.Is(err, syscall.EROFS):
		return "put the store on a disk that is mounted for writing"
	}
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return ""
	}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return otherFile
	case sqlite3.SQLITE_CORRUPT:
		return restore
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return rights
	case sqlite3.SQLITE_BUSY:
		return "end the other program that has the file open"
	case sqlite3.SQLITE_FULL:
		return "free space on its disk"
	}
	return ""
}

// magic begins the files of SQLite, and the byte at walFormat is 2 in those that
// have been in WAL mode (https://sqlite.org/fileformat2.html, section 1.3).
const (
	magic     = "SQLite format 3\x00"
	walFormat = 18
)

// look makes the ledger's file, if there is none, for its owner alone: it holds
// what senders sent, and its journals take over its mode. A file that is none of
// ours is refused before anything of it is changed; what is in WAL mode already
// is not, by being opened, and is looked at then. fresh: there is nothing in it.
func look(ctx context.Context, path string) (fresh bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	head := make([]byte, walFormat+1)
	n, err := io.ReadFull(f, head)
	if err = errors.Join(unlessShort(err), f.Close()); err != nil || n == 0 {
		return true, err
	}
	if n < len(head) || string(head[:len(magic)]) != magic {
		return false, &advised{errors.New("it is no database"), otherFile}
	}
	if head[walFormat] == 2 {
		return false, nil
	}
	c, err := connect(fileURL(path, nil))
	if err != nil {
		return false, err
	}
	return false, errors.Join(c.ours(ctx), c.close())
}

func unlessShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// ours refuses a database that another program has made.
func (c *conn) ours(ctx context.Context) error {
	var tables, known int64
	err := c.ask(ctx, "SELECT count(*), count(*) FILTER (WHERE name = 'migration') FROM sqlite_schema WHERE type = 'table'",
		func(r *row) { tables, known = r.int(), r.int() })
	if err == nil && tables > 0 && known == 0 {
		err = &advised{errors.New("it is the database of another program"), otherFile}
	}
	return err
}
