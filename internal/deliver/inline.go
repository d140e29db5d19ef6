package deliver

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// textLine makes one line of running text harmless.
func textLine(line string) string {
	line = strings.TrimSuffix(line, "\\") // a line break; alone it would escape what follows
	rest := strings.TrimLeft(line, " \t")
	w := &lineWriter{}
	w.b.WriteString(line[:len(line)-len(rest)])
	if m := task.FindString(rest); m != "" {
		w.b.WriteString(m)
		rest = rest[len(m):]
	}
	for rest != "" {
		before, code, after, ok := cutCode(rest)
		w.text(before)
		if ok {
			w.code(code)
		}
		rest = after
	}
	return commands(w.b.String())
}

// task is the start of an item in a task list, the one use of brackets that is
// not a link.
var task = regexp.MustCompile(`^(?:[-*+]|\d{1,9}[.)]) \[[ xX]\] `)

// cutCode cuts at the first code span that begins and ends on this line.
func cutCode(line string) (before, code, after string, ok bool) {
	for i := 0; i < len(line); {
		switch line[i] {
		case '\\':
			i += 2 // an escaped backtick opens nothing
		case '`':
			n := backticks(line[i:])
			if end := closing(line[i+n:], n); end >= 0 {
				return line[:i], span(line[i+n : i+n+end]), line[i+n+end+n:], true
			}
			i += n
		default:
			i++
		}
	}
	return line, "", "", false
}

// backticks counts the backticks that text begins with.
func backticks(text string) int { return len(text) - len(strings.TrimLeft(text, "`")) }

// closing finds a run of exactly n backticks.
func closing(text string, n int) int {
	for i := 0; i < len(text); {
		if text[i] != '`' {
			i++
			continue
		}
		m := backticks(text[i:])
		if m == n {
			return i
		}
		i += m
	}
	return -1
}

// span removes the one space that CommonMark removes at either end.
func span(code string) string {
	if len(code) > 2 && code[0] == ' ' && code[len(code)-1] == ' ' && strings.TrimSpace(code) != "" {
		return code[1 : len(code)-1]
	}
	return code
}

// A lineWriter writes Markdown that can be read in one way only. Every
// backslash in it belongs to an escape, every backtick outside an escape to a
// code span on the same line.
type lineWriter struct{ b strings.Builder }

// code writes a code span.
func (w *lineWriter) code(text string) {
	text = unnamed(text)
	if text == "" {
		return
	}
	if strings.HasSuffix(w.b.String(), "`") {
		w.b.WriteByte(' ') // two spans that touch would be one
	}
	if strings.Contains(text, "|") {
		w.b.WriteString("<code>" + entities(text) + "</code>") // a bar ends a table's cell, also in a code span
		return
	}
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if text[0] == '`' || text[len(text)-1] == '`' || (text[0] == ' ' && text[len(text)-1] == ' ' && strings.TrimSpace(text) != "") {
		text = " " + text + " "
	}
	w.b.WriteString(fence + text + fence)
}

// entities writes every character that could mean something as a number.
func entities(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && !isWord(byte(r)) && r != ' ' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// What is recognised at a place in running text. The patterns are anchored.
var (
	image     = regexp.MustCompile(`^!\[([^\[\]]{0,300})\]\(\s*<?([^()<>\s]*)>?(?:\s+(?:"[^"]{0,300}"|'[^']{0,300}'))?\s*\)`)
	link      = regexp.MustCompile(`^\[([^\[\]]{1,300})\]\(\s*<?([^()<>\s]+)>?(?:\s+(?:"[^"]{0,300}"|'[^']{0,300}'))?\s*\)`)
	address   = regexp.MustCompile("^(?i:https?|ftp|mailto|xmpp):[^\\s<>\"`|\\[\\]\\\\]+")
	www       = regexp.MustCompile("^(?i:www)\\.[^\\s<>\"`|\\[\\]\\\\]+")
	mention   = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	commit    = regexp.MustCompile(`^@[0-9a-f]{7,64}\b`)
	reference = regexp.MustCompile(`^#[0-9]+`)
	ghRef     = regexp.MustCompile(`^(?i:gh)-[0-9]+`)
	lgtm      = regexp.MustCompile(`^(?i:lgtm)\b`)
	tags      = regexp.MustCompile(`(?i:</?(?:b|i|em|strong|sub|sup|kbd|details|summary|br|p|hr)\s*/?>)`)
)

// clean resolves character references and removes formatting tags, which are
// not worth showing as text, until none are left.
func clean(s string) string {
	s = strings.ReplaceAll(decoded(s), "\n", " ")
	for range 8 {
		next := tags.ReplaceAllLiteralString(s, "")
		if next == s {
			break
		}
		s = next
	}
	if bare := unescaped(s); Redact(bare) != bare {
		s = Redact(bare)
	}
	return s
}

// unescaped removes the backslashes of escapes.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && isPunct(s[i+1]) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// text writes running text without code spans.
func (w *lineWriter) text(s string) { w.plain(clean(s)) }

// plain writes clean text.
func (w *lineWriter) plain(s string) {
	for s != "" {
		n := w.token(s, w.last())
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s)
			w.literal(s[:n], s[n:])
		}
		s = s[n:]
	}
}

