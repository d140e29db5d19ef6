package deliver

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// escapeSequence is a terminal's: colours and the like.
var escapeSequence = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")

// visible removes what people cannot see: control characters, terminal
// sequences, and the format characters that hide, split or reorder text (zero
// width, bidirectional, tags, variation selectors beyond emoji). Lines end in
// "\n".
func visible(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = escapeSequence.ReplaceAllLiteralString(text, "")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r' || r == '\u2028' || r == '\u2029' || r == '\v' || r == '\f' || r == '\u0085':
			return '\n'
		case hidden(r):
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' ' // no-break and other spaces: what looks like a space is one
		}
		return r
	}, text)
}

// hidden reports characters without a face of their own.
func hidden(r rune) bool {
	switch {
	case r == '\uFE0F': // emoji presentation
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector):
		return true
	case r == '\u034F', r == '\u115F', r == '\u1160', r == '\u17B4', r == '\u17B5', r == '\u3164', r == '\uFFA0', r == '\u2800':
		return true // fillers and joiners that print as nothing
	case r >= 0xE0000 && r <= 0xE0FFF: // tags and their plane's unassigned neighbours
		return true
	}
	return false
}

// decoded resolves character references until there are none, so that &#64; and
// &amp;#64; are the character that GitHub would show.
func decoded(text string) string {
	for range 8 {
		next := html.UnescapeString(text)
		if next == text {
			break
		}
		text = next
	}
	return visible(text)
}
