package claude

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// How long a lane waits when nobody says until when. A cause that only a person
// can remove is looked at again by one call after a while, which costs nothing:
// it is refused before anything is billed.
const (
	pauseUnsaid  = 15 * time.Second // 429 without retry-after
	pauseAccount = 10 * time.Minute // key, billing, permission, address
	pauseSpend   = time.Hour        // a spend limit without a date, an organisation on hold
)

// limited sorts the kinds of 429
// (https://platform.claude.com/docs/en/api/rate-limits).
func (f fault) limited() *Error {
	switch {
	case f.code == "enforced_spend_limit_reached", f.code == "contract_spend_limit_reached", f.code == "" && spendCap(f.text):
		return f.spendCap()
	case f.code == "ramp_limit_exceeded":
		return &Error{
			Verdict: WaitLane, Code: CodeRampLimited, Until: f.now.Add(pauseUnsaid),
			Hint: "nothing to do: the rate grows again step by step",
		}
	}
	return &Error{
		Verdict: WaitLane, Code: CodeRateLimited, Until: f.now.Add(pauseUnsaid),
		Hint: "nothing to do: the lane goes on by itself; with limits under claude.limits it would know them beforehand",
	}
}

// spendCap is the monthly cap of the account's tier: no retry helps before the
// date in the message or, without one, the first of the next month.
func (f fault) spendCap() *Error {
	until, ok := accessDate(f.text, f.now)
	if !ok {
		y, m, _ := f.now.UTC().Date()
		until = time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return &Error{
		Verdict: WaitLane, Code: CodeSpendCap, Until: until,
		Hint: "ask for a higher tier or wait; then forebay lanes resume",
	}
}

// ownSpendLimit is the limit that the account's owner set for the organisation
// or the workspace.
func (f fault) ownSpendLimit() *Error {
	until, ok := accessDate(f.text, f.now)
	if !ok {
		until = f.now.Add(pauseSpend)
	}
	return &Error{
		Verdict: WaitLane, Code: CodeOwnSpendLimit, Until: until,
		Hint: "raise the spend limit in the Claude console, then forebay lanes resume",
	}
}

func (f fault) onHold() *Error {
	return &Error{
		Verdict: WaitLane, Code: CodeOnHold, Until: f.now.Add(pauseSpend),
		Hint: "contact Anthropic's support: the organisation is on hold",
	}
}

// accountError is a credential or an account that is not good for this call.
func (f fault) accountError() *Error {
	e := &Error{Verdict: WaitLane, Until: f.now.Add(pauseAccount)}
	switch f.status {
	case http.StatusUnauthorized:
		e.Code, e.Hint = CodeUnauthorized, "check claude.api_key; forebay doctor tests it"
	case http.StatusPaymentRequired:
		e.Code, e.Hint = CodeBilling, "check the account's billing in the Claude console"
	default:
		e.Code, e.Hint = CodeForbidden, "give the key access to this model or workspace in the Claude console"
	}
	return e
}

// elsewhere is an address that is not the API's: every call gets the same answer
// until somebody mends that, so that no job is to blame.
func (f fault) elsewhere() *Error {
	return &Error{
		Verdict: WaitLane, Code: CodeNotTheAPI, Until: f.now.Add(pauseAccount),
		Message: fmt.Sprintf("what answered (%d %s) is not the Claude API", f.status, http.StatusText(f.status)),
		Hint:    "check that claude.base_url leads to the Claude API, and the proxies on the way",
	}
}

// ownLimit recognises the 400 of a spend limit that the owner set; it has no
// code.
func ownLimit(text string) bool {
	return strings.HasPrefix(text, "You have reached your specified API usage limits") ||
		strings.HasPrefix(text, "You have reached your specified workspace API usage limits")
}

// spendCap recognises a spend cap that came without its code.
func spendCap(text string) bool {
	return strings.HasPrefix(text, "You have reached your API usage limits")
}

// accessDate finds the date in "You will regain access on 2026-09-01 at 00:00
// UTC". A date that is over or months away is not believed.
func accessDate(text string, now time.Time) (time.Time, bool) {
	_, rest, found := strings.Cut(text, "regain access on ")
	const form = "2006-01-02 at 15:04 UTC"
	if !found || len(rest) < len(form) {
		return time.Time{}, false
	}
	t, err := time.Parse(form, rest[:len(form)])
	if err != nil || !t.After(now) || t.After(now.AddDate(0, 0, 62)) {
		return time.Time{}, false
	}
	return t, true
}
