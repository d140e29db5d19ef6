package work

import (
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/claude"
)

// escalate queues a job whose structured output is not what was asked for, to be
// answered by the next better model. The call that failed was paid for: it is
// settled with its usage, and counts as an attempt.
func (a *attempt) escalate(f event.Failure) (event.Settlement, bool) {
	next, ok := a.hook.above(a.job.Job.Model)
	if !ok || a.job.Job.Attempts >= a.hook.MaxAttempts {
		return event.Settlement{}, false
	}
	return a.goTo(next, "escalate: "+f.Code, f), true
}

// unfit reports whether a call failed because its structured output is no good,
// which a better model may mend.
func (a *attempt) unfit(code string) bool {
	if a.hook.Schema == nil {
		return false
	}
	switch code {
	case claude.CodeInvalidOutput, claude.CodeCutOutput, claude.CodeNoText:
		return true
	}
	return false
}
