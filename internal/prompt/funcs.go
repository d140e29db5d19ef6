package prompt

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/forebayhq/forebay/internal/payload"
)

// functions are what authors may call. A result that holds data is data.
//
//	json x            as JSON on one line; jsonIndent x on several
//	truncate 200 x    the first 200 characters, with a note of what is missing
//	lines 20 x        the first 20 lines, likewise
//	default "none" x  x, or "none" if x is missing, null or empty
//	join ", " list    the elements with something between them
//	upper, lower, trim, contains "part" x, hasPrefix "a" x, hasSuffix "z" x
//	replace "old" "new" x
//	index x 0 "name"  an element or member
//	len x, printf "%s: %d" x y
//	and, or, not, eq, ne, lt, le, gt, ge
func functions() template.FuncMap {
	return template.FuncMap{
		"and": placeholder, "or": placeholder, // for the parser alone; see compile
		"not": func(x any) bool { return !truth(x) },
		"eq":  equal,
		"ne":  func(a, b any) (bool, error) { same, err := equal(a, b); return !same, err },
		"lt":  func(a, b any) (bool, error) { c, err := compare(a, b); return c < 0, err },
		"le":  func(a, b any) (bool, error) { c, err := compare(a, b); return c <= 0, err },
		"gt":  func(a, b any) (bool, error) { c, err := compare(a, b); return c > 0, err },
		"ge":  func(a, b any) (bool, error) { c, err := compare(a, b); return c >= 0, err },

		"json":       func(x any) (any, error) { return toJSON(x, "") },
		"jsonIndent": func(x any) (any, error) { return toJSON(x, "  ") },
		"truncate":   truncate,
		"lines":      lines,
		"default":    orDefault,
		"join":       join,
		"index":      index,
		"len":        length,
		"printf":     format,
		"upper":      onText(strings.ToUpper),
		"lower":      onText(strings.ToLower),
		"trim":       onText(strings.TrimSpace),
		"contains":   testText(strings.Contains),
		"hasPrefix":  testText(strings.HasPrefix),
		"hasSuffix":  testText(strings.HasSuffix),
		"replace":    replace,
	}
}

func placeholder() string { return "" }

// hooks are what the rewriter adds.
func hooks(print printer) template.FuncMap {
	return template.FuncMap{
		"field": field, "items": items, "pairs": pairs, "some": some,
		"emit": func(x any) (string, error) { return emit(x, print) },
	}
}

// field returns the value at a path of names.
func field(x any, names ...string) (any, error) {
	for _, name := range names {
		d, ok := x.(*datum)
		if !ok {
			return nil, &Error{Code: CodeFailed, Message: fmt.Sprintf("%q is asked of %s, which has no fields", name, kindOf(x))}
		}
		if err := d.run.charge(0); err != nil {
			return nil, err
		}
		x = d.member(name)
	}
	return x, nil
}

func kindOf(x any) string {
	switch x.(type) {
	case string:
		return "a text"
	case int64, int, float64:
		return "a number"
	case bool:
		return "true or false"
	case nil:
		return "nothing"
	}
	return "a value"
}

// some returns x if it counts as true, and otherwise nil, which does not.
func some(x any) any {
	if truth(x) {
		return x
	}
	return nil
}

func truth(x any) bool {
	if d, ok := x.(*datum); ok {
		return d.truth()
	}
	yes, _ := template.IsTrue(x)
	return yes
}

// items yields the elements of a list, or the values of an object.
func items(x any) (iter.Seq[any], error) {
	all, err := pairs(x)
	if err != nil {
		return nil, err
	}
	return func(yield func(any) bool) {
		for _, v := range all {
			if !yield(v) {
				return
			}
		}
	}, nil
}

// pairs yields index and element of a list, or name and value of an object. A
// missing or null value is an empty list.
func pairs(x any) (iter.Seq2[any, any], error) {
	d, ok := x.(*datum)
	if !ok {
		return nil, &Error{Code: CodeFailed, Message: "range needs a list or an object, and this is " + kindOf(x)}
	}
	switch v := d.v.(type) {
	case absent:
		return nil, v()
	case string, Source:
		return nil, &Error{Code: CodeFailed, Message: "range needs a list or an object, and " + attribute(d.path) + " is a text"}
	}
	return func(yield func(any, any) bool) {
		for key, v := range d.elements() {
			if d.run.charge(0) != nil || !yield(key, v) { // Render sees that nothing is left
				return
			}
		}
	}, nil
}

