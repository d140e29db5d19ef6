package forebay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// TestCommentsShowNoSecret: what the model writes of the configuration's own
// secrets, however it came to know them, is not posted.
func TestCommentsShowNoSecret(t *testing.T) {
	said := "The token is test-token-**test-token**, really."
	bubble(t, prHook, claudetest.Options{Reply: func(claudetest.Request) claudetest.Reply { return claudetest.Reply{Text: said} }}, func(w *world) {
		w.until(w.accepted("pr", "pull_request", pull), "succeeded", time.Minute)
		time.Sleep(time.Minute)
		var all strings.Builder
		for _, c := range w.github.Comments("octo/repo", 7) {
			all.WriteString(c.Body)
		}
		if text := all.String(); !strings.Contains(text, "The token is REDACTED-secret") || strings.Contains(text, "test-token") {
			t.Errorf("got %q", text)
		}
	})
}
