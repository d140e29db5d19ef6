package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	last := ""
	for i := range 2000 {
		id := event.NewID(event.PrefixJob, now.Add(time.Duration(i)*time.Millisecond))
		if len(id) != len("job_")+26 || !strings.HasPrefix(id, "job_") || strings.ToLower(id) != id {
			t.Fatalf("got %q, want job_ and 26 lower-case characters", id)
		}
		if id <= last {
			t.Fatalf("%q does not sort behind %q, which is older", id, last)
		}
		last = id
	}
	for range 2000 {
		id := event.NewID(event.PrefixEvent, now)
		if seen[id] {
			t.Fatalf("%q came twice", id)
		}
		seen[id] = true
	}
	if got, want := event.NewID("", time.UnixMilli(0))[:9], "000000000"; got != want {
		t.Errorf("got %q at the epoch, want the time part %q", got, want)
	}
}

func TestMessageID(t *testing.T) {
	t.Parallel()
	d := event.Delivery{ID: "dlv_x"}
	if got := d.MessageID(); got != "dlv_x" {
		t.Errorf("got %q, want the delivery's id for every first try and retry", got)
	}
	d.Round = 2
	if got := d.MessageID(); got != "dlv_x_r2" {
		t.Errorf("got %q, want a new id when an operator sends again", got)
	}
}
