package payload

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote decodes what stands between the quotes of a JSON string. The result
// is valid UTF-8: lone surrogates and stray bytes become U+FFFD.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		if utf8.Valid(raw) {
			return string(raw)
		}
		return toValid(raw)
	}
	var s strings.Builder
	s.Grow(len(raw))
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			n = len(raw)
		}
		s.WriteString(toValid(raw[:n]))
		raw = raw[n:]
		if len(raw) > 0 {
			r, size := unescape(raw)
			s.WriteRune(r)
			raw = raw[size:]
		}
	}
	return s.String()
}

// toValid replaces each byte that is not UTF-8 by U+FFFD, as encoding/json does.
// (strings.ToValidUTF8 replaces a run of them by one.)
func toValid(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	var s strings.Builder
	for _, r := range string(raw) {
		s.WriteRune(r)
	}
	return s.String()
}

// unescape decodes the escape sequence at the start of raw.
func unescape(raw []byte) (r rune, size int) {
	if len(raw) < 2 {
		return utf8.RuneError, len(raw)
	}
	switch c := raw[1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeUnicode(raw)
	default:
		return rune(c), 2
	}
}

func unescapeUnicode(raw []byte) (r rune, size int) {
	if len(raw) < 6 {
		return utf8.RuneError, len(raw)
	}
	r = hex4(raw[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(raw[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}
