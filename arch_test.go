package forebay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/forebayhq/forebay"

// may says which of our packages a package may import, and why the list is
// short. What is not listed is refused. Tests may import more.
var may = map[string][]string{
	"event":      {}, // leaf: the words
	"verify":     {}, // leaf: pure functions
	"claudetest": {}, // leaf: a fake at the wire

	"internal/catalog":  {"event"},
	"internal/payload":  {"event"},
	"internal/rule":     {"event", "internal/payload"},
	"internal/prompt":   {"event", "internal/payload"},
	"internal/chain":    {},
	"internal/governor": {"event", "internal/chain"},
	"internal/egress":   {},
	"internal/github":   {"internal/egress"},
	"internal/gather":   {"event", "internal/payload", "internal/prompt", "internal/github"},
	"internal/claude":   {"event", "internal/catalog"},
	"internal/deliver":  {"event", "verify", "internal/payload", "internal/egress", "internal/github"},
	"internal/keys":     {"verify", "internal/egress"},
	"internal/confirm":  {"internal/egress"},
	"internal/offers":   {},
	"internal/ingest":   {"event", "verify", "internal/payload", "internal/rule"}, // cannot name a driver, a worker or Claude
	"internal/work":     {"event", "internal/chain", "internal/governor", "internal/gather", "internal/prompt", "internal/claude", "internal/deliver", "internal/rule", "internal/catalog"},
	"internal/sqlite":   {"event"},
	"internal/api":      {"event", "internal/catalog"},
	"internal/web":      {"event", "internal/api"},
	"internal/metrics":  {"event", "internal/catalog"},

	"internal/reconcile": {"internal/github"}, // by way of GitHub alone: no event passes through it

	"config": {"event", "verify", "internal/chain", "internal/rule", "internal/prompt", "internal/catalog", "internal/egress", "internal/gather", "internal/github"},

	"internal/fixture":    {"verify"},
	"internal/starter":    {"verify", "internal/fixture"},
	"internal/githubtest": {},
	"internal/egresstest": {"internal/egress"},
	"internal/storetest":  {"event", "internal/ingest", "internal/work", "internal/deliver", "internal/api"},
}

// only says which packages alone may import what, and why.
var only = []struct {
	path  string // a package, or with a trailing slash everything below it
	users []string
	why   string
}{
	{"github.com/anthropics/anthropic-sdk-go/", []string{"internal/claude"}, "one package knows the SDK"},
	{"modernc.org/sqlite", []string{"internal/sqlite"}, "one package knows the driver"},
	{"database/sql", []string{"internal/sqlite"}, "SQL stays in the drivers"},
	{"flag", nil, "cobra parses, in cmd"},
	{"os/signal", []string{"cmd/forebay"}, "signals are the program's"},
	{"testing", []string{"claudetest", "internal/storetest", "internal/egresstest"}, "tests stay out of the binary"},
	{"cel.dev/cel-go/", []string{"internal/rule"}, "one package knows CEL"},
	{"github.com/spf13/cobra", []string{"cmd/forebay"}, "one package knows the command line"},
	{"github.com/prometheus/client_golang/", []string{"internal/metrics"}, "one package knows Prometheus"},
}

// pure packages do no I/O and read no clock.
var pure = map[string][]string{
	"internal/governor": {"net", "net/http", "os", "database/sql", "context"},
	"internal/prompt":   {"net", "net/http", "os", "database/sql"},
	"event":             {"net", "net/http", "os", "database/sql"},
	"verify":            {"os", "net", "database/sql"},
}

// vague names say nothing about what a package is for.
var vague = []string{"util", "utils", "common", "models", "types", "helpers", "core", "pkg", "misc"}

// A pack is one directory of Go files that are not tests.
type pack struct {
	dir     string
	imports map[string]string // path to file
	doc     string
	calls   map[string]string // "os.Exit" to file
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range packs(t) {
		allowed, listed := may[p.dir]
		if !listed && p.dir != "." && !strings.HasPrefix(p.dir, "cmd/") {
			t.Errorf("package %s is not in the table of arch_test.go: say what it may import", p.dir)
		}
		for path, file := range p.imports {
			ours, isOurs := strings.CutPrefix(path, module+"/")
			switch {
			case path == module && !strings.HasPrefix(p.dir, "cmd/"):
				t.Errorf("%s: imports the façade: only cmd may", file)
			case isOurs && listed && !slices.Contains(allowed, ours):
				t.Errorf("%s: %s may not import %s", file, p.dir, ours)
			}
			for _, o := range only {
				if matches(path, o.path) && !slices.Contains(o.users, p.dir) {
					t.Errorf("%s: imports %s: %s", file, path, o.why)
				}
			}
			if slices.Contains(pure[p.dir], path) {
				t.Errorf("%s: %s is pure and may not import %s", file, p.dir, path)
			}
		}
	}
}

func TestPackages(t *testing.T) {
	t.Parallel()
	for _, p := range packs(t) {
		name := filepath.Base(p.dir)
		if slices.Contains(vague, name) {
			t.Errorf("%s: the name says nothing about what the package is for", p.dir)
		}
		if len(p.doc) < 60 {
			t.Errorf("%s: the package comment does not say what it is for and what it must never do", p.dir)
		}
		if strings.HasPrefix(p.dir, "cmd/") {
			continue
		}
		for _, call := range []string{"os.Exit", "os.Getenv", "os.LookupEnv", "slog.Default", "time.Sleep"} {
			if file, ok := p.calls[call]; ok {
				t.Errorf("%s: calls %s", file, call)
			}
		}
	}
}

// TestClients keeps the making of outbound clients in one package.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, p := range packs(t) {
		if p.dir == "internal/egress" || p.dir == "claudetest" { // claudetest: clients of tests that talk to it
			continue
		}
		for _, made := range []string{"http.Client{}", "http.Transport{}", "net.Dialer{}", "http.DefaultClient", "http.DefaultTransport", "net.Dial", "net.DialTimeout"} {
			if file, ok := p.calls[made]; ok {
				t.Errorf("%s: makes %s: internal/egress makes every outbound client", file, made)
			}
		}
	}
}

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

func matches(path, pattern string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(path, pattern)
	}
	return path == pattern
}

// packs parses every package of the tree but its tests.
func packs(t *testing.T) []*pack {
	t.Helper()
	byDir := map[string]*pack{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (name != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "tools") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if byDir[dir] == nil {
			byDir[dir] = &pack{dir: dir, imports: map[string]string{}, calls: map[string]string{}}
		}
		return byDir[dir].parse(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*pack, 0, len(byDir))
	for _, p := range byDir {
		all = append(all, p)
	}
	if len(all) < 15 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func (p *pack) parse(name string) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	if f.Doc != nil {
		p.doc += f.Doc.Text()
	}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		p.imports[path] = name
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if s, ok := n.Type.(*ast.SelectorExpr); ok {
				p.calls[selector(s)+"{}"] = name
			}
		case *ast.SelectorExpr:
			p.calls[selector(n)] = name
		}
		return true
	})
	return nil
}

func selector(s *ast.SelectorExpr) string {
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}
