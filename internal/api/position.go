package api

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A position says how much of which call's text a client has. Call 1 is the
// job's first; 0 is before it.
type position struct {
	Call   int `json:"call"`
	Offset int `json:"offset"` // in bytes of UTF-8, at the start of a rune
}

// String returns the id of an event that ends at p.
func (p position) String() string {
	return strconv.Itoa(p.Call) + ":" + strconv.Itoa(p.Offset)
}

// doneSuffix marks the id of the last event.
const doneSuffix = ":done"

// parsePosition reads a Last-Event-ID. Whatever is not one is the beginning:
// the client is told by the first state where its text goes on.
func parsePosition(id string) (p position, done bool) {
	id, done = strings.CutSuffix(id, doneSuffix)
	call, offset, ok := strings.Cut(id, ":")
	if !ok {
		return position{}, false
	}
	c, errC := parseCount(call)
	o, errO := parseCount(offset)
	if errC != nil || errO != nil {
		return position{}, false
	}
	return position{Call: c, Offset: o}, done
}

// parseCount reads a number that String could have written.
func parseCount(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err == nil && strconv.FormatUint(n, 10) != text {
		err = strconv.ErrSyntax
	}
	return int(n), err
}

// wholeRunes returns how much of text can be sent: all but a rune at its end
// that has not come in whole.
func wholeRunes(text string) int {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		start := len(text) - back
		if !utf8.RuneStart(text[start]) {
			continue
		}
		if !utf8.FullRuneInString(text[start:]) {
			return start
		}
		break
	}
	return len(text)
}

// runeFloor returns the greatest start of a rune in text that is not after
// offset.
func runeFloor(text string, offset int) int {
	if offset >= len(text) {
		return len(text)
	}
	for back := 0; back < utf8.UTFMax && offset-back >= 0; back++ {
		if utf8.RuneStart(text[offset-back]) {
			return offset - back
		}
	}
	return offset // not UTF-8 at all: nothing can be split
}
