package prompt

import (
	"strings"
	"unicode"
)

const tag = "untrusted"

// delimit puts a sanitised text between tags that say where it is from. A text
// of several lines gets lines of its own.
func delimit(text, from string, removed Removed) string {
	var b strings.Builder
	b.WriteString("<" + tag + ` from="` + attribute(from) + `"`)
	if removed.Any() {
		b.WriteString(` removed="` + removed.String() + `"`)
	}
	b.WriteByte('>')
	text = defuse(text)
	if strings.Contains(text, "\n") {
		b.WriteString("\n" + strings.TrimSuffix(text, "\n") + "\n")
	} else {
		b.WriteString(text)
	}
	b.WriteString("</" + tag + ">")
	return b.String()
}

// attribute makes a path fit for a tag: it can hold names out of the payload.
func attribute(path string) string {
	const most = 120
	path = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-[]", r):
			return r
		}
		return '_'
	}, path)
	if len(path) > most {
		path = path[:most]
	}
	return path
}

// defuse keeps a text from closing or opening the tag it stands in: in whatever
// looks like one, the bracket becomes &lt;.
func defuse(text string) string {
	lower := asciiLower(text)
	if !strings.Contains(lower, tag) {
		return text
	}
	var b strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(lower[at:], tag)
		if i < 0 {
			break
		}
		at += i
		if start, size := bracketBefore(text[done:at]); size > 0 {
			b.WriteString(text[done : done+start])
			b.WriteString("&lt;")
			done += start + size
		}
		at += len(tag)
	}
	b.WriteString(text[done:])
	return b.String()
}

// brackets are < and what looks like it.
var brackets = []string{"<", "\uFF1C", "\uFE64", "\u2039", "\u27E8", "\u3008", "\u276E", "\u02C2", "\u1438", "\u2329", "\u276C"}

// bracketBefore finds the bracket with which a text ends, slashes, spaces of all
// widths and marks after it left out.
func bracketBefore(text string) (start, size int) {
	text = strings.TrimRightFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune("/\\\uFF0F\u2044\u2215\u29F8!?", r)
	})
	for _, b := range brackets {
		if strings.HasSuffix(text, b) {
			return len(text) - len(b), len(b)
		}
	}
	return 0, 0
}

// asciiLower lowers ASCII letters alone, so that the length stays.
func asciiLower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
