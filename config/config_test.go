package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden parses the forebay.yaml of every archive in testdata and compares
// what is wrong with it to the archive's file "want". A file "env" sets
// variables; the other files lie in the directory of the configuration.
func TestGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(path, "testdata/"), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]*txtar.File{}
	for i, f := range archive.Files {
		files[f.Name] = &archive.Files[i]
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if files["forebay.yaml"] == nil {
		t.Fatal("the archive has no forebay.yaml")
	}
	env := map[string]string{}
	if f := files["env"]; f != nil {
		for line := range strings.Lines(string(f.Data)) {
			name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
			env[name] = value
		}
	}
	got := strings.ReplaceAll(outcome(dir, files["forebay.yaml"].Data, env), dir, "DIR")
	want := files["want"]
	if *update {
		if want == nil {
			archive.Files = append(archive.Files, txtar.File{Name: "want"})
			want = &archive.Files[len(archive.Files)-1]
		}
		want.Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want == nil {
		t.Fatal("the archive has no want; run with -update and read what it says")
	}
	if got != string(want.Data) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want.Data)
	}
}

// outcome renders what Parse says of data: its errors, then its warnings.
func outcome(dir string, data []byte, env map[string]string) string {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	c, err := parseAt(now, data, &decoder{file: "forebay.yaml", dir: dir, getenv: lookup(env)})
	var b strings.Builder
	var warnings []Problem
	if bad, ok := errors.AsType[*Errors](err); ok {
		b.WriteString(bad.Error() + "\n")
		warnings = bad.Warnings
	} else {
		warnings = c.Warnings
	}
	for _, w := range warnings {
		b.WriteString("warning: " + w.String() + "\n")
	}
	if b.Len() == 0 {
		return "ok\n"
	}
	return b.String()
}

func lookup(env map[string]string) Getenv {
	return func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	}
}
