package verify

import (
	"encoding/base64"
	"encoding/hex"
)

// Encodings of a signature.
const (
	hexEncoding       = "hex"         // small letters, as every known sender writes it
	anyHexEncoding    = "hexadecimal" // of a scheme that a person described: either case
	base64Encoding    = "base64"
	base64URLEncoding = "base64url" // without padding
	plainEncoding     = "plain"     // not a signature: the text itself
)

// decodeInto decodes text strictly into dst and returns the number of bytes,
// or false. Strict means that exactly one text stands for the bytes: Go's
// decoders skip line breaks and accept loose trailing bits, so that a decoded
// value is encoded again and compared.
func decodeInto(dst []byte, text, encoding string) (int, bool) {
	switch encoding {
	case hexEncoding:
		return decodeHex(dst, text, 'a')
	case anyHexEncoding:
		return decodeHex(dst, text, 'A')
	}
	if text == "" || len(text) > maxSignatureText {
		return 0, false
	}
	enc := base64Of(encoding)
	var src, out, again [maxSignatureText]byte
	n, err := enc.Decode(out[:], src[:copy(src[:], text)])
	if err != nil || n > len(dst) {
		return 0, false
	}
	m := enc.EncodedLen(n)
	enc.Encode(again[:], out[:n])
	return copy(dst, out[:n]), string(again[:m]) == text
}

// maxSignatureText is the longest text of one signature: RSA 4096 in hex.
const maxSignatureText = 1024

// maxSignature is the longest signature in bytes.
const maxSignature = 512

// decodeHex takes capital letters too if the lowest letter is 'A'.
func decodeHex(dst []byte, text string, lowest byte) (int, bool) {
	if len(text)%2 != 0 || len(text)/2 > len(dst) || text == "" {
		return 0, false
	}
	for i := 0; i < len(text); i += 2 {
		hi, lo := nibble(text[i], lowest), nibble(text[i+1], lowest)
		if hi > 15 || lo > 15 {
			return 0, false
		}
		dst[i/2] = hi<<4 | lo
	}
	return len(text) / 2, true
}

func nibble(c, lowest byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case lowest <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func base64Of(encoding string) *base64.Encoding {
	if encoding == base64URLEncoding {
		return base64.RawURLEncoding
	}
	return base64.StdEncoding
}

// encode is the inverse of decodeInto.
func encode(b []byte, encoding string) string {
	if encoding == hexEncoding || encoding == anyHexEncoding {
		return hex.EncodeToString(b)
	}
	return base64Of(encoding).EncodeToString(b)
}
