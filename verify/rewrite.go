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
	json     bool // one notation of JSON for another: the tool shows in what came
}

// cause says what may have made the body that came.
func (v rewrite) cause(came []byte) string {
	if !v.json {
		return v.who
	}
	if tools := writers(came); tools != "" {
		return ", and wrote it as " + tools + " does"
	}
	return v.who
}

// rewrites lists the bodies that r's may have been made of. Only Explain uses
// it: no verifier repairs a body.
func rewrites(r *Request) []rewrite {
	body := r.Body
	out := []rewrite{
		{how: "without the line break at its end", who: " (an editor, or a shell's echo)", body: bytes.TrimRight(body, "\r\n")},
		{how: "with a line break at its end", who: "", body: append(bytes.Clone(body), '\n')},
		{how: "with CR LF at its end", who: "", body: append(bytes.TrimRight(bytes.Clone(body), "\r\n"), '\r', '\n')},
		{how: "with CR LF for every line break", who: " (a text-mode copy)", body: bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))},
		{how: "with LF for every line break", who: " (a text-mode copy)", body: bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))},
		{how: "without its byte order mark", who: "", body: bytes.TrimPrefix(body, []byte("\ufeff"))},
		{how: "without the spaces around it", who: "", body: bytes.TrimSpace(body)},
	}
	out = append(out, recoded(r)...)
	if doc, ok := formField(body, "payload"); ok {
		out = append(out, rewrite{how: "in its form field payload alone", who: " (the sender may be Gitea, which signs that)", body: doc})
	}
	if json.Valid(body) {
		escaped := append([]byte("payload="), escapeNode(string(body))...)
		out = append(out, rewrite{how: "as a form with the field payload", who: " (a proxy or framework that unpacks forms)", body: escaped})
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
		{how: "as compact JSON", body: compact.Bytes()},
		{how: "as JSON with a space after , and :", body: spaced},
		{how: "as JSON with a space after :", body: spacedColons(compact.Bytes())},
		{how: "as JSON indented by 2", body: indented(body, "  ")},
		{how: "as JSON indented by 4", body: indented(body, "    ")},
		{how: "as JSON indented by tabs", body: indented(body, "\t")},
	}
	if sorted := sortedJSON(body); sorted != nil {
		styles = append(styles, rewrite{how: "as compact JSON with sorted keys", body: sorted})
	}
	var out []rewrite
	for _, s := range styles {
		for _, e := range escapes() {
			text := e.apply(s.body)
			out = append(out,
				rewrite{how: s.how + e.how, body: text, json: true},
				rewrite{how: s.how + e.how + " and a line break", body: append(bytes.Clone(text), '\n'), json: true})
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
func spacedJSON(compact []byte) []byte { return spacedAfter(compact, ",:") }

// spacedColons is the same for colons alone.
func spacedColons(compact []byte) []byte { return spacedAfter(compact, ":") }

func spacedAfter(compact []byte, marks string) []byte {
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
		case !inside && strings.IndexByte(marks, c) >= 0:
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
		{", non-ASCII and slashes unescaped", func(b []byte) []byte { return unicodeJSON(bytes.ReplaceAll(b, []byte(`\/`), []byte("/"))) }},
		{", non-ASCII escaped in capitals", capitalJSON},
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
