package forebay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestRefusalsAreDocumented: every code that a sender can read has a line in
// docs/refusals.md.
func TestRefusalsAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("docs/refusals.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	ingest, err := filepath.Glob("internal/ingest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(ingest, "verify/codes.go", "internal/payload/check.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if code, ok := codeIn(n); ok {
				codes[code] = true
			}
			return true
		})
	}
	if len(codes) < 40 || !codes["store_full"] || !codes["jwt_no_expiry"] || !codes["too_deep"] || !codes["unknown_hook"] {
		t.Fatalf("found %d codes, want all", len(codes))
	}
	for code := range codes {
		if !strings.Contains(string(doc), "`"+code+"`") {
			t.Errorf("docs/refusals.md does not know %s", code)
		}
	}
}

// codeIn finds the constants Code... and the first word of problem{...} and
// unavailable(...).
func codeIn(n ast.Node) (string, bool) {
	var values []ast.Expr
	switch n := n.(type) {
	case *ast.ValueSpec:
		if strings.HasPrefix(n.Names[0].Name, "Code") {
			values = n.Values
		}
	case *ast.CompositeLit:
		if id, ok := n.Type.(*ast.Ident); ok && id.Name == "problem" {
			values = n.Elts
		}
	case *ast.CallExpr:
		if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "unavailable" {
			values = n.Args
		}
	}
	if len(values) == 0 {
		return "", false
	}
	lit, ok := values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	code, err := strconv.Unquote(lit.Value)
	return code, err == nil && code != ""
}
