// Package governor decides which job may call Claude now, and tells every other
// one why not and until when.
//
// It is arithmetic and nothing else: no I/O, no clock, no goroutine. What it
// knows about a lane travels in the lane's row of the ledger ([event.Lane]), and
// every change is a pure function from row to row, applied inside a
// transaction; so any number of processes share one rate, and a restart forgets
// nothing. It must never reserve max_tokens (only what is produced counts
// against the limits, https://platform.claude.com/docs/en/api/rate-limits),
// block a lane for ever, or let one go without a bound, whatever a server sends.
//
// The path of a job through it: [Governor.Admit] grants, [Governor.Begun] takes
// the first event of the answer, [Governor.Charged] the text as it streams,
// [Governor.Settled] the end. A job that was granted and never called is
// [Governor.Released].
package governor

import (
	"errors"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/event"
)

const defaultInFlight = 64

// Options configure a Governor. Two governors that share a ledger must have the
// same.
type Options struct {
	// MaxInFlight is how many calls may be open at once, all lanes together.
	// Default 64.
	MaxInFlight int
	// Limits are the account's rates by lane. A rate that is zero is learned
	// from responses. A lower one that the API announces wins; a higher one
	// does not.
	Limits map[string]Limits
	// Budget bounds the money of all hooks together.
	Budget Budget
	// Worst returns the most that a call of a hook to a model can cost whose
	// prompt has at most input tokens; false if the price is not known. Such a
	// call reserves nothing and waits only for a budget that is used up. It must
	// be pure. nil: no price is known.
	Worst func(hook, model string, input int64, at time.Time) (event.NanoUSD, bool)
	// Ungated lets jobs of a cold prefix all write it instead of waiting until
	// one of them has.
	Ungated bool
	// Shares bound, by lane, the share of the jobs that may be sent there: 0.05 is
	// ten of any 200 admitted in a row, over all lanes. Jobs over it that were not
	// begun go to their hook's own model. Jobs of hooks whose own model is in the
	// lane, and those that were begun elsewhere, are counted and not held.
	Shares map[string]float64
	// LaneOf names the lane of a model, for jobs that were queued under a
	// configuration that named it otherwise. It must be pure. nil: all lanes are
	// as they were.
	LaneOf func(model string) string
	// Hooks say what is known of each hook beforehand. A hook that is missing
	// has the defaults.
	Hooks map[string]Hook
}

// Limits are rates per minute. Zero: not known.
type Limits struct {
	Requests     int64
	InputTokens  int64
	OutputTokens int64
}

// A Hook is what is known of a hook's jobs before the first one ran.
type Hook struct {
	Weight      int   // its share when a lane is full, against the other hooks'; default 1
	ExtraTokens int64 // input tokens beyond the event itself: system prompt, gathered parts; default 500
	MaxTokens   int64 // bound of the answer; zero: none
	// Prefixes are, by model, the unchanging parts of its prompts that the API
	// may cache; ExtraTokens counts them too.
	Prefixes map[string]Prefix
	// Instead returns the models that may stand in for one whose lane stays
	// closed, best first. It must be pure. nil: there are none.
	Instead func(model string) []Choice
	// Budget bounds the hook's money.
	Budget Budget
	// Cheaper returns the model that a job goes to for want of money; false:
	// there is none. It must be pure. nil: there is never one.
	Cheaper func(model string) (Choice, bool)
	// Own is the model of the hook itself, whatever its routes say; zero: none.
	Own Choice
}

// A Governor decides. It holds its options only, and is safe for concurrent
// use.
type Governor struct {
	options  Options
	budgeted bool // some budget is bounded
}

// New makes a Governor.
func New(o Options) (*Governor, error) {
	if o.MaxInFlight == 0 {
		o.MaxInFlight = defaultInFlight
	}
	if o.MaxInFlight < 0 || o.Budget.Daily < 0 {
		return nil, errors.New("governor: negative bound")
	}
	budgeted := o.Budget.Daily > 0
	for name, h := range o.Hooks {
		if h.Budget.Daily < 0 || h.Budget.PerTenant < 0 {
			return nil, fmt.Errorf("governor: negative budget of hook %s", name)
		}
		budgeted = budgeted || h.Budget.Daily > 0 || h.Budget.PerTenant > 0
	}
	for name, share := range o.Shares {
		if !(share > 0 && share <= 1) {
			return nil, fmt.Errorf("governor: the share of lane %s is not between none and all", name)
		}
	}
	for name, l := range o.Limits {
		if l.Requests < 0 || l.InputTokens < 0 || l.OutputTokens < 0 {
			return nil, fmt.Errorf("governor: negative limit of lane %s", name)
		}
	}
	return &Governor{options: o, budgeted: budgeted}, nil
}

// A Grant is one job's leave to call, with what was debited for it. It belongs
// to whoever carries the job and is not safe for concurrent use.
type Grant struct {
	Job    string
	Hook   string
	Tenant string
	Lane   string
	Model  string
	Size   int
	At     time.Time
	Input  int64 // tokens debited: predicted, then what the API counted
	Output int64 // tokens predicted
	// Reserved is the most that its call may cost, as far as that could be told.
	Reserved event.NanoUSD
	// From is where the job waited, if admission moved it. One that is given
	// back without an attempt goes back there.
	From *event.Move
	// StandIn says that it was moved because its own lane is closed: if it cannot
	// be called here, it waits there.
	StandIn bool

	minute   float64 // input tokens that the lane allows in a minute; 0: not known
	perToken float64 // bytes of answer text per token
	prompt   int     // bytes of it; 0: not known
	text     int     // bytes streamed
	charged  int64   // output tokens debited while it streamed
	began    time.Time
	prefix   Prefix // of its prompt; none if the API does not cache it
	weighed  bool   // its input was told when its answer began
}

// Hopeless reports whether a prompt of so many bytes is larger than all that the
// lane allows in a minute, and how many tokens that is: the API would refuse it
// for ever, and the lane would pause for it each time. The grant remembers the
// size.
func (gr *Grant) Hopeless(promptBytes int) (allowed int64, hopeless bool) {
	gr.prompt = promptBytes
	const most = 6 // bytes per token; texts have fewer
	return int64(gr.minute), gr.minute > 0 && float64(promptBytes)/most > gr.minute
}

// Outsize reports whether a rate limit that says detail was met by a job that by
// its forecast and its prompt has more input tokens than its lane allows in a
// minute. The lane does not pause for it, so it must not come back for nothing.
func (gr *Grant) Outsize(detail string) bool { return gr.minute > 0 && gr.outsize(detail, gr.minute) }

func (gr *Grant) outsize(detail string, minute float64) bool {
	_, named := exceeded(detail, "input tokens per minute")
	small := gr.prompt > 0 && float64(gr.prompt)/bytesPerTok <= minute
	return (named || !namesAny(detail)) && float64(gr.Input) > minute && !small
}

// An Admission is what Admit decided.
type Admission struct {
	Plan   event.Plan
	Grants map[string]*Grant // by job id, one for each job of the plan that may call
	// Verdicts say of the other jobs of the plan what becomes of them for want
	// of money.
	Verdicts map[string]Verdict
	// Next is when admission is worth another look although nothing else
	// happens: a pause ends or a bucket has room. Zero: not by itself.
	Next time.Time
	// Waits says for each lane with jobs left over why they wait.
	Waits map[string]Wait
}

// A Wait is why the jobs of a lane are not running.
type Wait struct {
	Reason event.Reason
	Until  time.Time // zero: not known
}

// now in milliseconds, as the state keeps it.
func millis(t time.Time) int64 { return t.UnixMilli() }
