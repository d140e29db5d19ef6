package forebay_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPathsInDocuments keeps documents from naming files that are not there.
func TestPathsInDocuments(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:[a-z][a-z0-9_-]*/)+[A-Za-z0-9_.-]*|[a-z_]+\\.go|[A-Z]+\\.md)`")
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(name, ".git") {
			return errOrSkip(err)
		}
		if !strings.HasSuffix(name, ".md") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range path.FindAllStringSubmatch(string(text), -1) {
			root := strings.SplitN(m[1], "/", 2)[0]
			if _, err := os.Stat(root); err != nil && strings.Contains(m[1], "/") {
				continue // not a path of this tree
			}
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: names %s, which is not there", name, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTestsInDocuments keeps documents from resting a claim on a test that is
// not there.
func TestTestsInDocuments(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9]*)[/`*]")
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)[A-Z][A-Za-z0-9]*)\(`)
	names, claims := map[string]bool{}, map[string]string{} // a name, and the document that has it
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(name, ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, ".md"):
		default:
			return nil
		}
		text, err := os.ReadFile(name)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		if strings.HasSuffix(name, ".md") {
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				claims[m[1]] = name
			}
		}
		return err
	})
	if err != nil || len(claims) == 0 {
		t.Fatalf("found %d claims: %v", len(claims), err)
	}
	for claim, document := range claims {
		if !names[claim] {
			t.Errorf("%s: names %s, which is not there", document, claim)
		}
	}
}

func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
