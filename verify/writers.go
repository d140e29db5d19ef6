package verify

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A writer is a tool that writes JSON, told by how it writes.
type writer struct {
	name  string
	write func(compact []byte) []byte // of compact JSON with nothing escaped that need not be
}

// jsonWriters are the notations of common tools with their default settings.
func jsonWriters() []writer {
	indent := func(by string, then func([]byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte { return then(indented(b, by)) }
	}
	same := func(b []byte) []byte { return b }
	slash := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("/"), []byte(`\/`)) }
	php := func(b []byte) []byte { return slash(asciiJSON(b)) }
	return []writer{
		{"JSON.stringify (JavaScript)", same},
		{"json.Marshal (Go)", htmlJSON},
		{"json_encode (PHP)", php},
		{"System.Text.Json (.NET)", func(b []byte) []byte { return capitalJSON(dotNet(b)) }},
		{"json.dumps with separators (Python)", asciiJSON},
		{"json.dumps (Python)", func(b []byte) []byte { return asciiJSON(spacedJSON(b)) }},
		{"json.dumps with ensure_ascii=False (Python)", spacedJSON},
		{"JSON.stringify with an indent of 2, jq or JSON.pretty_generate (Ruby)", indent("  ", same)},
		{"json.dumps with an indent of 2 (Python)", indent("  ", asciiJSON)},
		{"json.MarshalIndent (Go)", indent("  ", htmlJSON)},
		{"JSON.stringify with an indent of 4", indent("    ", same)},
		{"json.dumps with an indent of 4 or json.tool (Python)", indent("    ", asciiJSON)},
		{"json_encode with JSON_PRETTY_PRINT (PHP)", indent("    ", php)},
		{"a pretty printer that indents with tabs", indent("\t", same)},
	}
}

// writers names the tools that would write this document just so; empty: none
// that is known.
func writers(came []byte) string {
	trimmed := bytes.TrimRight(came, "\r\n")
	var compact bytes.Buffer
	if json.Compact(&compact, trimmed) != nil {
		return ""
	}
	plain := plainHTML(unicodeJSON(bytes.ReplaceAll(compact.Bytes(), []byte(`\/`), []byte("/"))))
	var names []string
	for _, w := range jsonWriters() {
		if len(names) < 3 && bytes.Equal(w.write(plain), trimmed) {
			names = append(names, w.name)
		}
	}
	text := strings.Join(names, " or ")
	if text != "" && sortedKeys(trimmed, plain) {
		text += ", from a map with sorted keys"
	}
	return text
}

// sortedKeys reports that the keys of a document with several are in order,
// which hardly any sender's are.
func sortedKeys(came, plain []byte) bool {
	sorted := sortedJSON(plain)
	return sorted != nil && bytes.Equal(sorted, plain) && bytes.Count(came, []byte(`":`)) > 3
}

// dotNet escapes the characters of ASCII that .NET does.
func dotNet(b []byte) []byte {
	var out bytes.Buffer
	for _, c := range b {
		switch c {
		case '<', '>', '&', '\'', '+', '`':
			out.WriteString(`\u00`)
			out.WriteByte("0123456789ABCDEF"[c>>4])
			out.WriteByte("0123456789ABCDEF"[c&15])
		default:
			out.WriteByte(c)
		}
	}
	return out.Bytes()
}

// capitalJSON writes every character outside ASCII as \uXXXX with capitals.
func capitalJSON(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		_, n := utf8.DecodeRune(b)
		if text := asciiJSON(b[:n]); len(text) > n && text[0] == '\\' {
			out.WriteString(strings.ReplaceAll(strings.ToUpper(string(text)), `\U`, `\u`))
		} else {
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.Bytes()
}
