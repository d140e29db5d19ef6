package forebay

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// Backup copies the store of a configuration into the new file dest, whether a
// server runs on it or not. The copy is consistent and fsynced.
func Backup(ctx context.Context, cfg *config.Config, dest string) error {
	path, err := existingStore(cfg)
	if err != nil {
		return err
	}
	return sqlite.Backup(ctx, path, dest)
}

// CheckStore audits the store of a stopped server and returns what is wrong, in
// words. It reads; what a start would mend by itself, such as jobs of a process
// that died, is mended by it.
func CheckStore(ctx context.Context, cfg *config.Config) ([]string, error) {
	path, err := existingStore(cfg)
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path, MinFree: -1})
	if errors.Is(err, sqlite.ErrInUse) { // its remedy is that of a second server
		return nil, fmt.Errorf("%s: %w", path, sqlite.ErrInUse)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // only read
	findings, err := db.Check(ctx)
	if err != nil {
		return nil, err
	}
	texts := make([]string, 0, len(findings))
	for _, f := range findings {
		texts = append(texts, f.String())
	}
	return texts, nil
}

// existingStore is storePath of a store that is there: opening one that is not
// would make it.
func existingStore(cfg *config.Config) (string, error) {
	path := storePath(cfg)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no store to read: %w", err)
	}
	return path, nil
}
