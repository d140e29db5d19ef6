package gather

import (
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/github"
)

func TestPattern(t *testing.T) {
	t.Parallel()
	cases := []struct {
		pattern, path string
		want          bool
	}{
		{"*.md", "README.md", true},
		{"*.md", "docs/a/README.md", true},
		{"*.md", "README.mdx", false},
		{"docs/**", "docs/a/b.txt", true},
		{"docs/**", "src/docs/b.txt", false},
		{"**/docs/**", "src/docs/b.txt", true},
		{"docs/", "docs/b.txt", true},
		{"docs/", "a/docs/b.txt", true},
		{"/docs/", "a/docs/b.txt", false},
		{"/main.go", "main.go", true},
		{"/main.go", "cmd/main.go", false},
		{"src/*.go", "src/a.go", true},
		{"src/*.go", "src/b/a.go", false},
		{"src/**/a.go", "src/a.go", true},
		{"src/**/a.go", "src/b/c/a.go", true},
		{"a?c", "abc", true},
		{"a?c", "a/c", false},
		{"[ab].go", "b.go", true},
		{"[!ab].go", "b.go", false},
		{"a.b", "aXb", false},
		{`a\*b`, "a*b", true},
		{"a(b", "a(b", true},
		{"**", "x/y", true},
	}
	for _, c := range cases {
		p, err := compilePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.match(c.path); got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.pattern, c.path, got, c.want)
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]rank{
		"main.go": source, "src/app.ts": source, "Makefile": source, "latest.go": source, "contest/x.go": source,
		"main_test.go": tests, "tests/a.py": tests, "test_a.py": tests, "a.spec.ts": tests, "FooTest.java": tests,
		"config.yaml": settings, ".github/workflows/ci.yml": settings, "go.mod": settings,
		"README.md": docs, "docs/x.go": docs, "LICENSE": docs,
	} {
		if got := rankOf(name); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}

func TestLeaveOut(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]reason{
		"go.sum": lockFile, "a/Cargo.lock": lockFile, "yarn.lock": lockFile,
		"node_modules/x/i.js": vendored, "third_party/a.c": vendored, "vendors/a.go": "",
		"api.pb.go": generated, "a/zz_generated.deepcopy.go": generated, "x_pb2.py": generated, "dist/app.js": generated, "state_string.go": generated,
		"jquery.min.js": minified, "app.js.map": minified, "admin.js": "", "generator.go": "", "lock.go": "",
	} {
		if got := (rules{}).leaveOut(github.File{Name: name, Status: "modified", Changes: 1, Patch: "@@ -1 +1 @@\n-a\n+b"}); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// FuzzPatterns: no pattern and no attribute file brings it down.
func FuzzPatterns(f *testing.F) {
	f.Add("*.go linguist-generated\n[a-z linguist-vendored=false", "a/b.go")
	f.Add("**/**/**/* -linguist-generated", "a/b")
	f.Add("[]a] x\n[z-a] linguist-generated", "]")
	f.Fuzz(func(t *testing.T, text, path string) {
		rules := parseAttributes(text)
		rules.says(path, generated)
		if p, err := compilePattern(text); err == nil {
			p.match(path)
			p.match(strings.Repeat(path, 3))
		}
	})
}

func FuzzSplitHunks(f *testing.F) {
	f.Add("@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n+@@\n\n@@")
	f.Fuzz(func(t *testing.T, patch string) {
		if got := strings.Join(splitHunks(patch), ""); got != patch {
			t.Errorf("got %q, want %q", got, patch)
		}
	})
}
