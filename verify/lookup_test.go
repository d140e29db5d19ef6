package verify

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// TestLookup: one pass finds what paths find one by one, and as they do.
func TestLookup(t *testing.T) {
	t.Parallel()
	paths := []string{"id", "type", "a.b", "a.b.c", "a", "list.0.id", "missing", "missing.too", "\u00e9", "#(x==1).y", "@this", "n", "deep.list.#.id"}
	where := make(place, 0, len(paths))
	for _, path := range paths {
		where = append(where, []part{{inJSON, path}})
	}
	for _, doc := range []string{
		`{"id":"1","type":"t","a":{"b":"x","c":2},"list":[{"id":"l"}],"n":1.50}`,
		`{"type":"t","id":"1","type":"u","id":"2"}`,
		`{"\u0069d":"escaped","\u00e9":"é","a":{"b":{"c":true}},"n":null}`,
		`{"big":"` + strings.Repeat("x", 5000) + `","deep":{"list":[{"id":"q"}]},"n":false,"a":[1]}`,
		`[{"id":"1"}]`, `"id"`, `{`, `{"id":`, ``, `{"id":"1"`, `{"id" "1"}`, `{"a":{"b":"x"`, "\x00",
	} {
		l := lookup{keys: wantedKeys(where)}
		for _, path := range paths {
			if got, want := l.text([]byte(doc), path), jsonText([]byte(doc), path); got != want {
				t.Errorf("%s in %.80q: got %q, want %q", path, doc, got, want)
			}
		}
	}
}

// FuzzLookup is the same with documents and paths of all kinds.
func FuzzLookup(f *testing.F) {
	f.Add([]byte(`{"id":"1","a":{"b":[1,2]}}`), "a.b.1")
	f.Add([]byte(`{"id":"1"}`), "id")
	f.Fuzz(func(t *testing.T, doc []byte, path string) {
		keys := wantedKeys(place{{{inJSON, path}}, {{inJSON, "id"}}})
		l := lookup{keys: keys}
		_ = l.text(doc, "id")
		got, want := l.text(doc, path), jsonText(doc, path)
		if got != want && gjson.ValidBytes(doc) {
			t.Fatalf("%q in %q: got %q, want %q", path, doc, got, want)
		}
	})
}
