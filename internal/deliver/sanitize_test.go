package deliver

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "rewrite golden files")

// A golden file holds cases: the input after "-- in --", what is wanted after
// "-- out --".
func TestSanitizeGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/sanitize/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := Sanitize(string(in)) + "\n"
			golden := strings.TrimSuffix(file, ".md") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestEveryInjectionIsHarmless(t *testing.T) {
	t.Parallel()
	for _, line := range injections(t) {
		for _, text := range []string{line, "a\n\n" + line + "\n\nb", "> " + line, "- " + line, "| a | b |\n|---|---|\n| " + line + " | x |", "```\n" + line, "`" + line + "`", "    " + line, "**" + line + "**"} {
			checkRaw(t, text)
		}
	}
}

func TestInjectionsRenderHarmless(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	all := strings.Join(injections(t), "\n")
	r.check(t, all)
	for _, line := range injections(t) {
		r.check(t, line)
	}
}

// The checks must be able to fail.
func TestChecksSeeWhatIsHarmful(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"/retest", "a <!-- x -->", "a\u200bb", "bors r+", "Approved-by: x", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "x @claude y", "<b>"} {
		if harmRaw(raw) == "" {
			t.Errorf("the raw check sees nothing in %q", raw)
		}
	}
	r := newRenderer(t)
	for _, raw := range []string{"@octocat", "a _@octo_", "&commat;octocat", "fixes #1", "[x](https://x.com)", "https://x.com", "www.x.com", "![](x)", "<img src=x>", "GH-12"} {
		if r.harm(t, raw) == "" {
			t.Errorf("the rendered check sees nothing in %q", raw)
		}
	}
}

// TestSanitizeAgainstGitHubsRenderer throws random Markdown at Sanitize and has
// cmark-gfm, the renderer that GitHub made, say what it would become.
func TestSanitizeAgainstGitHubsRenderer(t *testing.T) {
	t.Parallel()
	r := newRenderer(t)
	n := 150
	if testing.Short() {
		n = 50
	}
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range n {
		var texts []string
		for range 20 {
			texts = append(texts, randomMarkdown(rnd))
		}
		if r.harm(t, sanitizedPage(texts)) == "" {
			continue
		}
		for _, text := range texts { // find the one, and its seed
			if h := r.harm(t, Sanitize(text)); h != "" {
				t.Fatalf("seed %d: %s\nin:  %q\nout: %q", seed, h, text, Sanitize(text))
			}
		}
	}
}

// sanitizedPage puts texts, each sanitised, on one page that keeps them apart.
func sanitizedPage(texts []string) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString(Sanitize(text) + "\n\n---\n\npart\n\n---\n\n")
	}
	return b.String()
}

func randomMarkdown(rnd *rand.Rand) string {
	pieces := []string{
		"@octocat", "@org/team", "#12", "o/r#3", "GH-4", "https://e.vil/x", "www.e.vil", "http://a|b", "`", "``", "```", "~~~", "~~", "\\", "\n", "\n\n", "> ", "- ", "1. ", "    ", "\t", " ",
		"[", "]", "(", ")", "[a](http://x)", "![i](http://x)", "[r]: http://x", "[r]", "<", ">", "<b>", "</b>", "<img src=x>", "<!--", "-->", "&#64;", "&commat;", "&amp;", "&", "#64;", "commat;", "lt;",
		"|", "|---|---|", "| a | b |", "*", "**", "_", "__", "x", "1", "a.b", "é", "\u200b", "\u202e", "/retest", "bors r+", "Approved-by: me", "suggestion", "mermaid", "$", "$$", "!", "# ", "===", "---", "+ ", "- [ ] ", "<details>", "<a href=x>", "</a>", "octocat", "\x00", "&#10;", "&#96;", "&lt;", "foo@bar.com", "@claude", "fixes ", ":", "\"", "'", "{", "}", "^", "[^1]", "[^1]: x", "htt", "p://e.vil", "gh-", "@", "#", "www", ".e", "/", "mailto:", "xmpp:a@b.c", "\r", "\n    ", "\n> ", "\n| ", "&#x2f;", "```go\n", "\n```\n", "`a`",
	}
	var b strings.Builder
	for range 1 + rnd.IntN(14) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

func FuzzSanitize(f *testing.F) {
	for _, line := range injections(f) {
		f.Add(line)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add(randomMarkdown(rnd))
	}
	f.Fuzz(func(t *testing.T, text string) { checkRaw(t, text) })
}

func injections(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/output-injection.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n")
}

func checkRaw(t *testing.T, text string) {
	t.Helper()
	out := Sanitize(text)
	if h := harmRaw(out); h != "" {
		t.Errorf("%s\nin:  %q\nout: %q", h, text, out)
	}
}

var (
	liveTag     = regexp.MustCompile(`<[A-Za-z/!?]`)
	liveCommand = regexp.MustCompile(`(?m)^[ \t]{0,3}/[A-Za-z]`)
	liveTrailer = regexp.MustCompile(`(?im)^[a-z-]+-by:`)
	liveMerger  = regexp.MustCompile(`(?im)^(?:bors|homu) `)
	liveBot     = regexp.MustCompile(`(?i)(?:^|[^A-Za-z0-9])@(?:claude|dependabot|coderabbitai)\b`)
)

// harmRaw looks at a comment as a program that reads its text does.
func harmRaw(out string) string {
	for _, r := range out {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return "an invisible character is left"
		}
	}
	prose, open := withoutFences(out)
	switch {
	case open:
		return "a fence is open"
	case liveTag.MatchString(strings.NewReplacer("<code>", "", "</code>", "").Replace(withoutSpans(prose))):
		return "a tag is left"
	case strings.Contains(prose, "<!--"):
		return "an HTML comment is left"
	case liveCommand.MatchString(prose):
		return "a command is left"
	case liveTrailer.MatchString(out):
		return "a trailer is left"
	case liveMerger.MatchString(out):
		return "a merge bot's command is left"
	case liveBot.MatchString(out):
		return "a bot is called"
	case Redact(out) != out:
		return "a secret is left"
	}
	return ""
}

