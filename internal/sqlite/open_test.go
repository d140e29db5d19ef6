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

// refused opens what must not open, and looks for words in the cause or the
// remedy of the error, which has both.
func refused(t *testing.T, o sqlite.Options, want string) error {
	t.Helper()
	db, err := sqlite.Open(t.Context(), o)
	if err == nil {
		t.Errorf("opened %s", o.Path)
		_ = db.Close()
		return nil
	}
	e, ok := errors.AsType[*sqlite.OpenError](err)
	if !ok || e.Remedy == "" || !strings.Contains(e.Error()+"; "+e.Remedy, want) {
		t.Errorf("got %#v, want a cause, a remedy and %q in them", err, want)
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
	refused(t, sqlite.Options{Path: path}, "it is no database; name another file")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, sqlite.Options{Path: path}, "it is no database; name another file")
	refused(t, sqlite.Options{}, "want a path")
	refused(t, sqlite.Options{Path: t.TempDir()}, "name another file")
	refused(t, sqlite.Options{Path: filepath.Join(t.TempDir(), "no", "such", "directory", "x.db")}, "make the directory")
}

// TestOpenRefusesOthersDatabases: a database of another program, whose owner
// wrote the wrong path, is not touched, whatever its journal.
func TestOpenRefusesOthersDatabases(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		path := filepath.Join(t.TempDir(), "shop.db")
		raw(t, path, "PRAGMA journal_mode = "+mode, "CREATE TABLE customer (name TEXT)", "INSERT INTO customer VALUES ('Mona')")
		before := read(t, path)
		refused(t, sqlite.Options{Path: path}, "of another program; name another file")
		if after := read(t, path); after != before {
			t.Errorf("%s: the file was changed", mode)
		}
	}
}

// TestOpenRefusesDamage: a ledger that was cut off says what to do, and so does
// one whose pages were written over.
func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) string{
		"cut off after a page":     func(all string) string { return all[:4096] },
		"cut off inside of a page": func(all string) string { return all[:20_000] },
		"written over":             func(all string) string { return all[:100] + strings.Repeat("x", 20_000) + all[20_100:] },
	} {
		path := filepath.Join(t.TempDir(), "ledger.db")
		if err := mustOpen(t, sqlite.Options{Path: path}).Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(spoil(read(t, path))), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		refused(t, sqlite.Options{Path: path}, "malformed (11); move it")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
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
