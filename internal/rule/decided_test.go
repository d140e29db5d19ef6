package rule_test

import (
	"testing"

	"github.com/forebayhq/forebay/internal/rule"
)

func TestDecided(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src            string
		value, decided bool
	}{
		{"true", true, true},
		{" 1 > 2", false, true},
		{"true || payload.x == 1", true, true},
		{"payload.x == 1 && false", false, true},
		{"payload.x == 1", false, false},
		{`event.type == "push"`, false, false},
		{"size(headers) >= 0", false, false},
		{"no such rule", false, false},
	} {
		if value, decided := rule.Decided(tt.src); value != tt.value || decided != tt.decided {
			t.Errorf("%s: got %v, %v, want %v, %v", tt.src, value, decided, tt.value, tt.decided)
		}
	}
}
