package config

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse shows that no file makes Parse panic, that what it refuses it
// refuses with a place and a remedy, and that what it takes it takes whole.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == "forebay.yaml" {
				f.Add(file.Data)
			}
		}
	}
	env := lookup(map[string]string{"A": "value", "EMPTY": "", "N": "12"})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f.yaml", data, t.TempDir(), env)
		if err == nil {
			if c == nil || len(c.Hooks) == 0 {
				t.Fatal("accepted a configuration without hooks")
			}
			return
		}
		bad, ok := errors.AsType[*Errors](err)
		if !ok || len(bad.Problems) == 0 || c != nil {
			t.Fatalf("got %v, %v; want *Errors alone", c, err)
		}
		for _, p := range bad.Problems {
			if p.Message == "" || p.Remedy == "" || p.Line < 1 && p.File == "" {
				t.Errorf("incomplete problem: %+v", p)
			}
		}
	})
}
