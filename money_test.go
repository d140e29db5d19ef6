package forebay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// owned is a pull request of a team.
func owned(team string, n int) string {
	return strings.Replace(again(fmt.Sprint(team, " ", n)), `{`, `{"team":"`+team+`",`, 1)
}

// TestFairBy: the tenants of a hook take turns, so that one event of a quiet one
// passes the backlog of a noisy one. An event without a tenant says why.
func TestFairBy(t *testing.T) {
	hooks := strings.Replace(prHook, "    model:", "    weight: 2\n    fair_by: payload.team\n    model:", 1)
	bubble(t, hooks, claudetest.Options{Latency: 10 * time.Second}, func(w *world) {
		var noisy []string
		for i := range 80 {
			noisy = append(noisy, w.accepted("pr", "pull_request", owned("noisy", i)))
		}
		quiet := w.accepted("pr", "pull_request", owned("quiet", 0))
		nobody := w.accepted("pr", "pull_request", again("nobody"))
		if doc := w.until(quiet, "succeeded", time.Hour); doc["tenant"] != "quiet" || doc["note"] != nil {
			t.Errorf("got tenant %v, note %v; want quiet and none", doc["tenant"], doc["note"])
		}
		waiting := 0
		for _, id := range noisy {
			if w.job(id)["state"] == "queued" {
				waiting++
			}
		}
		if waiting < 20 {
			t.Errorf("%d of 80 jobs of the noisy tenant wait behind the quiet one, want most of them", waiting)
		}
		doc := w.until(nobody, "succeeded", time.Hour)
		if note, _ := doc["note"].(string); doc["tenant"] != nil || !strings.Contains(note, "fair_by failed") {
			t.Errorf("got tenant %v, note %q; want none, and why", doc["tenant"], note)
		}
	})
}
