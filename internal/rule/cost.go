package rule

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// costs charges what cel-go's own table leaves out. That table goes by the
// overload of a function, which the compiler knows only if it knows the types;
// for values out of the payload it does not, and joining two texts of a
// megabyte would cost 1. Objects and lists of the payload are charged by their
// bytes wherever all of them may be read.
type costs struct{}

// CallCost returns the cost of one call, or nil for cel-go's own.
func (costs) CallCost(function, overload string, args []ref.Val, result ref.Val) *uint64 {
	switch {
	case function == operators.Index || function == operators.OptIndex:
		return new(uint64(1))
	case overload == "", slices.Contains(textFunctions(), function), function == operators.Equals, function == operators.NotEquals, function == operators.In:
	default:
		return nil
	}
	total := uint64(10)
	for _, a := range args {
		total += sizeOf(a)
	}
	total += sizeOf(result)
	return new(total / 10)
}

// sizeOf is about the number of bytes of a value.
func sizeOf(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v))
	case types.Bytes:
		return uint64(len(v))
	case *object:
		return uint64(len(v.v.Raw()))
	case list:
		return uint64(v.bytes)
	case traits.Lister:
		n, _ := v.Size().(types.Int)
		return 10 * uint64(n)
	}
	return 0
}

// list is a JSON array as a CEL list, with the bytes that it has in the
// document.
type list struct {
	traits.Lister
	bytes int
}

// IsZeroValue reports whether the list is empty.
func (l list) IsZeroValue() bool { return l.Size() == types.IntZero }

// hasLoop reports whether an expression repeats anything. One that does not is
// over after as many steps as it has operators.
func hasLoop(a *cel.Ast) bool {
	found := false
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.ComprehensionKind
	}))
	return found
}
