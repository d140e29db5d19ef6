package prompt

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Removed counts what [Sanitize] took out of a text.
type Removed struct {
	Characters int // that people cannot see, and that are no usual part of a text
	Comments   int // HTML comments
}

// Any reports whether anything was removed.
func (r Removed) Any() bool { return r.Characters > 0 || r.Comments > 0 }

// Add adds o to r.
func (r *Removed) Add(o Removed) {
	r.Characters += o.Characters
	r.Comments += o.Comments
}

func (r Removed) since(before Removed) Removed {
	return Removed{Characters: r.Characters - before.Characters, Comments: r.Comments - before.Comments}
}

// String says it in words: "3 hidden characters, 1 comment".
func (r Removed) String() string {
	var parts []string
	if r.Characters > 0 {
		parts = append(parts, count(r.Characters, "hidden character"))
	}
	if r.Comments > 0 {
		parts = append(parts, count(r.Comments, "comment"))
	}
	return strings.Join(parts, ", ")
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Sanitize removes from a text what its human readers do not see: control,
// zero-width, bidirectional, tag and other invisible characters, variation
// selectors, and HTML comments. Line ends become \n, and bytes that are not
// UTF-8 become U+FFFD. Sanitizing twice changes nothing more.
//
// An HTML comment that never ends loses its opening mark and stays otherwise.
func Sanitize(text string) (string, Removed) {
	text, removed := visible(text)
	text, removed.Comments = uncomment(text)
	return text, removed
}

// SanitizeSource is Sanitize for source code and diffs: their readers see the
// markup, so comments are no hiding place, and they stay.
func SanitizeSource(text string) (string, Removed) { return visible(text) }

// visible removes invisible characters.
func visible(text string) (string, Removed) {
	if isPlain(text) {
		return text, Removed{}
	}
	var out strings.Builder
	out.Grow(len(text))
	var removed Removed
	var last rune
	for i, r := range text { // a stray byte yields U+FFFD
		switch {
		case r == '\r':
			if !strings.HasPrefix(text[i+1:], "\n") {
				out.WriteByte('\n')
			}
		case r == '\u2028' || r == '\u2029':
			out.WriteByte('\n')
		case !hidden(r):
			out.WriteRune(r)
		case !joins(r) || joins(last):
			removed.Characters++
		}
		last = r
	}
	return out.String(), removed
}

// isPlain reports whether a text has nothing to remove: printable ASCII, and
// what most other scripts use.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf {
			return isPlainUnicode(text[i:])
		} else if c == 0x7F || (c < ' ' && c != '\n' && c != '\t') {
			return false
		}
	}
	return true
}

func isPlainUnicode(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r == '\r' || r == '\u2028' || r == '\u2029' || hidden(r) {
			return false
		}
	}
	return true
}

// hidden reports whether a character leaves no mark when it is displayed.
func hidden(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || (r >= 0x7F && r < 0xA0): // control characters
		return true
	case r < 0xAD:
		return false
	case r == '\u2800', r == '\u3164', r == '\uFFA0', r == '\u115F', r == '\u1160': // blanks that are letters
		return true
	case r >= 0xE0000 && r <= 0xE0FFF: // tags, variation selectors, and what is unassigned among them
		return true
	case r >= 0xFFF0 && r <= 0xFFFB: // interlinear annotation, and what is unassigned before it
		return true
	case r&0xFFFE == 0xFFFE || (r >= 0xFDD0 && r <= 0xFDEF): // noncharacters
		return true
	}
	return (unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// joins reports whether an invisible character is a usual part of emoji and of
// some scripts. It is removed all the same, for it can carry a message, but a
// single one is no sign of an attempt to hide something.
func joins(r rune) bool {
	return r == '\u200C' || r == '\u200D' || r == '\uFE0E' || r == '\uFE0F' || r == '\u00AD'
}

// uncomment removes HTML comments, those too that come about by the removal of
// others.
func uncomment(text string) (string, int) {
	if !strings.Contains(text, "<!--") {
		return text, 0
	}
	out := make([]byte, 0, len(text))
	comments := 0
	ends := true // there may be an end ahead
	for len(text) > 0 {
		out = append(out, text[0])
		text = text[1:]
		if out[len(out)-1] != '-' || !strings.HasSuffix(string(out[max(0, len(out)-4):]), "<!--") {
			continue
		}
		out = out[:len(out)-4]
		comments++
		if !ends {
			continue
		}
		end := commentEnd(text)
		if ends = end >= 0; ends {
			text = text[end:]
		}
	}
	return string(out), comments
}

// commentEnd returns the index after the end of the comment that text is in, or
// -1. https://html.spec.whatwg.org/multipage/parsing.html#comment-start-state
func commentEnd(text string) int {
	for _, short := range []string{">", "->"} {
		if strings.HasPrefix(text, short) {
			return len(short)
		}
	}
	for at := 0; ; {
		i := strings.Index(text[at:], "--")
		if i < 0 {
			return -1
		}
		at += i
		switch rest := text[at+2:]; {
		case strings.HasPrefix(rest, ">"):
			return at + 3
		case strings.HasPrefix(rest, "!>"):
			return at + 4
		}
		at++
	}
}
