package chain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/chain"
)

func list(s string) []string { return strings.Fields(s) }

func TestAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fallback, escalate, model, want string }{
		{"", "", "haiku", ""},
		{"sonnet opus", "", "haiku", "sonnet opus"},
		{"sonnet opus", "", "sonnet", "opus"},
		{"sonnet opus", "", "opus", ""},
		{"sonnet", "sonnet opus", "haiku", "sonnet"},
		{"sonnet", "sonnet opus", "opus", ""},            // it was better than sonnet for a reason
		{"opus sonnet", "sonnet opus", "opus", ""},       // the same, from within the list
		{"fable sonnet", "sonnet opus", "opus", "fable"}, // fable is no step of the escalation
		{"haiku", "sonnet", "sonnet", "haiku"},           // the configuration's checks refuse this one
		{"sonnet sonnet", "", "haiku", "sonnet sonnet"},  // and this one
	} {
		c := chain.Chain{Fallback: list(tt.fallback), Escalate: list(tt.escalate)}
		if got := c.After(tt.model); !slices.Equal(got, list(tt.want)) {
			t.Errorf("fallback %q, escalate %q: after %s got %v, want %s", tt.fallback, tt.escalate, tt.model, got, tt.want)
		}
	}
}

func TestAbove(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fallback, escalate, model, want string }{
		{"", "", "haiku", ""},
		{"", "sonnet opus", "haiku", "sonnet"},
		{"", "sonnet opus", "sonnet", "opus"},
		{"", "sonnet opus", "opus", ""},
		{"sonnet", "sonnet opus", "sonnet", "opus"},
		{"fable", "sonnet opus", "fable", ""},
	} {
		c := chain.Chain{Fallback: list(tt.fallback), Escalate: list(tt.escalate)}
		if got, ok := c.Above(tt.model); got != tt.want || ok != (tt.want != "") {
			t.Errorf("fallback %q, escalate %q: above %s got %q, %v, want %q", tt.fallback, tt.escalate, tt.model, got, ok, tt.want)
		}
	}
}

func TestCircle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fallback, escalate, want string }{
		{"", "", ""},
		{"sonnet opus", "", ""},
		{"sonnet opus", "sonnet opus", ""},
		{"opus sonnet", "sonnet opus", ""},
		{"sonnet", "opus sonnet", ""},
		{"opus", "sonnet", ""},
		{"fable sonnet", "sonnet opus", "fable sonnet opus fable"},
		{"sonnet haiku", "", ""}, // haiku is the last of the list already
	} {
		c := chain.Chain{Fallback: list(tt.fallback), Escalate: list(tt.escalate)}
		if got := c.Circle("haiku"); !slices.Equal(got, list(tt.want)) {
			t.Errorf("fallback %q, escalate %q: got %v, want %q", tt.fallback, tt.escalate, got, tt.want)
		}
	}
}
