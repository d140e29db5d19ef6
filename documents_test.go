package forebay_test

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPathsInDocuments keeps documents, and comments in the code, from naming
// files that are not there.
func TestPathsInDocuments(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:[a-z][a-z0-9_-]*/)+[A-Za-z0-9_.-]*|[a-z_]+\\.go|[A-Z]+\\.md)`")
	inComment := regexp.MustCompile(`(?m)^\s*//.*?[\s(]((?:internal|cmd|docs|tools)/[A-Za-z0-9_./-]*[A-Za-z0-9_])`)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(name, ".git") {
			return errOrSkip(err)
		}
		named := path
		switch filepath.Ext(name) {
		case ".md":
		case ".go":
			named = inComment
		default:
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
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

// TestDependencies keeps docs/dependencies.md the whole list of what go.mod
// requires, with the packages that use it.
func TestDependencies(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{} // module to users
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(document), -1) {
		got[m[1]] = strings.ReplaceAll(m[2], "`", "")
	}
	want := map[string]string{}
	all := packs(t)
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		want[m[1]] = strings.Join(importers(all, m[1]), ", ")
	}
	if len(want) < 10 || !maps.Equal(got, want) {
		t.Errorf("docs/dependencies.md has %v, want %v", got, want)
	}
}

// importers are the packages that import anything of a module; "tests" if only
// tests do.
func importers(all []*pack, module string) []string {
	var users []string
	for _, p := range all {
		for path := range p.imports {
			if path == module || strings.HasPrefix(path, module+"/") {
				users = append(users, strings.Replace(p.dir, ".", "root", 1))
				break
			}
		}
	}
	if len(users) == 0 {
		return []string{"tests"}
	}
	slices.SortFunc(users, func(a, b string) int { // the root last
		return cmp.Or(cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")), cmp.Compare(a, b))
	})
	return users
}

func errOrSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
