package rule

import (
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// eventFields is what rules see as event. The names in the tags are the names
// in rules.
type eventFields struct {
	// ID is the sender's own id of the delivery; empty where it has none.
	ID      string    `cel:"id"`
	Source  string    `cel:"source"`
	Type    string    `cel:"type"`
	Subject string    `cel:"subject"`
	Hook    string    `cel:"hook"`
	Time    time.Time `cel:"time"` // the sender's, or when it was received
}

// Bounds of an expression, far above what people write.
const (
	maxSource  = 16 << 10 // characters
	maxNesting = 60
	maxRegex   = 2000 // instructions of the compiled pattern
)

// environment is what rules can name. It never changes, and building it takes
// milliseconds, so all rules share one.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(append(textLibrary(),
		cel.Types(cel.NativeTypeFor[eventFields](cel.NativeTypeAlias("event.Event"), types.ParseStructTags(true))),
		cel.Variable("event", cel.ObjectType("event.Event")),
		cel.Variable("payload", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("query", cel.MapType(cel.StringType, cel.StringType)),
		cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxNesting),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals()),
		ext.Bindings(),
	)...)
})
