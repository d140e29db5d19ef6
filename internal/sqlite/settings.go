package sqlite

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	pageSize    = 4096
	busyTimeout = 10_000 // ms; only another program that opens the file is ever waited for

	// oldestSQLite is the first version without the fault by which two
	// connections could corrupt the file when the WAL is reset
	// (https://sqlite.org/wal.html#walresetbug).
	oldestSQLite = "3.51.3"
)

// dsn returns the name under which the driver opens path: the settings are part
// of it, so that no connection can be without them.
func dsn(path string, synchronous string, cacheKiB int) string {
	q := url.Values{}
	for _, pragma := range []string{
		"busy_timeout(" + strconv.Itoa(busyTimeout) + ")",
		"page_size(" + strconv.Itoa(pageSize) + ")",
		"journal_mode(WAL)",
		"synchronous(" + synchronous + ")",
		"fullfsync(1)",            // macOS: F_FULLFSYNC
		"checkpoint_fullfsync(1)", // macOS
		"foreign_keys(1)",
		"wal_autocheckpoint(0)", // the writer does it, after its answers
		"journal_size_limit(67108864)",
		"temp_store(MEMORY)",
		"trusted_schema(0)",
		"cache_size(-" + strconv.Itoa(cacheKiB) + ")",
	} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", "immediate")
	q.Set("_dqs", "0")
	return fileURL(path, q)
}

// fileURL names a file for the driver.
func fileURL(path string, q url.Values) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path // Windows: file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// verify reads the settings back: a connection that is not what dsn asked for
// must not be used.
func (c *conn) verify(ctx context.Context, synchronous string) error {
	level := map[string]int64{"OFF": 0, "FULL": 2}[synchronous]
	for _, want := range []struct {
		pragma string
		number int64
		text   string
	}{
		{"journal_mode", 0, "wal"},
		{"synchronous", level, ""},
		{"fullfsync", 1, ""},
		{"checkpoint_fullfsync", 1, ""},
		{"foreign_keys", 1, ""},
		{"busy_timeout", busyTimeout, ""},
		{"wal_autocheckpoint", 0, ""},
	} {
		number, text := int64(-1), ""
		err := c.ask(ctx, "PRAGMA "+want.pragma, func(r *row) {
			switch value := r.next().(type) {
			case int64:
				number = value
			case string:
				number, text = 0, value
			}
		})
		if err != nil {
			return err
		}
		if number != want.number || text != want.text {
			return fmt.Errorf("setting %s is %d %q, not %d %q: what is acknowledged would not be safe", want.pragma, number, text, want.number, want.text)
		}
	}
	return nil
}

// version returns the version of SQLite and refuses one that is too old.
func (c *conn) version(ctx context.Context) (string, error) {
	var version string
	if err := c.ask(ctx, "SELECT sqlite_version()", func(r *row) { version = r.text() }); err != nil {
		return "", err
	}
	if older(version, oldestSQLite) {
		return "", fmt.Errorf("SQLite %s can corrupt its file (https://sqlite.org/wal.html#walresetbug): build with %s or newer", version, oldestSQLite)
	}
	return version, nil
}

// older reports whether version a comes before b. What is not a number counts
// as 0.
func older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		if m, n := part(x, i), part(y, i); m != n {
			return m < n
		}
	}
	return false
}

func part(version []string, i int) int {
	if i >= len(version) {
		return 0
	}
	n, err := strconv.Atoi(version[i])
	if err != nil {
		return 0
	}
	return n
}
