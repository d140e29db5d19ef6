package rule

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
)

// Codes of an [Error].
const (
	CodeSyntax   = "rule_syntax"   // not a CEL expression
	CodeName     = "rule_name"     // a variable, field or function that does not exist
	CodeType     = "rule_type"     // operands or the result have the wrong type
	CodeError    = "rule_error"    // at run time: a missing field, a wrong operand
	CodeResult   = "rule_result"   // at run time: the result has the wrong type
	CodeCost     = "rule_cost"     // at run time: over CostLimit
	CodeInternal = "rule_internal" // the CEL environment cannot be built
)

// An Error says what is wrong with a rule, or with one evaluation of it.
type Error struct {
	Code string
	// Line and Column (both from 1, in characters) are a place inside the
	// expression; zero at run time.
	Line, Column int
	Message      string
	Hint         string // what to write instead; may be empty
}

// Error returns the code, the place, the message and the hint.
func (e *Error) Error() string {
	s := e.Code + ": "
	if e.Line > 0 {
		s += fmt.Sprintf("%d:%d: ", e.Line, e.Column)
	}
	s += e.Message
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

const (
	hintSyntax = `write an expression such as: event.type == "pull_request" && payload.action in ["opened", "reopened"]`
	hintNames  = "rules see event, payload, headers and query; a text needs quotes"
	hintFields = "event has id, source, type, subject, hook and time"
	hintTypes  = "compare values of one type; convert with string(...), int(...) or double(...)"
)

// compileError turns the first complaint of the compiler into an *Error. Later
// ones are mostly consequences of it.
func compileError(src string, issues *cel.Issues) *Error {
	all := slices.Clone(issues.Errors())
	slices.SortStableFunc(all, func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	if len(all) == 0 {
		return &Error{Code: CodeSyntax, Line: 1, Column: 1, Message: tidy(issues.Err().Error()), Hint: hintSyntax}
	}
	first := all[0]
	e := explain(src, first.Message)
	e.Line, e.Column = max(1, first.Location.Line()), max(1, first.Location.Column()+1)
	return e
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noField    = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'`)
)

// explain says in plain words what the compiler said.
func explain(src, message string) *Error {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return &Error{Code: CodeName, Message: fmt.Sprintf("unknown name %q", m[1]), Hint: nameHint(m[1])}
	}
	if m := noField.FindStringSubmatch(message); m != nil {
		return &Error{Code: CodeName, Message: fmt.Sprintf("event has no field %q", m[1]), Hint: hintFields}
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return &Error{Code: CodeType, Message: fmt.Sprintf("%s does not work on %s", operator(m[1]), m[2]), Hint: hintTypes}
	}
	if strings.HasPrefix(message, "Syntax error:") {
		return &Error{Code: CodeSyntax, Message: tidy(message), Hint: syntaxHint(src)}
	}
	if strings.Contains(message, "limit") {
		return &Error{Code: CodeSyntax, Message: tidy(message), Hint: "write a shorter, flatter rule"}
	}
	return &Error{Code: CodeType, Message: tidy(message)}
}

func nameHint(name string) string {
	switch strings.ToLower(name) {
	case "and", "or", "not":
		return "write && for and, || for or, ! for not"
	case "header":
		return `write headers["x-name"]`
	case "body", "data", "json", "request":
		return "the decoded body is payload"
	case "format", "indexof", "quote", "reverse":
		return "functions over texts are size, startsWith, endsWith, contains, matches, " + strings.Join(textFunctions(), ", ")
	}
	return hintNames
}

// syntaxHint guesses which other language the author had in mind.
func syntaxHint(src string) string {
	switch {
	case strings.Contains(src, "==="):
		return "write == to compare"
	case strings.Contains(src, " and "), strings.Contains(src, " or "), strings.Contains(src, "not "):
		return "write && for and, || for or, ! for not"
	case strings.Contains(src, "{{"):
		return "a rule is an expression, not a template: write payload.action, without braces and leading dot"
	case singleEquals.MatchString(src):
		return "write == to compare"
	}
	return hintSyntax
}

var singleEquals = regexp.MustCompile(`[^=!<>]=[^=]`)

// operator turns CEL's internal name of an operator into what people write.
func operator(name string) string {
	name = strings.TrimPrefix(name, "@")
	switch name {
	case "_?_:_":
		return "?:"
	case "_[_]":
		return "[...]"
	}
	if trimmed := strings.Trim(name, "_"); trimmed != "" {
		return trimmed
	}
	return name
}

// runtimeError turns an evaluation's error into an *Error.
func runtimeError(err error) *Error {
	e := &Error{Code: CodeError, Message: tidy(err.Error())}
	switch {
	case strings.HasPrefix(e.Message, "no such key: "):
		e.Hint = "test with has(payload.x) first, or write payload.?x.orValue(\"\")"
	case e.Message == "no such overload":
		e.Message = "an operator or function met a value of the wrong type"
		e.Hint = hintTypes
	}
	return e
}

// tidy makes a message one short line: it may quote the payload.
func tidy(message string) string {
	const most = 200
	line, _, _ := strings.Cut(message, "\n")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, line)
	if runes := []rune(line); len(runes) > most {
		line = string(runes[:most]) + "..."
	}
	return strings.TrimPrefix(strings.TrimPrefix(line, "ERROR: "), "Syntax error: ")
}
