// Package catalog holds what is publicly known of each Claude model: its rate
// class, its prices by date, how its thinking may be turned off, how small a
// prompt it caches, when it retires.
//
// All of it is data (models.json, with the date and the pages it was read
// from). The package must never guess: what is not in the data is answered
// with false, above all a price.
package catalog

import (
	"slices"
	"strings"
	"time"
)

// A Model is one row of the catalog.
type Model struct {
	ID            string    `json:"id"`      // the name to send
	Aliases       []string  `json:"aliases"` // other names of the same model
	Class         string    `json:"class"`   // models of one class share their rate limits
	Context       int64     `json:"context"` // tokens; 0: not known
	MaxOutput     int64     `json:"max_output"`
	Thinking      Thinking  `json:"thinking"`
	Efforts       []string  `json:"efforts"` // levels that may be sent; none: the parameter is refused
	DefaultEffort string    `json:"default_effort"`
	ForcedTool    bool      `json:"forced_tool"`         // tool_choice any or tool is taken
	CacheMinimum  int64     `json:"cache_minimum"`       // tokens below which a prefix is silently not cached
	CharsPer10    int64     `json:"chars_per_10_tokens"` // measured on English text and code
	Lifecycle     Lifecycle `json:"lifecycle"`
	Prices        []Price   `json:"prices"` // oldest first
}

// Thinking says how a model reasons before it answers.
type Thinking struct {
	// Default is what happens when the request says nothing: "off", "on" or
	// "always".
	Default string `json:"default"`
	// Off is the thinking type that asks for as little as the model allows:
	// "disabled", "between_tools", or "none" where nothing may be sent.
	Off string `json:"off"`
	// On is how it is turned on: "adaptive", "budget" (a token budget is
	// sent) or "none".
	On string `json:"on"`
}

// A State is a stage in the life of a model.
type State string

// The stages, in the words of the models endpoint.
const (
	Active     State = "active"
	Deprecated State = "deprecated"
	Retired    State = "retired"
)

// Lifecycle says how long a model is there to be called.
type Lifecycle struct {
	State       State  `json:"state"`
	Released    Date   `json:"released"`
	NotBefore   Date   `json:"not_before"`  // it will not retire before this day
	Retires     Date   `json:"retires"`     // it does retire on this day
	Replacement string `json:"replacement"` // what its provider names instead
}

// Effort reports whether level may be sent to the model.
func (m Model) Effort(level string) bool { return slices.Contains(m.Efforts, level) }

// Tokens estimates how many tokens n bytes of text are, rounding up.
func (m Model) Tokens(n int64) int64 {
	per := max(m.CharsPer10, 1)
	return (max(n, 0)*10 + per - 1) / per
}

// Lookup returns what is known of a model, by its id, one of its aliases, or
// its id with a date behind it.
func Lookup(model string) (Model, bool) {
	if m, ok := index()[model]; ok {
		return m, true
	}
	m, ok := index()[undated(model)]
	return m, ok
}

// Class returns the name of the rate class that a model counts against
// (https://platform.claude.com/docs/en/api/rate-limits). An unknown model is a
// class of its own.
func Class(model string) string {
	if m, ok := Lookup(model); ok {
		return m.Class
	}
	return strings.TrimPrefix(undated(model), "claude-")
}

// Retirement says what is known at now about the end of a model: a sentence
// for people, and whether calls still go through. ok is false when there is
// nothing to say.
func Retirement(model string, now time.Time) (notice string, callable, ok bool) {
	m, known := Lookup(model)
	if !known {
		return "", true, false
	}
	l, instead := m.Lifecycle, ""
	if l.Replacement != "" {
		instead = "; use " + l.Replacement
	}
	switch {
	case l.State == Retired, l.gone(now):
		return m.ID + " is retired and no longer answers" + instead, false, true
	case !l.Retires.IsZero():
		return m.ID + " retires on " + l.Retires.String() + instead, true, true
	case l.State == Deprecated:
		return m.ID + " is deprecated" + instead, true, true
	case !l.NotBefore.IsZero() && !now.Before(l.NotBefore.Time):
		return m.ID + " may retire any day (its promise ended on " + l.NotBefore.String() + ")" + instead, true, true
	}
	return "", true, false
}

// gone reports whether the day of retirement has come.
func (l Lifecycle) gone(now time.Time) bool {
	return !l.Retires.IsZero() && !now.Before(l.Retires.Time)
}

// undated takes a trailing "-20251001" off a model id.
func undated(model string) string {
	i := len(model) - 9
	if i <= 0 || model[i] != '-' {
		return model
	}
	for _, c := range model[i+1:] {
		if c < '0' || c > '9' {
			return model
		}
	}
	return model[:i]
}