// elements yields the elements or members of d in a fixed order. Names that the
// sender chose are not made part of a path, which stands outside the data.
func (d *datum) elements() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		name := func(s string) any { return d.run.wrap(s, d.path+"[name]") }
		switch v := d.v.(type) {
		case payload.Value:
			for key, member := range v.Members() {
				if !yield(name(key), d.run.wrap(member, d.path+"[*]")) {
					return
				}
			}
			i := 0
			for element := range v.Elements() {
				if !yield(int64(i), d.run.wrap(element, d.at(i))) {
					return
				}
				i++
			}
		case []any:
			for i, element := range v {
				if !yield(int64(i), d.run.wrap(element, d.at(i))) {
					return
				}
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if !yield(name(key), d.run.wrap(v[key], d.path+"[*]")) {
					return
				}
			}
		case Document:
			(&datum{run: d.run, path: d.path, v: v.Fields}).elements()(yield)
		}
	}
}

func (d *datum) at(i int) string { return d.path + "[" + strconv.Itoa(i) + "]" }

// index returns an element or member, like text/template's.
func index(x any, keys ...any) (any, error) {
	for _, key := range keys {
		d, ok := x.(*datum)
		if !ok {
			return nil, &Error{Code: CodeFailed, Message: "index needs a list or an object, and this is " + kindOf(x)}
		}
		if err := d.run.charge(0); err != nil {
			return nil, err
		}
		switch k := key.(type) {
		case int:
			x = d.element(k)
		case int64:
			x = d.element(int(k))
		case float64:
			x = d.element(int(k))
		default:
			name, chosen, err := textOf(key)
			if err != nil {
				return nil, err
			}
			x = d.member(name)
			if m, ok := x.(*datum); ok && m != d && chosen != nil {
				m.path = d.path + "[*]"
			}
		}
	}
	return x, nil
}

func (d *datum) element(i int) any {
	switch v := d.v.(type) {
	case payload.Value:
		d.run.scan(v)
		d.run.left -= max(i, 0) / 32
		if element, ok := v.Index(i); ok {
			return d.run.wrap(element, d.at(i))
		}
	case []any:
		if i >= 0 && i < len(v) {
			return d.run.wrap(v[i], d.at(i))
		}
	}
	return d.run.wrap(absent(func() *Error {
		return &Error{Code: CodeFailed, Message: fmt.Sprintf("there is no element %d in %s", i, attribute(d.path)),
			Hint: "test it first: {{ if gt (len .x) " + strconv.Itoa(max(i, 0)) + " }}"}
	}), d.at(i))
}

// textOf returns x as a text, and the datum that makes the text data.
func textOf(x any) (string, *datum, error) {
	switch v := x.(type) {
	case *datum:
		text, _, err := v.text()
		return text, v, err
	case string:
		return v, nil, nil
	case nil:
		return "", nil, nil
	}
	return scalarText(x), nil, nil
}

