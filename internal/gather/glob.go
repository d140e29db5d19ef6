package gather

import (
	"fmt"
	"regexp"
	"strings"
)

// A pattern matches paths in the manner of .gitignore and .gitattributes:
// a pattern without a slash matches the last element of a path, at any depth;
// one with a slash matches from the top; ** stands for any number of
// directories, * and ? stay within one; a slash at the end means all that is
// below. https://git-scm.com/docs/gitignore#_pattern_format
type pattern struct{ re *regexp.Regexp }

// CheckPattern reports whether a path pattern can be understood.
func CheckPattern(text string) error {
	_, err := compilePattern(text)
	return err
}

func compilePattern(text string) (pattern, error) {
	const most = 500
	if text == "" || len(text) > most || strings.ContainsAny(text, "\x00\n") || strings.HasPrefix(text, "!") {
		return pattern{}, fmt.Errorf("%.60q is no path pattern: write docs/** or *.md", text)
	}
	p := strings.TrimSuffix(text, "/")
	if strings.Contains(p, "/") {
		p = strings.TrimPrefix(p, "/")
	} else if p != "**" {
		p = "**/" + p
	}
	if strings.HasSuffix(text, "/") {
		p += "/**"
	}
	re, err := regexp.Compile(`(?s)\A` + translate(p) + `\z`)
	if err != nil {
		return pattern{}, fmt.Errorf("%.60q is no path pattern: write docs/** or *.md", text)
	}
	return pattern{re: re}, nil
}

func (p pattern) match(path string) bool { return p.re.MatchString(path) }

// translate makes a regular expression of a pattern. Go's engine takes linear
// time, whatever the pattern.
func translate(p string) string {
	var b strings.Builder
	for p != "" {
		switch {
		case strings.HasPrefix(p, "**/"):
			b.WriteString(`(?:.*/)?`)
			p = p[3:]
			continue
		case strings.HasPrefix(p, "**"):
			b.WriteString(`.*`)
			p = p[2:]
			continue
		case p[0] == '*':
			b.WriteString(`[^/]*`)
		case p[0] == '?':
			b.WriteString(`[^/]`)
		case p[0] == '[' && strings.Contains(p[1:], "]"):
			end := 1 + strings.Index(p[1:], "]")
			class := strings.ReplaceAll(strings.Replace(p[1:end], "!", "^", 1), `\`, `\\`)
			b.WriteString("[" + strings.ReplaceAll(class, "[", `\[`) + "]")
			p = p[end+1:]
			continue
		case p[0] == '\\' && len(p) > 1:
			b.WriteString(regexp.QuoteMeta(p[1:2]))
			p = p[2:]
			continue
		default:
			b.WriteString(regexp.QuoteMeta(p[:1]))
		}
		p = p[1:]
	}
	return b.String()
}
