package prompt

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/forebayhq/forebay/event"
)

// Bounds of a template and of one use of it.
const (
	maxTemplate = 1 << 20 // bytes of the template
	maxOutput   = 4 << 20 // bytes of the text; about a million tokens
	maxSteps    = 200_000 // fields looked up, rounds of loops, 256 bytes of text worked on
)

// A Template is a compiled template. It is safe for concurrent use.
type Template struct {
	name  string
	print printer
	main  *template.Template
}

// Data is what a template sees.
type Data struct {
	Event event.Event    // its payload must have passed payload.CheckEvent
	Parts map[string]any // the gathered parts by name
}

// A Text is what became of a template.
type Text struct {
	Text    string
	Removed Removed // from the data in it
}

// Compile compiles the template of a prompt. The parts are the names of the
// gathered parts that it may use besides event, payload, headers and query. The
// error is an *Error with its line.
func Compile(name, text string, parts ...string) (*Template, error) {
	return compile(name, text, printData, parts)
}

// CompileField compiles a template whose text is not for a model: a
// repository's name, a number, a URL out of the payload. Data is printed as it
// is; hidden characters in it are an error when it is used.
func CompileField(name, text string) (*Template, error) {
	return compile(name, text, printField, nil)
}

// Static returns the text of a template that is the same for every event, such
// as a system prompt. One that looks at the event is refused: the text before a
// cache breakpoint must not change.
func Static(name, text string) (string, error) {
	t, err := compile(name, text, printNothing, nil)
	if err != nil {
		return "", err
	}
	out, err := t.Render(Data{})
	return out.Text, err
}

func compile(name, text string, print printer, parts []string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, &Error{Code: CodeInvalid, Name: name, Message: "the template is longer than " + strconv.Itoa(maxTemplate) + " bytes"}
	}
	trees, err := parse.Parse(name, text, "", "", map[string]any(functions()))
	if err != nil {
		return nil, parseError(name, err)
	}
	if trees[name] == nil { // nothing but definitions, or nothing at all
		trees[name] = &parse.Tree{Name: name, Root: &parse.ListNode{NodeType: parse.NodeList}}
	}
	w := rewriter{name: name, text: text, print: print, roots: append([]string{"event", "payload", "headers", "query"}, parts...), trees: trees}
	if err := w.all(); err != nil {
		return nil, err
	}
	known := functions()
	delete(known, "and") // text/template's own stop early
	delete(known, "or")
	main := template.New(name).Funcs(known).Funcs(hooks(print))
	for _, tree := range trees {
		if _, err := main.AddParseTree(tree.Name, tree); err != nil {
			return nil, &Error{Code: CodeInvalid, Name: name, Message: err.Error()}
		}
	}
	return &Template{name: name, print: print, main: main}, nil
}

// Render fills the template in. The error is an *Error.
func (t *Template) Render(d Data) (Text, error) {
	r := &run{left: maxSteps}
	var b strings.Builder
	err := t.main.Execute(&bounded{w: &b}, r.root(d))
	if err == nil {
		err = r.spent()
	}
	if err != nil {
		return Text{}, t.executeError(err)
	}
	return Text{Text: b.String(), Removed: r.removed}, nil
}

// bounded is a writer that refuses more than maxOutput bytes.
type bounded struct {
	w    io.Writer
	size int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.size += len(p); b.size > maxOutput {
		return 0, tooBig("the text grew past " + strconv.Itoa(maxOutput) + " bytes")
	}
	return b.w.Write(p)
}

func tooBig(message string) *Error {
	return &Error{Code: CodeTooBig, Message: message, Hint: "shorten long values: {{ .payload.x | truncate 2000 }}"}
}

var (
	parsePlace = regexp.MustCompile(`^template: .*?:(\d+):(?:\d+:)? ?`)
	noFunction = regexp.MustCompile(`^function "([^"]*)" not defined`)
)

// parseError turns the parser's error into an *Error.
func parseError(name string, err error) *Error {
	e := &Error{Code: CodeInvalid, Name: name, Message: err.Error()}
	if m := parsePlace.FindStringSubmatch(e.Message); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = e.Message[len(m[0]):]
	}
	if m := noFunction.FindStringSubmatch(e.Message); m != nil {
		e.Message = fmt.Sprintf("unknown function %q", m[1])
		e.Hint = "fields start with a dot (.payload.x); functions are " + strings.Join(functionNames(), ", ")
	}
	return e
}

// executeError turns the error of an execution into an *Error.
func (t *Template) executeError(err error) *Error {
	e := &Error{Code: CodeFailed, Message: "the template cannot be filled in"}
	if typed, ok := errors.AsType[*Error](err); ok {
		e = typed
	} else if at := strings.LastIndex(err.Error(), ">: "); at >= 0 {
		e.Message = err.Error()[at+3:]
	}
	e.Name = t.name
	if m := parsePlace.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	return e
}

func functionNames() []string {
	var names []string
	for name := range functions() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