// withoutFences removes fenced code, in quotes too, and reports whether one is
// never closed.
func withoutFences(out string) (prose string, open bool) {
	var keep []string
	fence := ""
	for line := range strings.SplitSeq(out, "\n") {
		bare := strings.TrimLeft(line, "> ")
		switch {
		case fence != "":
			if bare == fence {
				fence = ""
			}
		case strings.HasPrefix(bare, "```") && !strings.Contains(bare[backticks(bare):], "`"):
			fence = bare[:backticks(bare)]
		default:
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "\n"), fence != ""
}

func withoutSpans(prose string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(prose, "\n") {
		for line != "" {
			before, _, after, _ := cutCode(line)
			b.WriteString(before)
			line = after
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A renderer runs cmark-gfm.
type renderer struct{ path string }

func newRenderer(t *testing.T) renderer {
	t.Helper()
	path, err := exec.LookPath("cmark-gfm")
	if err != nil {
		t.Skip("cmark-gfm is not installed (Debian: apt-get install cmark-gfm)")
	}
	return renderer{path}
}

func (r renderer) check(t *testing.T, text string) {
	t.Helper()
	out := Sanitize(text)
	if h := r.harm(t, out); h != "" {
		t.Errorf("%s\nin:  %q\nout: %q", h, text, out)
	}
}

var (
	// https://github.com/gjtorikian/html-pipeline finds mentions so.
	liveMention = regexp.MustCompile(`(?:^|[^A-Za-z0-9_])@[A-Za-z0-9]`)
	liveRef     = regexp.MustCompile(`#[0-9]|(?i:\bgh-[0-9])`)
	harmless    = regexp.MustCompile(`^(?:html|head|body|p|em|strong|del|code|pre|ul|ol|li|blockquote|h[1-6]|hr|br|table|thead|tbody|tr|th|td|input)$`)
)

// harm renders Markdown and says what in it would act.
func (r renderer) harm(t *testing.T, markdown string) string {
	t.Helper()
	cmd := exec.Command(r.path, "--unsafe", "-e", "autolink", "-e", "table", "-e", "strikethrough", "-e", "tasklist", "-e", "footnotes")
	cmd.Stdin = strings.NewReader(markdown)
	page, err := cmd.Output()
	if err != nil {
		cmd = exec.Command(r.path, "--unsafe", "-e", "autolink", "-e", "table", "-e", "strikethrough", "-e", "tasklist")
		cmd.Stdin = strings.NewReader(markdown)
		if page, err = cmd.Output(); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return harmIn(doc, false)
}

func harmIn(n *html.Node, code bool) string {
	switch n.Type {
	case html.CommentNode:
		return "an HTML comment is rendered"
	case html.TextNode:
		if !code && (liveMention.MatchString(n.Data) || liveRef.MatchString(n.Data)) {
			return "rendered text mentions: " + n.Data
		}
	case html.ElementNode:
		if n.Data == "a" && len(n.Attr) == 1 && (strings.HasPrefix(n.Attr[0].Val, "mailto:") || strings.HasPrefix(n.Attr[0].Val, "xmpp:")) {
			return "" // an address of a person, as written: it leads to no page
		}
		if !harmless.MatchString(n.Data) {
			return "rendered element " + n.Data
		}
		code = code || n.Data == "code" || n.Data == "pre"
	}
	for c := range n.ChildNodes() {
		if h := harmIn(c, code); h != "" {
			return h
		}
	}
	return ""
}

// A model's answer can be made to be anything: none may take long.
func BenchmarkSanitizeHostile(b *testing.B) {
	for name, piece := range map[string]string{
		"brackets": "[", "images": "![", "backticks": "`a``b```c", "comments": "<!--", "quotes": "> > > ", "fences": "```\n", "entities": "&amp;amp;",
		"tags": "<<b>b>", "links": "[a](", "pem": "-----BEGIN PRIVATE KEY-----", "mentions": "@a", "bars": "`|`", "tildes": "~~~x", "backslashes": `\`, "prose": "Some words, and `code`. ",
	} {
		text := strings.Repeat(piece, 60_000/len(piece))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Sanitize(text)
			}
		})
	}
}
