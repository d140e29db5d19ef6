package forebay_test

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestBudgetDoubts: a call that broke after its request had left may have been
// billed, and keeps what was reserved for it; one that never left, and a refusal
// before the first word, cost nothing.
func TestBudgetDoubts(t *testing.T) {
	for _, tt := range []struct {
		name      string
		kind      claudetest.Kind
		down      bool // the API is out of reach
		estimated bool
	}{
		{"cut before the reply", claudetest.CutBeforeReply, false, true},
		{"reply without a body", claudetest.DropBody, false, true},
		{"refusal", claudetest.Refusal, false, false},
		{"error status", claudetest.ServerError, false, false},
		{"no connection", "", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var o claudetest.Options
			if tt.kind != "" {
				o.Script = []claudetest.Step{{Times: -1, Fail: &claudetest.Failure{Kind: tt.kind}}}
			}
			bubble(t, atCap("hold"), o, func(w *world) {
				if tt.down {
					w.net.silence("claude.test:80")
				}
				w.accepted("dear", "pull_request", pull)
				time.Sleep(time.Second)
				_, report := w.admin("GET", "/v1/costs")
				total := report["total"].(map[string]any)
				if total["calls"] != 1.0 || total["cost_usd"] != any(nil) && total["cost_usd"] != 0.0 {
					t.Fatalf("got %v, want one call that has no known cost but 0", total)
				}
				if most := total["estimated_usd"].(float64); (most > 0) != tt.estimated {
					t.Errorf("estimated $%.6f, want something: %v", most, tt.estimated)
				}
			})
		})
	}
}