// last is the character before, as it was written; after code it is none of a
// word, as GitHub looks for mentions in each piece of text by itself.
func (w *lineWriter) last() byte {
	if w.b.Len() == 0 {
		return 0
	}
	return w.b.String()[w.b.Len()-1]
}

// token writes what stands at the start of s if it means something, and says
// how long it is.
func (w *lineWriter) token(s string, before byte) int {
	switch c := s[0]; {
	case c == '\\':
		return w.backslash(s)
	case c == '!':
		return w.picture(s)
	case c == '[':
		return w.link(s)
	case c == '@' && isAlnum(before): // not a mention, but OWNER/REPO@COMMIT is a reference
		return w.coded(s, commit)
	case c == '@':
		return w.coded(s, mention)
	case c == '#':
		return w.coded(s, reference)
	case c == '~':
		return w.tildes(s)
	case isAlpha(c) && !isAlpha(before):
		return w.word(s)
	}
	return 0
}

// link writes a link's text and, as code, where it leads.
func (w *lineWriter) link(s string) int {
	m := link.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	if c := w.last(); isAlnum(c) || strings.IndexByte("@#-./:_&", c) >= 0 {
		w.b.WriteByte(' ') // or the text would complete what stands before it
	}
	w.plain(m[1])
	w.b.WriteString(" (")
	w.code(m[2])
	w.b.WriteString(")")
	return len(m[0])
}

// picture writes an image's description and, as code, its address.
func (w *lineWriter) picture(s string) int {
	m := image.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	w.b.WriteString("(image: ")
	w.plain(m[1])
	w.b.WriteString(" ")
	w.code(m[2])
	w.b.WriteString(")")
	return len(m[0])
}

// word writes addresses, and words that bots listen to.
func (w *lineWriter) word(s string) int {
	for _, p := range []*regexp.Regexp{address, www, ghRef} {
		if n := w.coded(s, p); n > 0 {
			return n
		}
	}
	if m := lgtm.FindString(s); m != "" {
		fmt.Fprintf(&w.b, "&#%d;%s", m[0], m[1:])
		return len(m)
	}
	return 0
}

// coded writes a match as a code span. What ends a sentence ends an address.
func (w *lineWriter) coded(s string, p *regexp.Regexp) int {
	m := strings.TrimRight(p.FindString(s), ".,;:!?'*_~)")
	if m == "" {
		return 0
	}
	w.code(m)
	return len(m)
}

// backslash writes an escape as an escape and a backslash as one. Before what
// is made harmless here it is dropped: it would escape our own marks.
func (w *lineWriter) backslash(s string) int {
	if len(s) == 1 || !isPunct(s[1]) {
		w.b.WriteString(`\\`)
		return 1
	}
	switch s[1] {
	case '@', '<', '[', ']', '`', '$', '!', '&':
		return 1
	case '#':
		if reference.MatchString(s[1:]) {
			return 1
		}
	}
	w.b.WriteString(s[:2])
	return 2
}

// tildes escapes a run that could open a fence.
func (w *lineWriter) tildes(s string) int {
	n := len(s) - len(strings.TrimLeft(s, "~"))
	if n < 3 {
		w.b.WriteString(s[:n])
		return n
	}
	w.b.WriteString(strings.Repeat(`\~`, n))
	return n
}

// literal writes one character that means nothing by itself. An ampersand
// before anything but a space could become a character reference.
func (w *lineWriter) literal(c, after string) {
	switch {
	case c == "<":
		w.b.WriteString("&lt;")
	case c == "[", c == "]", c == "`", c == "$":
		w.b.WriteString(`\` + c)
	case c == "&" && after != "" && after[0] != ' ':
		w.b.WriteString("&amp;")
	default:
		w.b.WriteString(c)
	}
}

func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isAlnum(c byte) bool { return isAlpha(c) || c >= '0' && c <= '9' }

func isWord(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// isPunct reports what a backslash escapes in Markdown.
func isPunct(c byte) bool { return c > ' ' && c < 0x7f && !isAlnum(c) }
