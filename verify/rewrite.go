package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A rewrite is a body as it may have been before something on the way touched
// it.
type rewrite struct {
	how, who string
	body     []byte
}

// rewrites lists the bodies that r's may have been made of. Only Explain uses
// it: no verifier repairs a body.
func rewrites(r *Request) []rewrite {
	body := r.Body
	out := []rewrite{
		{"without the line break at its end", " (an editor, or a shell's echo)", bytes.TrimRight(body, "\r\n")},
		{"with a line break at its end", "", append(bytes.Clone(body), '\n')},
		{"with CR LF at its end", "", append(bytes.TrimRight(bytes.Clone(body), "\r\n"), '\r', '\n')},
		{"with CR LF for every line break", " (a text-mode copy)", bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))},
		{"with LF for every line break", " (a text-mode copy)", bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))},
		{"without its byte order mark", "", bytes.TrimPrefix(body, []byte("\ufeff"))},
		{"without the spaces around it", "", bytes.TrimSpace(body)},
	}
	if doc, ok := formField(body, "payload"); ok {
		out = append(out, rewrite{"in its form field payload alone", " (the sender may be Gitea, which signs that)", doc})
	}
	if json.Valid(body) {
		escaped := append([]byte("payload="), escapeNode(string(body))...)
		out = append(out, rewrite{"as a form with the field payload", " (a proxy that unpacks forms)", escaped})
		out = append(out, reserialized(body)...)
	}
	return out
}

// reserialized are the notations of one JSON document that common tools write.
func reserialized(body []byte) []rewrite {
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		return nil
	}
	spaced := spacedJSON(compact.Bytes())
	styles := []rewrite{
		{"as compact JSON", " (JSON.stringify, Go's json.Marshal)", compact.Bytes()},
		{"as JSON with a space after , and :", " (Python's json.dumps)", spaced},
		{"as JSON indented by 2", " (JSON.stringify(x, null, 2), jq)", indented(body, "  ")},
		{"as JSON indented by 4", " (json.dumps(indent=4))", indented(body, "    ")},
		{"as JSON indented by tabs", "", indented(body, "\t")},
	}
	if sorted := sortedJSON(body); sorted != nil {
		styles = append(styles, rewrite{"as compact JSON with sorted keys", " (a map written by Go, json.dumps(sort_keys=True))", sorted})
	}
	var out []rewrite
	for _, s := range styles {
		for _, e := range escapes() {
			text := e.apply(s.body)
			out = append(out,
				rewrite{s.how + e.how, s.who, text},
				rewrite{s.how + e.how + " and a line break", s.who, append(bytes.Clone(text), '\n')})
		}
	}
	return out
}

func indented(body []byte, by string) []byte {
	var b bytes.Buffer
	if json.Indent(&b, body, "", by) != nil {
		return body
	}
	return b.Bytes()
}

// spacedJSON puts a space after each comma and colon outside strings.
func spacedJSON(compact []byte) []byte {
	var b bytes.Buffer
	inside, escaped := false, false
	for _, c := range compact {
		b.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case inside && c == '\\':
			escaped = true
		case c == '"':
			inside = !inside
		case !inside && (c == ',' || c == ':'):
			b.WriteByte(' ')
		}
	}
	return b.Bytes()
}

// maxSorted bounds the documents that are decoded to sort their keys.
const maxSorted = 1 << 20

func sortedJSON(body []byte) []byte {
	if len(body) > maxSorted {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// An escape is a way of writing the characters of a JSON string.
type escape struct {
	how   string
	apply func([]byte) []byte
}

func escapes() []escape {
	slash := func(b []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte(`\/`), []byte("/")), []byte("/"), []byte(`\/`))
	}
	return []escape{
		{"", func(b []byte) []byte { return b }},
		{", non-ASCII escaped", asciiJSON},
		{", non-ASCII and slashes escaped", func(b []byte) []byte { return slash(asciiJSON(b)) }},
		{", slashes escaped", slash},
		{", slashes unescaped", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`\/`), []byte("/")) }},
		{", non-ASCII unescaped", unicodeJSON},
		{", <, > and & escaped", htmlJSON},
		{", <, > and & unescaped", plainHTML},
	}
}

// asciiJSON writes every character outside ASCII as \uXXXX.
func asciiJSON(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf || r == utf8.RuneError && n == 1:
			out.Write(b[:n])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out.Bytes()
}

// unicodeJSON writes \uXXXX of printable characters as the characters.
func unicodeJSON(b []byte) []byte {
	var out bytes.Buffer
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 >= len(b) {
			out.WriteByte(b[i])
			continue
		}
		size := 6
		if i+12 <= len(b) && b[i+1] == 'u' && (b[i+2] == 'd' || b[i+2] == 'D') && b[i+6] == '\\' {
			size = 12
		}
		var s string
		if b[i+1] == 'u' && i+size <= len(b) && json.Unmarshal([]byte(`"`+string(b[i:i+size])+`"`), &s) == nil && s >= " " && !strings.ContainsAny(s, `"\`) {
			out.WriteString(s)
			i += size - 1
			continue
		}
		out.Write(b[i : i+2])
		i++
	}
	return out.Bytes()
}

func htmlJSON(b []byte) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, b)
	return out.Bytes()
}

func plainHTML(b []byte) []byte {
	for text, plain := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		b = bytes.ReplaceAll(b, []byte(text), []byte(plain))
	}
	return b
}
