package gather

import "strings"

// attributes are the rules of a .gitattributes file that say what is generated
// or vendored. https://github.com/github-linguist/linguist/blob/main/docs/overrides.md
type attributes []attribute

type attribute struct {
	pattern  pattern
	reason   reason // generated or vendored
	assigned bool   // set or unset
}

const maxAttributes = 2000

// parseAttributes reads what it understands and passes over the rest.
func parseAttributes(text string) (rules attributes) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") || len(rules) >= maxAttributes {
			continue
		}
		for _, f := range fields[1:] {
			why, set, ok := parseAttribute(f)
			if !ok {
				continue
			}
			if p, err := compilePattern(fields[0]); err == nil {
				rules = append(rules, attribute{pattern: p, reason: why, assigned: set})
			}
		}
	}
	return rules
}

// parseAttribute reads name, -name, name=true and name=false.
func parseAttribute(f string) (why reason, set, ok bool) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(f, "-"), "=")
	set = !strings.HasPrefix(f, "-") && (!hasValue || value == "true" || value == "1")
	switch name {
	case "linguist-generated":
		return generated, set, true
	case "linguist-vendored":
		return vendored, set, true
	}
	return "", false, false
}

// says returns what the rules say about a path: the last that matches wins.
// known is false if none says anything about that reason.
func (a attributes) says(path string, why reason) (set, known bool) {
	for _, rule := range a {
		if rule.reason == why && rule.pattern.match(path) {
			set, known = rule.assigned, true
		}
	}
	return set, known
}
