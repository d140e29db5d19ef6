package payload

import (
	"encoding/binary"
	"math/bits"
)

// Strings are the bulk of what senders send, so they are read eight bytes at a
// time: special sets the high bit of each byte of a word that a string cannot
// just pass over. (Bits above the first such byte may be wrong by a borrow;
// only the first is used.)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks double quotes, backslashes and control characters.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// quoteOrSlash marks double quotes and backslashes.
func quoteOrSlash(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// firstByte is the index of the first marked byte.
func firstByte(marks uint64) int { return bits.TrailingZeros64(marks) >> 3 }

// plain are the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// skipBOM returns the index of the first byte after a byte order mark.
func skipBOM(b []byte) int {
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		return 3
	}
	return 0
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// escapeEnd returns the index after the escape sequence at i, or -1.
func escapeEnd(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if i+6 <= len(b) && hex4(b[i+2:]) >= 0 {
			return i + 6
		}
	}
	return -1
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// The functions below pass over JSON that Check has accepted. On anything else
// they return some index in [i, len(b)], and never panic.

// stringEnd returns the index after the string whose opening quote is at i.
func stringEnd(b []byte, i int) int {
	i++
	for {
		for i+8 <= len(b) {
			if odd := quoteOrSlash(binary.LittleEndian.Uint64(b[i:])); odd != 0 {
				i += firstByte(odd)
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' {
			i++
		}
		if i >= len(b) {
			return len(b)
		}
		if b[i] == '"' {
			return i + 1
		}
		i = min(i+2, len(b))
	}
}

// valueEnd returns the index after the value that starts at i.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		return containerEnd(b, i)
	}
	for i < len(b) && !endsScalar[b[i]] {
		i++
	}
	return i
}

// endsScalar are the bytes that end a number or a literal.
var endsScalar = [256]bool{',': true, '}': true, ']': true, ':': true, ' ': true, '\n': true, '\r': true, '\t': true}

// containerEnd returns the index after the object or array that opens at i.
func containerEnd(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(b)
}
