package api

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParsePosition(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id   string
		want position
		done bool
	}{
		{"1:0", position{1, 0}, false},
		{"3:1402", position{3, 1402}, false},
		{"3:1402:done", position{3, 1402}, true},
		{"0:0", position{}, false},
		{"", position{}, false},
		{":done", position{}, false},
		{"done", position{}, false},
		{"1", position{}, false},
		{"1:", position{}, false},
		{":1", position{}, false},
		{"-1:5", position{}, false},
		{"1:-5", position{}, false},
		{"+1:5", position{}, false},
		{"01:5", position{}, false},
		{"1:5:6", position{}, false},
		{"1:5:done:done", position{}, false},
		{"1:99999999999999999999", position{}, false},
		{"4294967296:1", position{}, false},
		{"1:0x10", position{}, false},
		{"1: 5", position{}, false},
		{"1:٣", position{}, false},
	} {
		got, done := parsePosition(tt.id)
		if got != tt.want || done != tt.done {
			t.Errorf("%q: got %v %v, want %v %v", tt.id, got, done, tt.want, tt.done)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, seed := range []string{"1:0", "3:1402:done", "", "::", "1:99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		p, done := parsePosition(id)
		if p.Call < 0 || p.Offset < 0 {
			t.Fatalf("%q: %v", id, p)
		}
		if p == (position{}) && !done {
			return // not an id, or the beginning
		}
		back := p.String()
		if done {
			back += doneSuffix
		}
		if back != id {
			t.Fatalf("%q was read as %q", id, back)
		}
	})
}

func TestRunesAreNeverSplit(t *testing.T) {
	t.Parallel()
	text := "aé€😀z"
	for offset := range len(text) + 1 {
		floor := runeFloor(text, offset)
		if floor > offset || !utf8.ValidString(text[:floor]) || !utf8.ValidString(text[floor:]) {
			t.Errorf("runeFloor %d: got %d", offset, floor)
		}
		whole := wholeRunes(text[:offset])
		if whole > offset || offset-whole > 3 || !utf8.ValidString(text[:whole]) {
			t.Errorf("wholeRunes %d: got %d", offset, whole)
		}
		if valid := utf8.ValidString(text[:offset]); valid && whole != offset {
			t.Errorf("wholeRunes %d: got %d, but nothing is split there", offset, whole)
		}
	}
}

// Bytes that are not UTF-8 at all do not stop a stream.
func TestBrokenTextGoesOn(t *testing.T) {
	t.Parallel()
	broken := strings.Repeat("\x80", 100)
	if got := runeFloor(broken, 50); got != 50 {
		t.Errorf("runeFloor: got %d", got)
	}
	if got := wholeRunes(broken); got != 100 {
		t.Errorf("wholeRunes: got %d", got)
	}
}
