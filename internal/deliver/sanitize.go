package deliver

import (
	"regexp"
	"strings"
)

// Sanitize makes a model's Markdown harmless as a GitHub comment. What it says
// stays readable; what it could do is gone:
//
//   - mentions, issue and commit references, closing keywords, slash commands
//     and the words of merge bots become code or plain text;
//   - links and images become text that shows where they lead;
//   - HTML is escaped, HTML comments are removed;
//   - invisible and reordering characters are removed;
//   - code keeps its text, in fences that are always closed; suggestion blocks
//     and diagrams become plain code;
//   - secrets are redacted.
//
// Instead of understanding Markdown as GitHub does, it writes a small subset
// that can be read in one way only, and escapes the rest. Text that ought to be
// inert goes into code spans: GitHub links nothing there, and a program that
// looks at the raw text finds no command at the start of a line.
func Sanitize(text string) string {
	return strings.Trim(blocks(Redact(visible(text)), 0), "\n")
}

// maxDepth bounds quotes within quotes.
const maxDepth = 6

var (
	quoted   = regexp.MustCompile(`^ {0,3}> ?`)
	fenced   = regexp.MustCompile("^(\\s*(?:(?:[-*+]|\\d{1,9}[.)])\\s+)*)(`{3,}|~{3,})([^\n]*)$")
	comments = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// blocks splits text into fenced code, quotes and other text.
func blocks(text string, depth int) string {
	w := &blockWriter{depth: depth}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		switch {
		case quoted.MatchString(lines[i]) && depth < maxDepth:
			i = w.quote(lines, i)
		case isFence(lines[i]):
			i = w.fence(lines, i)
		default:
			i = w.text(lines, i)
		}
	}
	return strings.Join(w.out, "\n")
}

type blockWriter struct {
	out   []string
	depth int
}

// isFence reports whether a line opens fenced code. After backticks, a line
// with another backtick does not.
func isFence(line string) bool {
	m := fenced.FindStringSubmatch(line)
	return m != nil && (m[2][0] == '~' || !strings.Contains(m[3], "`"))
}

// text writes the lines up to the next fence or quote.
func (w *blockWriter) text(lines []string, i int) int {
	from := i
	for i++; i < len(lines) && !isFence(lines[i]) && !(quoted.MatchString(lines[i]) && w.depth < maxDepth); i++ {
	}
	run := comments.ReplaceAllLiteralString(strings.Join(lines[from:i], "\n"), "")
	for line := range strings.SplitSeq(run, "\n") {
		w.out = append(w.out, textLine(line))
	}
	return i
}

// quote writes the lines of a quote, sanitised for themselves.
func (w *blockWriter) quote(lines []string, i int) int {
	var inner []string
	for ; i < len(lines) && quoted.MatchString(lines[i]); i++ {
		inner = append(inner, quoted.ReplaceAllLiteralString(lines[i], ""))
	}
	for line := range strings.SplitSeq(blocks(strings.Join(inner, "\n"), w.depth+1), "\n") {
		w.out = append(w.out, strings.TrimRight("> "+line, " "))
	}
	return i
}

// fence writes fenced code at the left margin, between empty lines: there it is
// code whatever stands around it. A fence that is never closed is closed at the
// end.
func (w *blockWriter) fence(lines []string, i int) int {
	m := fenced.FindStringSubmatch(lines[i])
	if marker := strings.TrimRight(m[1], " \t"); strings.TrimSpace(marker) != "" {
		w.out = append(w.out, textLine(marker))
	}
	indent := len(expandTabs(m[1]))
	var body []string
	for i++; i < len(lines) && !closes(lines[i], m[2]); i++ {
		body = append(body, outdent(lines[i], indent))
	}
	w.code(language(m[3]), body)
	return i + 1
}

// code writes a fence that is longer than any in the code.
func (w *blockWriter) code(lang string, body []string) {
	fence := "```"
	for _, line := range body {
		for strings.Contains(line, fence) {
			fence += "`"
		}
	}
	if n := len(w.out); n > 0 && w.out[n-1] != "" {
		w.out = append(w.out, "")
	}
	w.out = append(w.out, fence+lang)
	for _, line := range body {
		w.out = append(w.out, codeLine(line))
	}
	w.out = append(w.out, fence, "")
}

// closes reports whether a line closes a fence.
func closes(line, fence string) bool {
	line = strings.TrimSpace(line)
	return len(line) >= len(fence) && strings.Trim(line, fence[:1]) == ""
}

var languageName = regexp.MustCompile(`^[A-Za-z0-9_+#.-]{1,30}$`)

// language is the code's language, for colours. GitHub gives some words another
// meaning: a suggestion can be committed with a click, diagrams run.
func language(info string) string {
	name, _, _ := strings.Cut(strings.TrimSpace(info), " ")
	switch name = strings.ToLower(name); {
	case !languageName.MatchString(name):
		return ""
	case strings.HasPrefix(name, "suggestion"):
		return "text"
	}
	switch name {
	case "mermaid", "math", "geojson", "topojson", "stl":
		return "text"
	}
	return name
}

// outdent removes up to n columns of leading space.
func outdent(line string, n int) string {
	rest := strings.TrimLeft(line, " \t")
	lead := expandTabs(line[:len(line)-len(rest)])
	return lead[min(n, len(lead)):] + rest
}

func expandTabs(lead string) string { return strings.ReplaceAll(lead, "\t", "    ") }
