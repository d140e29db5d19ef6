package verify

import (
	"bytes"
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxInflated bounds a body that is unpacked to be looked at.
const maxInflated = 32 << 20

// recoded lists the bodies that r's may have been, had nobody changed its
// charset, its form encoding or its compression.
func recoded(r *Request) []rewrite {
	body := r.Body
	var out []rewrite
	if narrow, ok := latin1(body); ok {
		how := "in ISO-8859-1"
		if utf8.Valid(narrow) {
			how = "as UTF-8, encoded once and not twice"
		}
		out = append(out, rewrite{how: how, who: " in another charset", body: narrow})
	}
	if !utf8.Valid(body) {
		out = append(out, rewrite{how: "in UTF-8", who: " in ISO-8859-1", body: fromLatin1(body)})
	}
	if plain, ok := gunzipped(body); ok {
		out = append(out, rewrite{how: "unpacked with gzip", who: ": it compressed it after it was signed", body: plain})
	}
	if isForm(r.Header) {
		out = append(out, reformed(body)...)
	}
	return out
}

// latin1 returns UTF-8 text as one byte for each character, if it has any that
// are not ASCII and none that do not fit.
func latin1(text []byte) ([]byte, bool) {
	out, wide := make([]byte, 0, len(text)), false
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		if c > 0xff || c == utf8.RuneError && n == 1 {
			return nil, false
		}
		wide = wide || c >= utf8.RuneSelf
		out, text = append(out, byte(c)), text[n:]
	}
	return out, wide
}

func fromLatin1(b []byte) []byte {
	var out bytes.Buffer
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.Bytes()
}

func gunzipped(body []byte) ([]byte, bool) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return nil, false
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxInflated))
	return plain, err == nil
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// reformed lists other notations of a form.
func reformed(body []byte) []rewrite {
	who := " (a framework that parses forms and writes them again)"
	cased := func(f func(string) string) []byte {
		return percent.ReplaceAllFunc(body, func(b []byte) []byte { return []byte(f(string(b))) })
	}
	plus, spaces := bytes.ReplaceAll(body, []byte("%20"), []byte("+")), bytes.ReplaceAll(body, []byte("+"), []byte("%20"))
	return []rewrite{
		{how: "as a form with + for spaces", who: who, body: plus},
		{how: "as a form with %20 for spaces", who: who, body: spaces},
		{how: "as a form with its %XX in small letters", who: who, body: cased(strings.ToLower)},
		{how: "as a form with its %XX in capitals", who: who, body: cased(strings.ToUpper)},
	}
}
