package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// A migration is one file of schema/: NNNN_name.sql.
type migration struct {
	version int64
	name    string
	text    string
	sum     string
}

const migrationTable = "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sum TEXT NOT NULL, at INTEGER NOT NULL) STRICT"

// migrations returns the files in order. Their numbers run from 1 without gaps.
func migrations() ([]migration, error) {
	files, err := fs.ReadDir(schemaFiles, "schema")
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, file := range files {
		text, err := schemaFiles.ReadFile("schema/" + file.Name())
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(file.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("schema/%s: want number %d", file.Name(), i+1)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{int64(version), file.Name(), string(text), hex.EncodeToString(sum[:])})
	}
	return all, nil
}

// migrate brings the file to the newest schema, each step in a transaction of
// its own, and refuses a file whose schema this program does not know.
func migrate(ctx context.Context, c *conn, now time.Time) (version int64, err error) {
	all, err := migrations()
	if err != nil {
		return 0, err
	}
	if err := c.run(ctx, migrationTable); err != nil {
		return 0, err
	}
	done := make(map[int64]string)
	if err := c.ask(ctx, "SELECT version, sum FROM migration", func(r *row) {
		v := r.int()
		done[v] = r.text()
		version = max(version, v)
	}); err != nil {
		return 0, err
	}
	if version > int64(len(all)) {
		return 0, &advised{fmt.Errorf("it has schema %d and this program knows up to %d", version, len(all)), "run the newer program that wrote it"}
	}
	for _, m := range all {
		sum, ok := done[m.version]
		if ok && sum != m.sum {
			return 0, &advised{fmt.Errorf("schema %s is not the one that this file was made with", m.name), "run the program that made it"}
		}
		if ok {
			continue
		}
		if err := c.apply(ctx, m, now); err != nil {
			return 0, fmt.Errorf("schema %s: %w", m.name, err)
		}
	}
	return int64(len(all)), nil
}

func (c *conn) apply(ctx context.Context, m migration, now time.Time) error {
	if err := c.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := c.run(ctx, m.text)
	if err == nil {
		err = c.run(ctx, "INSERT INTO migration VALUES (?1, ?2, ?3, ?4)", m.version, m.name, m.sum, micros(now))
	}
	if err != nil {
		_ = c.run(ctx, "ROLLBACK") // the first error is the one that counts
		return err
	}
	return c.run(ctx, "COMMIT")
}
