package rule

import (
	"cmp"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// checkType refuses a result that can never be what the rule is for. A value
// out of the payload has a type only when the rule runs.
func checkType(got *cel.Type, want Type) error {
	if got.IsExactType(cel.DynType) {
		return nil
	}
	switch {
	case want == Bool && !got.IsExactType(cel.BoolType):
		return &Error{Code: CodeType, Line: 1, Column: 1, Message: fmt.Sprintf("the rule yields %s, not true or false", got),
			Hint: `compare it with something: event.type == "push"`}
	case want == String && !got.IsExactType(cel.StringType):
		return &Error{Code: CodeType, Line: 1, Column: 1, Message: fmt.Sprintf("the rule yields %s, not a text", got),
			Hint: "join texts with +, and wrap other values in string(...)"}
	}
	return nil
}

// lint refuses what compiles and yet cannot be meant.
func lint(a *cel.Ast) error {
	var found *Error
	native := a.NativeRep()
	ast.PostOrderVisit(native.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if found != nil {
			return
		}
		if found = cmp.Or(checkHeader(e), checkPattern(e)); found != nil {
			at := native.SourceInfo().GetStartLocation(e.ID())
			found.Line, found.Column = at.Line(), at.Column()+1
		}
	}))
	if found == nil {
		return nil
	}
	return found
}

// checkHeader refuses header names that cannot be there, since all of them are
// in lower case.
func checkHeader(e ast.Expr) *Error {
	name, ok := headerName(e)
	if !ok || name == strings.ToLower(name) {
		return nil
	}
	return &Error{Code: CodeName,
		Message: fmt.Sprintf("there is no header %q: names are in lower case", name),
		Hint:    fmt.Sprintf("write headers[%q]", strings.ToLower(name))}
}

// checkPattern refuses patterns that come out of the event: the sender would
// choose what they cost.
func checkPattern(e ast.Expr) *Error {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != overloads.Matches {
		return nil
	}
	args := e.AsCall().Args()
	if len(args) == 0 || args[len(args)-1].Kind() == ast.LiteralKind {
		return nil
	}
	return &Error{Code: CodeType, Message: "the pattern of matches(...) is not a constant text",
		Hint: `write the pattern in quotes: payload.x.matches("^v[0-9]+$")`}
}

// headerName returns the constant name in headers["name"], headers.name and
// "name" in headers.
func headerName(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		if isHeaders(e.AsSelect().Operand()) {
			return e.AsSelect().FieldName(), true
		}
	case ast.CallKind:
		call := e.AsCall()
		if len(call.Args()) != 2 {
			return "", false
		}
		left, right := call.Args()[0], call.Args()[1]
		switch call.FunctionName() {
		case operators.Index, operators.OptIndex:
			return literal(right), isHeaders(left)
		case operators.In:
			return literal(left), isHeaders(right)
		}
	}
	return "", false
}

func isHeaders(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "headers" }

func literal(e ast.Expr) string {
	if e.Kind() != ast.LiteralKind {
		return ""
	}
	s, _ := e.AsLiteral().(types.String)
	return string(s)
}