func scalarText(x any) string {
	switch v := x.(type) {
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(x)
}

// like marks a text as data if it was made of data.
func like(d *datum, text string) any {
	if d == nil {
		return text
	}
	if d.run.charge(len(text)) != nil {
		return d.run.wrap(absent(exhausted), d.path)
	}
	switch d.v.(type) {
	case Source, Document:
		return d.run.wrap(Source(text), d.path)
	}
	return d.run.wrap(text, d.path)
}

func toJSON(x any, indent string) (any, error) {
	d, ok := x.(*datum)
	if !ok {
		b, err := json.MarshalIndent(x, "", indent)
		return string(b), err
	}
	text, err := d.json(indent)
	if err != nil {
		return nil, err
	}
	return d.run.wrap(Source(text), d.path), nil
}

// truncate keeps the first n characters.
func truncate(n int, x any) (any, error) {
	text, d, err := textOf(x)
	if err != nil {
		return nil, err
	}
	end := 0
	for range max(n, 0) {
		if end >= len(text) {
			break
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	if end >= len(text) {
		return like(d, text), nil
	}
	return like(d, text[:end]+"\n["+count(utf8.RuneCountInString(text[end:]), "character")+" left out]"), nil
}

// lines keeps the first n lines.
func lines(n int, x any) (any, error) {
	text, d, err := textOf(x)
	if err != nil {
		return nil, err
	}
	end := 0
	for range max(n, 0) {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			return like(d, text), nil
		}
		end += i + 1
	}
	if end == len(text) {
		return like(d, text), nil
	}
	left := strings.Count(strings.TrimSuffix(text[end:], "\n"), "\n") + 1
	return like(d, text[:end]+"["+count(left, "line")+" left out]"), nil
}

func orDefault(other, x any) any {
	if d, ok := x.(*datum); ok && !d.truth() {
		return other
	}
	if x == nil || x == "" {
		return other
	}
	return x
}

func join(separator string, x any) (any, error) {
	d, ok := x.(*datum)
	if !ok {
		return nil, &Error{Code: CodeFailed, Message: "join needs a list, and this is " + kindOf(x)}
	}
	all, err := items(x)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	first := true
	for v := range all {
		text, _, err := textOf(v)
		if err != nil {
			return nil, err
		}
		if !first {
			b.WriteString(separator)
		}
		first = false
		b.WriteString(text)
		if b.Len() > maxOutput {
			return nil, tooBig(attribute(d.path) + " is too long to be joined")
		}
	}
	return like(d, b.String()), nil
}

func length(x any) (int64, error) {
	if d, ok := x.(*datum); ok {
		if a, missing := d.v.(absent); missing {
			return 0, a()
		}
		if n, ok := d.size(); ok {
			return int64(n), nil
		}
	}
	if s, ok := x.(string); ok {
		return int64(utf8.RuneCountInString(s)), nil
	}
	return 0, &Error{Code: CodeFailed, Message: "len needs a text, a list or an object, and this is " + kindOf(x)}
}

// format is fmt.Sprintf; the result is data if an argument is.
func format(layout string, args ...any) (any, error) {
	var from *datum
	if len(layout) > 10_000 || wideVerb(layout) {
		return nil, &Error{Code: CodeFailed, Message: "printf takes widths of at most 99, and its arguments in their order", Hint: "use truncate for long texts"}
	}
	for i, arg := range args {
		if d, ok := arg.(*datum); ok {
			text, _, err := textOf(d)
			if err != nil {
				return nil, err
			}
			args[i] = text
			if from == nil {
				from = d
			}
		}
	}
	return like(from, fmt.Sprintf(layout, args...)), nil
}

// wideVerb reports whether a layout asks for a width of three digits or more, for
// one out of its arguments, or for an argument by its number, hence repeatedly.
func wideVerb(layout string) bool {
	digits := 0
	inVerb := false
	for _, r := range layout {
		switch {
		case r == '%':
			inVerb, digits = !inVerb, 0
		case inVerb && (r == '*' || r == '['):
			return true
		case inVerb && r >= '0' && r <= '9':
			if digits++; digits > 2 {
				return true
			}
		case inVerb && r != '.' && !strings.ContainsRune("+-# ", r):
			inVerb = false
		case inVerb && r == '.':
			digits = 0
		}
	}
	return false
}

func onText(f func(string) string) func(any) (any, error) {
	return func(x any) (any, error) {
		text, d, err := textOf(x)
		if err != nil {
			return nil, err
		}
		return like(d, f(text)), nil
	}
}

func testText(f func(text, part string) bool) func(part, x any) (bool, error) {
	return func(part, x any) (bool, error) {
		p, _, err := textOf(part)
		if err != nil {
			return false, err
		}
		text, _, err := textOf(x)
		return f(text, p), err
	}
}

func replace(old, with string, x any) (any, error) {
	text, d, err := textOf(x)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(text, old); len(text)+n*(len(with)-len(old)) > maxOutput {
		return nil, tooBig("replace makes a text longer than " + strconv.Itoa(maxOutput) + " bytes")
	}
	return like(d, strings.ReplaceAll(text, old, with)), nil
}
