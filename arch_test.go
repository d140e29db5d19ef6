package forebay_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
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
	"internal/deliver":  {"event", "internal/payload", "internal/egress", "internal/github"},
	"internal/keys":     {"verify", "internal/egress"},
	"internal/confirm":  {"internal/egress"},
	"internal/offers":   {},
	"internal/ingest":   {"event", "verify", "internal/payload", "internal/rule"}, // cannot name a driver, a worker or Claude
	"internal/work":     {"event", "internal/chain", "internal/governor", "internal/gather", "internal/claude", "internal/deliver"},
	"internal/sqlite":   {"event"},
	"internal/api":      {"event", "internal/catalog"},
	"internal/web":      {"event", "internal/api"},
	"internal/metrics":  {"event", "internal/catalog"},

	"internal/reconcile": {"internal/github"}, // by way of GitHub alone: no event passes through it

	"config": {"verify", "internal/chain", "internal/rule", "internal/prompt", "internal/catalog", "internal/egress", "internal/gather", "internal/github"},

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
	{"log", nil, "log/slog is passed in"},
	{"math/rand", nil, "math/rand/v2 has the better generators"},
	{"unsafe", nil, "nothing here is worth it"},
	{"C", nil, "the binary is static"},
	{"os/exec", nil, "the server runs no other program"},
	{"testing", []string{"claudetest", "internal/storetest", "internal/egresstest"}, "tests stay out of the binary"},
	{"cel.dev/cel-go/", []string{"internal/rule"}, "one package knows CEL"},
	{"github.com/spf13/cobra", []string{"cmd/forebay"}, "one package knows the command line"},
	{"go.yaml.in/", []string{"config"}, "one package knows YAML"},
	{"github.com/tidwall/gjson", []string{"verify"}, "payloads are read by internal/payload"},
	{"github.com/prometheus/client_golang/", []string{"internal/metrics"}, "one package knows Prometheus"},
}

// pure packages do no I/O.
var pure = map[string][]string{
	"internal/governor": {"net", "net/http", "os", "database/sql", "context"},
	"internal/prompt":   {"net", "net/http", "os", "database/sql"},
	"internal/payload":  {"net", "net/http", "os", "database/sql", "context"},
	"event":             {"net", "net/http", "os", "database/sql"},
	"verify":            {"os", "net", "database/sql"},
}

// clockless packages are told the time.
var clockless = []string{
	"event", "verify", "internal/payload", "internal/rule", "internal/prompt", "internal/chain", "internal/governor", "internal/catalog",
}

// banned says which functions and types of others only some packages may name,
// and why. A type with braces is one that is made: as a literal, by new, or as a
// variable or field that is no pointer.
var banned = []struct {
	names []string
	users []string // a package, or with a trailing slash everything below it
	why   string
}{
	{[]string{"os.Exit", "os.Args", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Stdin", "os.Stdout", "os.Stderr"}, []string{"cmd/"}, "the process is the program's"},
	{[]string{"log/slog.Default", "log/slog.SetDefault", "log/slog.Info", "log/slog.Warn", "log/slog.Error", "log/slog.Debug"}, nil, "a logger is passed in"},
	{[]string{"time.Sleep"}, nil, "wait for a channel or a timer"},
	{[]string{"context.TODO"}, nil, "a context is passed in"},
	{
		[]string{
			"net/http.Client{}", "net/http.Transport{}", "net/http.DefaultClient", "net/http.DefaultTransport",
			"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm",
			"net.Dialer{}", "net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.DialUnix", "net.DialIP",
			"crypto/tls.Dialer{}", "crypto/tls.Dial", "crypto/tls.DialWithDialer",
		},
		[]string{"internal/egress", "claudetest"}, // claudetest: clients of tests that talk to it
		"internal/egress makes every outbound client",
	},
}

// vague names say nothing about what a package is for.
var vague = []string{"util", "utils", "common", "models", "types", "helpers", "core", "pkg", "misc"}

// A pack is one directory of Go files that are not tests.
type pack struct {
	dir     string
	imports map[string]string // path to file
	doc     string
	uses    map[string]string // "os.Exit", "net/http.Client{}" to file
}

// TestImports holds every package to the table, and the table to the packages:
// what nobody imports any more is not allowed any more.
func TestImports(t *testing.T) {
	t.Parallel()
	all := packs(t)
	for _, p := range all {
		for _, fault := range p.importFaults() {
			t.Error(fault)
		}
	}
	for dir, paths := range may {
		i := slices.IndexFunc(all, func(p *pack) bool { return p.dir == dir })
		if i < 0 {
			t.Errorf("the table of arch_test.go has %s, which is not there", dir)
			continue
		}
		for _, path := range paths {
			if _, ok := all[i].imports[module+"/"+path]; !ok {
				t.Errorf("the table of arch_test.go lets %s import %s, which it does not", dir, path)
			}
		}
	}
}

func (p *pack) importFaults() (faults []string) {
	report := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	allowed, listed := may[p.dir]
	command := strings.HasPrefix(p.dir, "cmd/")
	if !listed && p.dir != "." && !command {
		report("package %s is not in the table of arch_test.go: say what it may import", p.dir)
	}
	for path, file := range p.imports {
		ours, isOurs := strings.CutPrefix(path, module+"/")
		switch {
		case path == module && !command:
			report("%s: imports the façade: only cmd may", file)
		case isOurs && listed && !slices.Contains(allowed, ours):
			report("%s: %s may not import %s", file, p.dir, ours)
		}
		for _, o := range only {
			if matches(path, o.path) && !slices.Contains(o.users, p.dir) {
				report("%s: imports %s: %s", file, path, o.why)
			}
		}
		if slices.Contains(pure[p.dir], path) {
			report("%s: %s is pure and may not import %s", file, p.dir, path)
		}
	}
	return faults
}

func TestPackages(t *testing.T) {
	t.Parallel()
	for _, p := range packs(t) {
		if slices.Contains(vague, filepath.Base(p.dir)) {
			t.Errorf("%s: the name says nothing about what the package is for", p.dir)
		}
		opening := "Package " + filepath.Base(p.dir) + " "
		switch {
		case p.dir == ".":
			opening = "Package forebay "
		case strings.HasPrefix(p.dir, "cmd/"):
			opening = "Command "
		}
		if !strings.HasPrefix(p.doc, opening) || len(p.doc) < 150 {
			t.Errorf("%s: the package comment does not say what it is for and what it must never do", p.dir)
		}
		for _, fault := range p.callFaults() {
			if !strings.Contains(fault, "outbound") { // TestClients
				t.Error(fault)
			}
		}
	}
}

// TestClients keeps the making of outbound clients in one package.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, p := range packs(t) {
		for _, fault := range p.callFaults() {
			if strings.Contains(fault, "outbound") {
				t.Error(fault)
			}
		}
	}
}

