package rule

import (
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// The functions over texts are named and behave as in cel-go's extension
// library "strings". They are not taken from there, since those charge for
// their work when it is done: one replace, join or format can make gigabytes of
// a payload, and one indexOf takes quadratic time. These take linear time, and
// refuse to make more than maxText bytes or maxPieces pieces.
const (
	maxText   = 1 << 20
	maxPieces = 10_000
)

// textFunctions are the names, for messages and for what they cost.
func textFunctions() []string {
	return []string{"lowerAscii", "upperAscii", "trim", "replace", "split", "join", "substring"}
}

func textLibrary() []cel.EnvOption {
	str, list, integer := cel.StringType, cel.ListType(cel.StringType), cel.IntType
	member := func(name, id string, result *cel.Type, args []*cel.Type, f func(args ...ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload(id, args, result, cel.FunctionBinding(f)))
	}
	return []cel.EnvOption{
		member("lowerAscii", "text_lower", str, []*cel.Type{str}, mapText(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		})),
		member("upperAscii", "text_upper", str, []*cel.Type{str}, mapText(func(r rune) rune {
			if r >= 'a' && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		})),
		member("trim", "text_trim", str, []*cel.Type{str}, func(args ...ref.Val) ref.Val {
			return types.String(strings.TrimFunc(string(args[0].(types.String)), unicode.IsSpace))
		}),
		member("replace", "text_replace", str, []*cel.Type{str, str, str}, replace),
		member("split", "text_split", list, []*cel.Type{str, str}, split),
		member("join", "list_join_text", str, []*cel.Type{list}, join),
		member("join", "list_join_text_text", str, []*cel.Type{list, str}, join),
		member("substring", "text_from", str, []*cel.Type{str, integer}, substring),
		member("substring", "text_from_to", str, []*cel.Type{str, integer, integer}, substring),
	}
}

func mapText(f func(rune) rune) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val { return types.String(strings.Map(f, string(args[0].(types.String)))) }
}

func replace(args ...ref.Val) ref.Val {
	text, old, with := string(args[0].(types.String)), string(args[1].(types.String)), string(args[2].(types.String))
	if size := len(text) + strings.Count(text, old)*(len(with)-len(old)); size > max(maxText, len(text)) {
		return types.NewErr("replace makes more than %d bytes", maxText)
	}
	return types.String(strings.ReplaceAll(text, old, with))
}

func split(args ...ref.Val) ref.Val {
	text, separator := string(args[0].(types.String)), string(args[1].(types.String))
	if strings.Count(text, separator) >= maxPieces {
		return types.NewErr("split makes more than %d pieces", maxPieces)
	}
	return types.NewStringList(types.DefaultTypeAdapter, strings.Split(text, separator))
}

func join(args ...ref.Val) ref.Val {
	separator := ""
	if len(args) > 1 {
		separator = string(args[1].(types.String))
	}
	var b strings.Builder
	first := true
	for it := args[0].(traits.Lister).Iterator(); it.HasNext() == types.True; {
		piece, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("join needs a list of texts")
		}
		if b.Len()+len(separator)+len(piece) > maxText {
			return types.NewErr("join makes more than %d bytes", maxText)
		}
		if !first {
			b.WriteString(separator)
		}
		first = false
		b.WriteString(string(piece))
	}
	return types.String(b.String())
}

// substring cuts by characters.
func substring(args ...ref.Val) ref.Val {
	text, from, to := string(args[0].(types.String)), int64(args[1].(types.Int)), int64(-1)
	if len(args) > 2 {
		to = int64(args[2].(types.Int))
		if to < from {
			return types.NewErr("index out of range: %d", to)
		}
	}
	start, end, n := -1, len(text), int64(0)
	for i := range text {
		if n == from {
			start = i
		}
		if n == to {
			end = i
			break
		}
		n++
	}
	if n == from && start < 0 {
		start = len(text)
	}
	if start < 0 || to > n {
		return types.NewErr("index out of range: %d", max(from, to))
	}
	return types.String(text[start:end])
}
