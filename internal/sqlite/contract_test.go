package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/forebayhq/forebay/internal/sqlite"
	"github.com/forebayhq/forebay/internal/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Features{}, func(t *testing.T, c storetest.Config) storetest.Harness {
		o := sqlite.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Now: c.Now, MaxJobs: c.MaxJobs}
		db := mustOpen(t, o)
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return storetest.Harness{
			Ledger: db,
			Reopen: func() storetest.Ledger {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				db = mustOpen(t, o)
				return db
			},
			Audit: func() []string { return findings(t, db) },
		}
	})
}

func mustOpen(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func findings(t testing.TB, db *sqlite.DB) []string {
	t.Helper()
	found, err := db.Check(context.Background())
	if err != nil {
		t.Error(err)
	}
	var list []string
	for _, f := range found {
		list = append(list, f.String())
	}
	return list
}
