// Package rule compiles the CEL rules of a configuration: match, coalesce keys
// and routes. Rules see event, payload, headers and query.
//
// Rules are compiled and type-checked when the configuration is loaded, and
// their cost is limited when they run. It must never let a rule do I/O, see a
// secret, or take the process with it.
package rule

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// A Type is what a rule must yield.
type Type int

// The types of rules.
const (
	Bool   Type = iota // match, when
	String             // keys
)

// CostLimit bounds one evaluation, in CEL's cost units: about one for each
// operation, field and ten bytes of text. A rule that spends all of it takes
// some 20 ms; a usual one spends less than a hundred units.
const CostLimit = 300_000

// timeLimit bounds an evaluation with loops in case a step is dearer than its
// cost says.
const timeLimit = time.Second

// A Rule is one compiled expression. It is safe for concurrent use.
type Rule struct {
	want    Type
	program cel.Program
	loops   bool
}

// Compile compiles an expression that must yield want. The error is an *Error
// with the place inside the expression.
func Compile(src string, want Type) (*Rule, error) {
	env, err := environment()
	if err != nil {
		return nil, &Error{Code: CodeInternal, Message: err.Error()}
	}
	if strings.TrimSpace(src) == "" {
		return nil, &Error{Code: CodeSyntax, Line: 1, Column: 1, Message: "the rule is empty", Hint: hintSyntax}
	}
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, compileError(src, issues)
	}
	if err := lint(ast); err != nil {
		return nil, err
	}
	if err := checkType(ast.OutputType(), want); err != nil {
		return nil, err
	}
	program, err := env.Program(ast, cel.CostLimit(CostLimit), cel.CostTracking(costs{}),
		cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(16))
	if err != nil {
		return nil, &Error{Code: CodeSyntax, Line: 1, Column: 1, Message: err.Error(), Hint: hintSyntax}
	}
	return &Rule{want: want, program: program, loops: hasLoop(ast)}, nil
}

// Bool evaluates a rule of type Bool. The error is an *Error: a field that is
// not there, an operation on the wrong type, a cost over the limit. Whether
// that means "not matched" is the caller's decision.
func (r *Rule) Bool(in *Input) (bool, error) {
	out, err := r.eval(in)
	if err != nil {
		return false, err
	}
	if b, ok := out.(types.Bool); ok {
		return bool(b), nil
	}
	return false, &Error{Code: CodeResult, Message: "the rule yields " + typeName(out) + ", not true or false",
		Hint: `compare it: payload.x == "value"`}
}

// String evaluates a rule of type String. Whole numbers, other numbers and
// bools are taken in their usual notation. The error is an *Error.
func (r *Rule) String(in *Input) (string, error) {
	out, err := r.eval(in)
	if err != nil {
		return "", err
	}
	switch v := out.(type) {
	case types.String:
		return string(v), nil
	case types.Int:
		return strconv.FormatInt(int64(v), 10), nil
	case types.Uint, types.Double, types.Bool:
		if s, ok := out.ConvertToType(types.StringType).(types.String); ok {
			return string(s), nil
		}
	}
	return "", &Error{Code: CodeResult, Message: "the rule yields " + typeName(out) + ", not a text",
		Hint: "join texts with +, and wrap other values in string(...)"}
}

func (r *Rule) eval(in *Input) (ref.Val, error) {
	var out ref.Val
	var err error
	if r.loops {
		ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
		defer cancel()
		out, _, err = r.program.ContextEval(ctx, in)
	} else {
		out, _, err = r.program.Eval(in)
	}
	if err == nil {
		return out, nil
	}
	_, stopped := errors.AsType[interpreter.EvalCancelledError](err)
	if stopped || errors.Is(err, context.DeadlineExceeded) {
		return nil, &Error{Code: CodeCost, Message: "the rule costs more than " + strconv.Itoa(CostLimit) + " steps on this event",
			Hint: "avoid loops inside loops over lists of the payload"}
	}
	return nil, runtimeError(err)
}

// typeName is the name of a value's type in the words of JSON.
func typeName(v ref.Val) string {
	switch v.Type() {
	case types.StringType:
		return "a text"
	case types.IntType, types.UintType, types.DoubleType:
		return "a number"
	case types.BoolType:
		return "true or false"
	case types.NullType:
		return "null"
	case types.ListType:
		return "a list"
	case types.MapType:
		return "an object"
	}
	return "a " + v.Type().TypeName()
}
