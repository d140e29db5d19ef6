package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document parses data into the one mapping that a configuration is. It
// reports what keeps it from that and returns nil then.
func (d *decoder) document(data []byte) *yaml.Node {
	if line := invalidUTF8(data); line > 0 {
		d.syntax(line, 1, "this line is not UTF-8", "save the file as UTF-8")
		return nil
	}
	d.lines = strings.Split(string(data), "\n")
	root, ok := d.parse(data)
	switch {
	case !ok:
		return nil
	case root == nil:
		d.syntax(1, 1, "the file configures nothing", "write a configuration with: forebay init")
		return nil
	case root.Kind != yaml.MappingNode:
		d.syntax(root.Line, root.Column, "the file starts with "+kind(root), "write settings as key: value lines")
		return nil
	}
	d.refuseTricks(root)
	return root
}

// parse returns the content of the only document in data; nil if it is empty.
func (d *decoder) parse(data []byte) (root *yaml.Node, ok bool) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err == nil {
		err = dec.Decode(&next)
		if err == nil {
			d.syntax(next.Line, max(next.Column, 1), "a second document starts here", "keep one document: remove the line ---")
			return nil, false
		}
	}
	if !errors.Is(err, io.EOF) {
		d.syntaxError(data, err)
		return nil, false
	}
	if root = doc.Content[0]; isNull(root) {
		return nil, true
	}
	return root, true
}

// refuseTricks refuses anchors, aliases, merge keys and tags: they make one
// line mean what another says, and can blow a small file up without bound.
func (d *decoder) refuseTricks(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		d.trick(n, "aliases (*"+n.Value+") are not supported", "write the value out")
	case n.Anchor != "":
		d.trick(n, "anchors (&"+n.Anchor+") are not supported", "remove the anchor and write the value out where it is used")
	case n.Style&yaml.TaggedStyle != 0:
		d.trick(n, "tags ("+n.Tag+") are not supported", "remove the tag")
	}
	for _, child := range n.Content {
		d.refuseTricks(child)
	}
}

func (d *decoder) trick(n *yaml.Node, what, remedy string) {
	d.problem("", placeOf(n), what, remedy)
	if d.tricks == nil {
		d.tricks = map[*yaml.Node]bool{}
	}
	d.tricks[n] = true
}

var yamlError = regexp.MustCompile(`^yaml: (?:line \d+: )?(.*)$`)

// plainWords says in plainer words what the YAML parser's messages mean.
var plainWords = map[string][2]string{
	"did not find expected key":                      {"this line does not fit the ones above it", "indent it like its neighbours"},
	"did not find expected ',' or ']'":               {"a list [ is not closed", "close it with ], and separate its items with commas"},
	"did not find expected ',' or '}'":               {"a mapping { is not closed", "close it with }, and separate its settings with commas"},
	"mapping values are not allowed in this context": {"a colon stands where none can", "put a value that contains a colon in quotes, and indent the line like its neighbours"},
	"could not find expected ':'":                    {"a line without a colon", "write key: value"},
	"found unexpected end of stream":                 {"a quote is not closed", "close it"},
	"control characters are not allowed":             {"the file contains a control character", "remove it"},
}

// syntaxError reports what the YAML parser refused, in plainer words where the
// line shows a common mistake.
func (d *decoder) syntaxError(data []byte, err error) {
	what := err.Error()
	if m := yamlError.FindStringSubmatch(what); m != nil {
		what = m[1]
	}
	line := d.brokenLine(data)
	text := d.lines[line-1]
	if cause, remedy, column := commonMistake(text); cause != "" {
		d.syntax(line, column, cause, remedy)
		return
	}
	if plain, ok := plainWords[what]; ok {
		d.syntax(line, indent(text)+1, plain[0], plain[1])
		return
	}
	d.syntax(line, indent(text)+1, "the YAML is broken here: "+what, "check the indentation, the quotes and the brackets around this line")
}

// brokenLine returns the number of the line at which data stops being YAML: the
// one after the longest run of lines that is. (The parser's own messages name
// the start of the construct that it was in, often far above.) The search is
// bounded; past the bound the answer is the first line.
func (d *decoder) brokenLine(data []byte) int {
	const budget = 8 << 20 // bytes to parse
	for n, spent := len(d.lines)-1, 0; n > 0 && spent < budget; n-- {
		data = data[:bytes.LastIndexByte(data, '\n')]
		spent += len(data)
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err == nil {
			return n + 1
		}
	}
	return 1
}

var (
	unquotedVar  = regexp.MustCompile(`[\[{,:]\s*(\$\{[^}"']*\})`)
	unquotedTmpl = regexp.MustCompile(`:\s+(\{\{.*)$`)
	unquotedMark = regexp.MustCompile(`:\s+([@%` + "`" + `*&!][^\s]*)`)
)

// commonMistake recognises what people write most often when YAML refuses it.
func commonMistake(line string) (what, remedy string, column int) {
	if i := strings.IndexByte(line[:indent(line)], '\t'); i >= 0 {
		return "the line is indented with a tab", "indent with spaces", i + 1
	}
	inFlow := strings.ContainsAny(line, "{[")
	if m := unquotedVar.FindStringSubmatchIndex(line); m != nil && inFlow {
		v := line[m[2]:m[3]]
		return v + " stands unquoted inside brackets", "write \"" + v + "\"", m[2] + 1
	}
	if m := unquotedTmpl.FindStringSubmatchIndex(line); m != nil {
		return "a value that starts with {{ is not quoted", "put the whole value in quotes: '{{ ... }}'", m[2] + 1
	}
	if m := unquotedMark.FindStringSubmatchIndex(line); m != nil {
		return fmt.Sprintf("a value that starts with %q is not quoted", line[m[2]:m[2]+1]), "put the whole value in quotes", m[2] + 1
	}
	return "", "", 0
}

// indent returns how many blanks line starts with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// invalidUTF8 returns the number of the first line that is not UTF-8, or 0.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	n := 0
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		n++
		if !utf8.Valid(line) {
			return n
		}
	}
	return n
}

// kind names what n is, for messages.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case isNull(n):
		return "nothing"
	case n.ShortTag() == "!!bool":
		return "a truth value"
	case n.ShortTag() == "!!int", n.ShortTag() == "!!float":
		return "a number"
	default:
		return "text"
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
