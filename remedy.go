package forebay

import (
	"errors"

	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/gather"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// Remedy says what people can do about an error that [New], [NewPreview] or
// [CheckStore] returned: what the step that failed advises, else otherwise.
func Remedy(err error, otherwise string) string {
	hint := ""
	if e, ok := errors.AsType[*claude.Error](err); ok {
		hint = e.Hint
	} else if e, ok := errors.AsType[*gather.Error](err); ok {
		hint = e.Hint
	} else if e, ok := errors.AsType[*github.Error](err); ok {
		hint = e.Hint
	} else if e, ok := errors.AsType[*sqlite.OpenError](err); ok {
		hint = e.Remedy
	}
	if hint == "" {
		return otherwise
	}
	return hint
}