func (p *pack) callFaults() (faults []string) {
	for _, b := range banned {
		if slices.ContainsFunc(b.users, func(user string) bool { return matches(p.dir, user) }) {
			continue
		}
		for _, name := range b.names {
			if file, ok := p.uses[name]; ok {
				faults = append(faults, fmt.Sprintf("%s: names %s: %s", file, name, b.why))
			}
		}
	}
	if slices.Contains(clockless, p.dir) {
		for _, name := range []string{"time.Now", "time.Since", "time.Until"} {
			if file, ok := p.uses[name]; ok {
				faults = append(faults, fmt.Sprintf("%s: names %s: %s is told the time", file, name, p.dir))
			}
		}
	}
	if file, ok := p.uses["."]; ok {
		faults = append(faults, file+": imports all names of a package, which hides where they are from")
	}
	return faults
}

// TestRulesSeeThroughDisguises: another name for an import, new instead of a
// literal and the like hide nothing from the rules. What is allowed is no fault.
func TestRulesSeeThroughDisguises(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, dir, src string
		faults         int
	}{
		{"a literal", "internal/api", `import "net/http"; var c = &http.Client{}`, 1},
		{"a client in egress", "internal/egress", `import "net/http"; var c = &http.Client{}`, 0},
		{"another name", "internal/api", `import web "net/http"; var c = web.DefaultClient`, 1},
		{"new", "internal/api", `import "net/http"; var c = new(http.Client)`, 1},
		{"a variable", "internal/api", `import "net/http"; var c http.Client`, 1},
		{"a field", "internal/api", `import "net/http"; type t struct { c http.Client }`, 1},
		{"a client passed in", "internal/api", `import "net/http"; type t struct { c *http.Client }`, 0},
		{"all names", "internal/api", `import . "net/http"; var c = DefaultClient`, 1},
		{"a function's value", "internal/governor", `import "time"; var now = time.Now`, 1},
		{"a clock where one may be", "internal/api", `import "time"; var now = time.Now`, 0},
		{"a method of that name", "internal/governor", `var time struct{ Now func() }; var now = time.Now`, 0},
		{"environment", "internal/api", `import "os"; var home = os.Getenv("HOME")`, 1},
		{"environment of the program", "cmd/forebay", `import "os"; var home = os.Getenv("HOME")`, 0},
		{"the façade", "internal/api", `import _ "` + module + `"`, 1},
		{"a driver in the receiver", "internal/ingest", `import _ "` + module + `/internal/sqlite"`, 1},
		{"a package below an allowed one", "internal/api", `import _ "` + module + `/event/more"`, 1},
		{"the SDK", "internal/work", `import _ "github.com/anthropics/anthropic-sdk-go/v2/option"`, 1},
		{"an unlisted package", "internal/more", ``, 1},
	} {
		p := newPack(tt.dir)
		if err := p.parse(tt.name, "package p; "+tt.src); err != nil {
			t.Fatal(err)
		}
		if got := append(p.importFaults(), p.callFaults()...); len(got) != tt.faults {
			t.Errorf("%s: got %q, want %d", tt.name, got, tt.faults)
		}
	}
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
			byDir[dir] = newPack(dir)
		}
		return byDir[dir].parse(name, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(byDir) < 15 {
		t.Fatalf("only %d packages found", len(byDir))
	}
	return slices.Collect(maps.Values(byDir))
}

func newPack(dir string) *pack {
	return &pack{dir: dir, imports: map[string]string{}, uses: map[string]string{}}
}

// parse notes what a file imports and which names of it the file uses; src is as
// that of [parser.ParseFile].
func (p *pack) parse(name string, src any) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	if f.Doc != nil {
		p.doc += f.Doc.Text()
	}
	paths := map[string]string{} // by the name that the file gives a package
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		p.imports[path] = name
		switch {
		case i.Name == nil:
			paths[filepath.Base(path)] = path
		case i.Name.Name == ".":
			p.uses["."] = name
		default:
			paths[i.Name.Name] = path
		}
	}
	use := func(e ast.Expr, made string) {
		if s, ok := e.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && paths[x.Name] != "" {
				p.uses[paths[x.Name]+"."+s.Sel.Name+made] = name
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			use(n.Type, "{}")
		case *ast.Field: // parameters too: nobody hands a client on by value
			use(n.Type, "{}")
		case *ast.ValueSpec:
			use(n.Type, "{}")
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "new" && len(n.Args) == 1 {
				use(n.Args[0], "{}")
			}
		case *ast.SelectorExpr:
			use(n, "")
		}
		return true
	})
	return nil
}
