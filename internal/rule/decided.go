package rule

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Decided reports whether a rule of type Bool yields the same for every event,
// and what. It answers for what can be seen without an event ("true", "1 > 2",
// "false && payload.x"), not for everything that is so.
func Decided(src string) (value, decided bool) {
	env, err := environment()
	if err != nil {
		return false, false
	}
	ast, issues := env.Compile(src)
	if issues.Err() != nil {
		return false, false
	}
	program, err := env.Program(ast, cel.CostLimit(CostLimit), cel.EvalOptions(cel.OptPartialEval))
	if err != nil {
		return false, false
	}
	nothing, err := cel.PartialVars(map[string]any{}, cel.AttributePattern("event"), cel.AttributePattern("payload"),
		cel.AttributePattern("headers"), cel.AttributePattern("query"))
	if err != nil {
		return false, false
	}
	out, _, err := program.Eval(nothing)
	if err != nil {
		return false, false
	}
	b, ok := out.(types.Bool)
	return bool(b), ok
}
