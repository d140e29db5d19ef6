package sqlite_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	driversqlite "modernc.org/sqlite"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// raw runs SQL on the file behind the ledger's back.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	c, err := new(driversqlite.Driver).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, text := range statements {
		if _, err := c.(driver.ExecerContext).ExecContext(t.Context(), text, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func refused(t *testing.T, o sqlite.Options, want string) error {
	t.Helper()
	db, err := sqlite.Open(t.Context(), o)
	if err == nil {
		t.Errorf("opened %s", o.Path)
		_ = db.Close()
		return nil
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
	return err
}

func TestOpenRefusesASecondOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	db := mustOpen(t, sqlite.Options{Path: path})
	if err := refused(t, sqlite.Options{Path: path}, "stop it"); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := mustOpen(t, sqlite.Options{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "INSERT INTO migration VALUES (9999, 'x', 'x', 1)")
	before := size(t, path)
	refused(t, sqlite.Options{Path: path}, "schema 9999")
	if after := size(t, path); after != before {
		t.Errorf("the file went from %d to %d bytes", before, after)
	}
	raw(t, path, "DELETE FROM migration WHERE version = 9999")
	open(t, path)
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestOpenRefusesAnotherSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := mustOpen(t, sqlite.Options{Path: path}).Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, "UPDATE migration SET sum = 'other'")
	refused(t, sqlite.Options{Path: path}, "is not the one that this file was made with")
}

func TestOpenRefusesWhatIsNoLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, sqlite.Options{Path: path}, "not a database")
	refused(t, sqlite.Options{}, "want a path")
	refused(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "no", "such", "directory", "x.db")}, "no such file")
}

func TestOpenTakesOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "percent%20.db", "question?mode=memory.db", "hash#.db", "é.db"} {
		path := filepath.Join(t.TempDir(), name)
		open(t, path)
		if size(t, path) < 0 {
			t.Errorf("%s is not where it should be", name)
		}
	}
}

func TestCloseIsTheEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	db := mustOpen(t, sqlite.Options{Path: path})
	for range 2 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	ctx := context.Background()
	if err := db.Cancel(ctx, "job", at); !errors.Is(err, event.ErrClosed) {
		t.Errorf("write: got %v, want ErrClosed", err)
	}
	if _, err := db.Lanes(ctx); !errors.Is(err, event.ErrClosed) {
		t.Errorf("read: got %v, want ErrClosed", err)
	}
	if err := db.Backup(ctx, path+".copy"); !errors.Is(err, event.ErrClosed) {
		t.Errorf("backup: got %v, want ErrClosed", err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("a WAL of %d bytes is left", info.Size())
	}
}
