package forebay_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/internal/governor"
)

// rates are the limits of the only lane.
func (w *flood) rates() governor.Limits {
	w.t.Helper()
	views, err := w.server.LaneViews(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	v := views["haiku"]
	return governor.Limits{Requests: v.Requests.Limit, InputTokens: v.Input.Limit, OutputTokens: v.Output.Limit}
}

// TestRateLimitsEndpoint: with an Admin API key the lanes know the account's
// limits before the first call, and follow them.
func TestRateLimitsEndpoint(t *testing.T) {
	t.Parallel()
	inFlood(t, spike{seed: 1, admin: "an-admin-key"}, func(w *flood) {
		time.Sleep(time.Second)
		want := governor.Limits{Requests: 1000, InputTokens: 500_000, OutputTokens: 100_000}
		if got := w.rates(); got != want || len(w.claude.MessageCalls()) != 0 {
			t.Errorf("got %v after %d calls, want %v after none", got, len(w.claude.MessageCalls()), want)
		}
		w.claude.SetLimits(floodClass, claudetest.Limits{RequestsPerMinute: 2000, InputTokensPerMinute: 250_000, OutputTokensPerMinute: 100_000})
		time.Sleep(5 * time.Minute)
		want = governor.Limits{Requests: 2000, InputTokens: 250_000, OutputTokens: 100_000}
		if got := w.rates(); got != want {
			t.Errorf("got %v, want %v five minutes after the change", got, want)
		}
	})
}

// TestRateLimitsConfigured: what the configuration says bounds what is read.
func TestRateLimitsConfigured(t *testing.T) {
	t.Parallel()
	mine := claudetest.Limits{RequestsPerMinute: 60, InputTokensPerMinute: 70_000, OutputTokensPerMinute: 80_000}
	inFlood(t, spike{seed: 1, admin: "an-admin-key", told: true, limits: mine}, func(w *flood) {
		w.claude.SetLimits(floodClass, claudetest.Limits{RequestsPerMinute: 1000, InputTokensPerMinute: 60_000, OutputTokensPerMinute: 80_000})
		time.Sleep(6 * time.Minute)
		want := governor.Limits{Requests: 60, InputTokens: 60_000, OutputTokens: 80_000}
		if got := w.rates(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestRateLimitsRefused: a key that may not read the limits is told in the log,
// and stops nobody.
func TestRateLimitsRefused(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	inFlood(t, spike{seed: 1, admin: "wrong-admin-key", log: &log, claude: claudetest.Options{Keys: map[string]string{"test-key": "acme"}}}, func(w *flood) {
		w.send("flood", 5)
		if f := w.figures(w.drain(time.Minute)); f.lost != 0 || f.dead != 0 {
			t.Errorf("lost %d, dead %d; want none", f.lost, f.dead)
		}
		if got := w.rates().Requests; got != 1000 {
			t.Errorf("got %d requests a minute, want 1000 as the headers said", got)
		}
	})
	if got := log.String(); !strings.Contains(got, "rate limits are not known") || !strings.Contains(got, "unauthorized") || strings.Contains(got, "wrong-admin-key") {
		t.Errorf("got log %q, want the failure and no key in it", got)
	}
}
