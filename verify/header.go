package verify

import (
	"net/http"
	"strings"
)

const (
	// maxHeader bounds every header value that a scheme reads. The longest
	// honest one is a JSON Web Token of a few kilobytes.
	maxHeader = 8 << 10
	// maxCandidates bounds the signatures of one request that are compared.
	// Senders list two while a secret is rotated.
	maxCandidates = 32
	// maxText bounds ids, types and subjects.
	maxText = 256
)

// single returns the only value of the canonical header name. count tells an
// absent header (0) from a repeated one (2 or more).
func single(h http.Header, name string) (value string, count int) {
	values := h[name]
	if len(values) == 0 {
		return "", 0
	}
	return values[0], len(values)
}

// only returns the value of a header that must be there once, within bounds.
func only(h http.Header, name string) (string, *Error) {
	value, n := single(h, name)
	switch {
	case n == 0 || n == 1 && value == "":
		return "", refuse(CodeHeaderMissing, "the header "+name+" is missing", hintShape)
	case n > 1:
		return "", refuse(CodeHeaderMalformed, "the header "+name+" is there more than once", hintRepeat)
	case len(value) > maxHeader:
		return "", refuse(CodeHeaderMalformed, "the header "+name+" is too long", hintShape)
	}
	return value, nil
}

// signatureHeader is only, in the words of signatures.
func signatureHeader(h http.Header, name string) (string, *Error) {
	value, n := single(h, name)
	switch {
	case n == 0 || n == 1 && value == "":
		return "", refuse(CodeSignatureMissing, "the header "+name+" is missing", hintSetup)
	case n > 1:
		return "", refuse(CodeSignatureRepeated, "the header "+name+" is there more than once", hintRepeat)
	case len(value) > maxHeader:
		return "", refuse(CodeSignatureMalformed, "the header "+name+" is too long to be a signature", hintShape)
	}
	return value, nil
}

// clean makes text from outside fit to be an id, a type or a subject: valid
// UTF-8 without control characters, at most maxText bytes.
func clean(s string) string {
	if len(s) <= maxText && printable(s) {
		return s
	}
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// mediaType returns the lower-case media type of a Content-Type without its
// parameters. Senders add "; charset=utf-8" as they like.
func mediaType(h http.Header) string {
	ct, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(ct))
}

func isForm(h http.Header) bool {
	return mediaType(h) == "application/x-www-form-urlencoded"
}
