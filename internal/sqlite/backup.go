package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/forebayhq/forebay/event"
)

// Backup writes a copy of the ledger, as it is at one moment, to a new file,
// while work goes on. The copy is complete and fsynced before it has its name;
// a file that is there already is not touched.
func (db *DB) Backup(ctx context.Context, dest string) error {
	select {
	case <-db.closing:
		return fmt.Errorf("backup: %w", event.ErrClosed)
	default:
		return Backup(ctx, db.path, dest)
	}
}

// Backup copies the ledger at path, which another process may have open, like
// [DB.Backup].
func Backup(ctx context.Context, path, dest string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("backup to %s: %w", dest, err)
		}
	}()
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if _, err := os.Lstat(dest); err == nil {
		return fmt.Errorf("%w: choose a new name", os.ErrExist)
	}
	dir, err := os.MkdirTemp(filepath.Dir(dest), ".forebay-backup-*") // VACUUM INTO wants a file that is not there
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	part := filepath.Join(dir, "copy.db")
	if err := vacuumInto(ctx, path, part); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o600); err != nil { // for its owner alone, as the ledger
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Link(part, dest); err != nil { // unlike a rename, it never replaces
		return err
	}
	return syncDir(filepath.Dir(dest))
}

// vacuumInto copies through a connection of its own: it takes long.
func vacuumInto(ctx context.Context, path, part string) error {
	c, err := connect(dsn(path, "FULL", readerCacheKiB))
	if err != nil {
		return err
	}
	if _, err = c.version(ctx); err == nil {
		err = c.run(ctx, "VACUUM INTO ?1", part)
	}
	return errors.Join(err, c.close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	return errors.Join(err, f.Close())
}
