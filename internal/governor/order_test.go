package governor

import (
	"slices"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// TestOrder serves by priority, and first in first out inside a hook.
func TestOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "late", 9, 2)
	d.add("a", "normal", 5, 2)
	d.add("a", "first", 1, 2)
	for i := range d.waiting {
		d.waiting[i].ReadyAt = noon.Add(time.Duration(i-10) * time.Millisecond)
	}
	slices.Reverse(d.waiting)
	got := d.take(6).Plan.Take
	want := []string{"a/first/0004", "a/first/0005", "a/normal/0002", "a/normal/0003", "a/late/0000", "a/late/0001"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestAgeing serves a low priority in the end although a high one never runs
// out of work.
func TestAgeing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "low", 9, 1)
	for step := range 1000 {
		d.add("a", "high", 1, 2)
		for gr := range grantsOf(d.take(1), "a") {
			d.settle(gr, ok(500, 100))
			if gr.Hook == "low" {
				if d.now.Sub(noon) < 3*ageing {
					t.Errorf("served after %s already", d.now.Sub(noon))
				}
				return
			}
		}
		d.now = noon.Add(time.Duration(step) * time.Second)
	}
	t.Error("the low priority starved")
}

// TestWeights shares a full lane by weight.
func TestWeights(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Hooks: map[string]Hook{"big": {Weight: 3}, "small": {}}})
	d.open("a")
	d.add("a", "big", 5, 400)
	d.add("a", "small", 5, 400)
	count := map[string]int{}
	for range 200 {
		for gr := range grantsOf(d.take(1), "a") {
			count[gr.Hook]++
			d.settle(gr, ok(600, 400))
		}
	}
	if count["big"] < 140 || count["big"] > 160 {
		t.Errorf("got %v, want three to one", count)
	}
}

// TestTokensAreShared gives a hook with large jobs as many tokens as one with
// small jobs, not as many jobs.
func TestTokensAreShared(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	d.open("a")
	d.add("a", "large", 5, 400)
	d.add("a", "small", 5, 400)
	tokens := map[string]int64{}
	for range 300 {
		for gr := range grantsOf(d.take(1), "a") {
			n := int64(400)
			if gr.Hook == "large" {
				n = 8000
			}
			tokens[gr.Hook] += n
			d.settle(gr, ok(n, 10))
		}
	}
	if r := float64(tokens["large"]) / float64(tokens["small"]); r < 0.7 || r > 1.4 {
		t.Errorf("tokens %v: want about equal", tokens)
	}
}

// TestBigJob lets smaller ones pass for a while, and then goes.
func TestBigJob(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Limits: map[string]Limits{"a": {InputTokens: 60_000}}})
	d.open("a")
	big := event.Candidate{JobID: "big", Hook: "h", Lane: "a", Model: "m", Priority: 5, Size: 150_000, ReadyAt: noon}
	d.add("a", "h", 5, 80)
	d.take(60) // about 30,000 tokens
	d.waiting = append([]event.Candidate{big}, d.waiting...)
	for i := range d.waiting[1:] {
		d.waiting[i+1].ReadyAt = noon.Add(time.Millisecond)
	}
	if a := d.take(1); len(a.Plan.Take) != 1 || a.Plan.Take[0] == "big" {
		t.Fatalf("took %v, want a smaller one to pass", a.Plan.Take)
	}
	for step := range 100 {
		d.now = noon.Add(time.Duration(step) * time.Second)
		d.running["a"] = 0
		d.add("a", "h", 5, 5)
		if slices.Contains(d.take(5).Plan.Take, "big") {
			if wait := d.now.Sub(noon); wait < time.Second || wait > 70*time.Second {
				t.Errorf("the big job went after %s", wait)
			}
			return
		}
	}
	t.Error("the big job starved")
}
