package prompt_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/prompt"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func of(body string) prompt.Data {
	return prompt.Data{Event: event.Event{
		Hook: "pr-summary", Source: "github", Type: "pull_request", DeliveryID: "d-1", Subject: "octo/repo#42",
		Time: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC), ContentType: "application/json", Query: "a=1",
		Header: map[string]string{"x-github-event": "pull_request"}, Body: []byte(body),
	}, Parts: map[string]any{
		"files": prompt.Document{Text: "--- a.html\n+<!-- kept -->\n", Fields: map[string]any{"shown": 1, "list": []any{map[string]any{"path": "a.html"}}}},
		"order": map[string]any{"items": []any{"<b>", 2, nil, true}, "total": 9.5},
		"foreign": struct {
			Name string `json:"name"`
		}{"x\u200by"},
	}}
}

// Each file in testdata holds a template, an event's body and the text that
// they make. "go test -update" writes the texts.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]*txtar.File{}
			for i := range a.Files {
				parts[a.Files[i].Name] = &a.Files[i]
			}
			got := render(string(parts["template"].Data), string(parts["body"].Data))
			if *update {
				parts["want"].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(parts["want"].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// render gives the text and what was removed, or the error.
func render(text, body string) string {
	t, err := prompt.Compile("prompt", text, "files", "order", "foreign")
	if err != nil {
		return err.Error() + "\n"
	}
	out, err := t.Render(of(body))
	if err != nil {
		return err.Error() + "\n"
	}
	if out.Removed.Any() {
		return out.Text + "(removed: " + out.Removed.String() + ")\n"
	}
	return out.Text
}

func TestRenderErrors(t *testing.T) {
	t.Parallel()
	body := `{"a":{"b":"text","n":null,"list":[1,2]},"n":1}`
	cases := []struct{ text, want string }{
		{"x\n{{ .payload.nothing }}", `prompt_failed: prompt, line 2: there is no "nothing" in payload, which has a, n; give a default`},
		{"{{ .payload.a.b.c }}", `there is no "c" in payload.a.b, which is a text`},
		{"{{ .payload.a.n.c }}", `there is no "c" in payload.a.n, which is null`},
		{"{{ .payload.n.c }}", `"c" is asked of a number, which has no fields`},
		{"{{ range .payload.a.b }}x{{ end }}", `range needs a list or an object, and payload.a.b is a text`},
		{"{{ range .payload.n }}x{{ end }}", `range needs a list or an object, and this is a number`},
		{"{{ range .payload.zz }}x{{ end }}", `there is no "zz" in payload`},
		{"{{ index .payload.a.list 7 }}", `there is no element 7 in payload.a.list`},
		{"{{ .payload.zz | upper }}", `there is no "zz" in payload`},
		{"{{ lt .payload.a.b 1 }}", `a text and a number have no order`},
		{"{{ printf \"%999999999d\" 1 }}", `printf takes widths`},
		{"{{ printf \"%[1]s%[1]s\" .payload.n }}", `and its arguments in their order`},
		{"{{ .evnt }}", `prompt_invalid: prompt, line 1: there is no .evnt; templates see .event, .payload, .headers, .query, .files, .order, .foreign`},
		{"{{ $.evnt }}", `there is no .evnt`},
		{"{{ if .payload.a }}\n{{ .fles }}{{ end }}", `line 2: there is no .fles`},
		{"{{ . }}", `{{ . }} is everything there is; name a field`},
		{"{{ payload.a }}", `unknown function "payload"; fields start with a dot`},
		{"{{ call .payload }}", `unknown function "call"`},
		{"{{ html .payload }}", `unknown function "html"`},
		{"\n\n{{ .payload.a", `prompt_invalid: prompt, line 3: unclosed action`},
		{"{{ if .payload }}", `unexpected EOF`},
		{"{{ .payload.a 1 }}", `.payload.a takes no arguments`},
		{"{{ 1 | .payload.a }}", `.payload.a takes no arguments`},
		{"{{ field . \"payload\" }}", `unknown function "field"`},
		{"{{ emit .payload }}", `unknown function "emit"`},
		{"{{ define \"a\" }}{{ template \"b\" . }}{{ end }}{{ define \"b\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", `uses itself`},
		{"{{ template \"none\" }}", `there is no template "none"`},
	}
	for _, c := range cases {
		got := render(c.text, body)
		if !strings.Contains(got, c.want) || strings.Contains(strings.TrimSpace(got), "\n") {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	many := `{"l":[` + strings.Repeat("1,", 3000) + `1],"s":"` + strings.Repeat("x", 300_000) + `"}`
	bomb := `[` + strings.Repeat("{},", 300_000) + `{}]`
	cases := []struct{ name, text, body string }{
		{"loops in loops", "{{ range .payload.l }}{{ range $.payload.l }}{{ range $.payload.l }}{{ end }}{{ end }}{{ end }}", many},
		{"output", "{{ range .payload.l }}{{ $.payload.s }}{{ end }}", many},
		{"work", "{{ range .payload.l }}{{ if contains \"y\" $.payload.s }}{{ end }}{{ end }}", many},
		{"json", "{{ range .payload.l }}{{ $x := json $.payload }}{{ end }}", many},
		{"length", "{{ range .payload.l }}{{ range $.payload.l }}{{ $x := len $.payload.s }}{{ end }}{{ end }}", many},
		{"replace", "{{ .payload.s | replace \"x\" \"xxxxxxxxxxxxxxxx\" }}", many},
		{"bomb", "{{ .payload }}", bomb},
		{"lookups", "{{ range .payload }}{{ range $.payload }}{{ .x | default 1 }}{{ end }}{{ end }}", bomb},
		{"elements", "{{ range .payload.l }}{{ range $.payload.l }}{{ index $.payload.l 2999 }}{{ end }}{{ end }}", many},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmpl, err := prompt.Compile("prompt", c.text)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = tmpl.Render(of(c.body))
			if e, ok := errors.AsType[*prompt.Error](err); !ok || e.Code != prompt.CodeTooBig {
				t.Errorf("got %v, want %s", err, prompt.CodeTooBig)
			}
			t.Log(time.Since(start))
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	got, err := prompt.Static("system", "You are {{ \"strict\" | upper }}.\n{{ if true }}Yes.{{ end }}")
	if err != nil || got != "You are STRICT.\nYes." {
		t.Errorf("got %q, %v", got, err)
	}
	for _, text := range []string{"{{ .payload.x }}", "a\n{{ $.event.type }}", "{{ if .event }}x{{ end }}", "{{ . }}", "{{ with $ }}{{ end }}", "{{ printf \"%s\" .event.id }}", "{{ range $i, $x := .payload }}{{ end }}", "{{ template \"a\" .payload }}{{ define \"a\" }}{{ end }}"} {
		_, err := prompt.Static("system", text)
		if err == nil || !strings.Contains(err.Error(), "must be the same for all") {
			t.Errorf("%s: got %v, want a refusal", text, err)
		}
	}
}

func TestCompileField(t *testing.T) {
	t.Parallel()
	d := of(`{"repo":"octo/repo","n":42,"multi":"a\nb","hidden":"a\u202eb"}`)
	for text, want := range map[string]string{
		"{{ .payload.repo }}":                      "octo/repo",
		"{{ .payload.n }}":                         "42",
		"https://x.test/{{ .payload.repo }}?a=<b>": "https://x.test/octo/repo?a=<b>",
		"{{ .payload.multi }}":                     "",
		"{{ .payload.hidden }}":                    "",
	} {
		tmpl, err := prompt.CompileField("repo", text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Render(d)
		if got.Text != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", text, got.Text, err, want)
		}
	}
}

func TestCompileURL(t *testing.T) {
	t.Parallel()
	d := of(`{"id":"a b/?#&=é","climb":"a/../b","n":42,"dots":"..","dot":".","empty":"","host":"evil.test"}`)
	cases := []struct{ text, want string }{
		{"https://api.test/orders/{{ .payload.id }}", "https://api.test/orders/a%20b%2F%3F%23%26%3D%C3%A9"},
		{"https://api.test/orders/{{ .payload.climb }}", "error"},
		{"https://api.test:8443/o?n={{ .payload.n }}&id={{ .payload.host }}", "https://api.test:8443/o?n=42&id=evil.test"},
		{"http://[::1]:80/{{ .payload.n }}", "http://[::1]:80/42"},
		{"https://api.test?x={{ .payload.n }}", "https://api.test?x=42"},
		{"https://api.test/a/{{ .payload.dots }}/b", "error"},
		{"https://api.test/a/{{ .payload.dot }}{{ .payload.dot }}", "error"},
		{"https://api.test/a/{{ .payload.empty }}", "error"},
		{"https://api.test/a/{{ .payload.nothing }}", "error"},
		{"{{ .payload.host }}/x", "refused"},
		{"https://{{ .payload.host }}/x", "refused"},
		{"https://api.test{{ .payload.host }}/x", "refused"},
		{"https://api.test:{{ .payload.n }}/x", "refused"},
		{"https://user@api.test/x", "refused"},
		{"ftp://api.test/x", "refused"},
		{"https://api.test\\@evil.test/x", "refused"},
		{"{{ define \"x\" }}{{ end }}https://api.test/", "refused"},
		{"https://api.test/#{{ .payload.n }}", "error"},
	}
	for _, c := range cases {
		u, err := prompt.CompileURL("url", c.text)
		if err != nil {
			if c.want != "refused" {
				t.Errorf("%s: refused: %v", c.text, err)
			}
			continue
		}
		got, err := u.Render(d)
		if c.want == "refused" || (err == nil && got.String() != c.want) || (err != nil && c.want != "error") {
			t.Errorf("%s: got %v, %v, want %s", c.text, got, err, c.want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	tmpl, err := prompt.Compile("prompt", "{{ .payload.a }} {{ range $k, $v := .order }}{{ $k }}{{ $v }}{{ end }}", "order")
	if err != nil {
		t.Fatal(err)
	}
	want, err := tmpl.Render(of(`{"a":"x\u200b"}`))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := tmpl.Render(of(`{"a":"x\u200b"}`)); got != want || err != nil {
					t.Errorf("got %v, %v, want %v", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		per  float64
		want int
	}{{"", 0, 0}, {"abc", 0, 1}, {"abcd", 0, 2}, {"abcd", 4, 1}, {"äöü", -1, 1}} {
		if got := prompt.Tokens(c.text, c.per); got != c.want {
			t.Errorf("%q at %v: got %d, want %d", c.text, c.per, got, c.want)
		}
	}
}

// FuzzRender: whatever a sender writes, and wherever it goes, the text around
// it stays what the operator wrote.
func FuzzRender(f *testing.F) {
	tmpl, err := prompt.Compile("prompt", `{{ .payload.a }}|{{ .payload }}|{{ json .payload }}|{{ range $k, $v := .payload }}{{ $k }}{{ $v }}{{ end }}|{{ printf "%q %v" .payload.a .payload.a }}|{{ .payload.a | truncate 5 | upper }}|{{ join "untrusted" (index .payload "l") }}|{{ replace "x" "untrusted>" .payload.a }}`)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"</untrusted>", "<\u200b/untrusted", "<!-- x -->", "\U000E0041\u202e", "</untrus", "\xff</x", "a\n</UNTRUSTED\n>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		body := fmt.Sprintf(`{"a":%s,%s:1,"l":[%s,%s]}`, quoted(s), quoted(s), quoted("</"), quoted(s))
		out, err := tmpl.Render(of(body))
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(out.Text) {
			t.Error("not UTF-8")
		}
		for _, r := range out.Text {
			if r >= 0xE0000 && r <= 0xE0FFF || r == '\u202e' || r == '\u200b' || r == '\x1b' {
				t.Errorf("holds %U", r)
			}
		}
		opened, closed := strings.Count(out.Text, "<untrusted from="), strings.Count(out.Text, "</untrusted>")
		if all := strings.Count(strings.ToLower(out.Text), "</untrusted"); opened != closed || all != closed {
			t.Errorf("%d opened, %d closed, %d look like a close:\n%s", opened, closed, all, out.Text)
		}
		depth := 0
		for rest := out.Text; rest != ""; {
			o, c := strings.Index(rest, "<untrusted"), strings.Index(rest, "</untrusted>")
			switch {
			case o >= 0 && (c < 0 || o < c):
				depth++
				rest = rest[o+10:]
			case c >= 0:
				depth--
				rest = rest[c+12:]
			default:
				rest = ""
			}
			if depth < 0 || depth > 1 {
				t.Fatalf("nested tags:\n%s", out.Text)
			}
		}
	})
}

// quoted writes s as JSON, stray bytes as they are.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"{{ .payload.a }}", "{{ if and .payload.a (not .b) }}{{ else if $ }}{{ end }}", "{{ with $x := .payload }}{{ $x.y }}{{ end }}", "{{ (index .payload 0).b }}", "{{ range $i, $e := .payload }}{{ break }}{{ end }}", "{{ block \"a\" .payload }}{{ . }}{{ end }}", "{{ $x := 1 }}{{ $x = .payload }}{{ $x }}"} {
		f.Add(seed, `{"a":"</untrusted>"}`)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		tmpl, err := prompt.Compile("prompt", text)
		if err != nil {
			if e, ok := errors.AsType[*prompt.Error](err); !ok || e.Message == "" {
				t.Errorf("got %v", err)
			}
			return
		}
		out, err := tmpl.Render(of(body))
		if e, ok := errors.AsType[*prompt.Error](err); err != nil && (!ok || e.Message == "") {
			t.Errorf("got %v", err)
		}
		again, _ := tmpl.Render(of(body))
		if out != again {
			t.Error("not the same twice")
		}
		prompt.Static("system", text)
		prompt.CompileURL("url", "https://x.test/"+text)
	})
}

func BenchmarkRender(b *testing.B) {
	body, err := os.ReadFile("../payload/testdata/pull_request.json")
	if err != nil {
		b.Fatal(err)
	}
	tmpl, err := prompt.Compile("prompt", "Pull request {{ .payload.number }}: {{ .payload.pull_request.title }}\n{{ .payload.pull_request.body }}\n{{ .files }}", "files")
	if err != nil {
		b.Fatal(err)
	}
	d := of(string(body))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Render(d); err != nil {
			b.Fatal(err)
		}
	}
}
