package payload

import (
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Type is the JSON type of a [Value].
type Type int

// The types of values. Missing is the type of the zero Value.
const (
	Missing Type = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// A Value is one JSON value inside a document. It keeps the document's bytes,
// and reads them when it is asked: getting one field decodes nothing else. The
// zero Value is missing.
//
// A Value is valid as long as nobody changes the bytes, and safe for concurrent
// use.
type Value struct{ raw []byte }

// Parse returns the document b, which should have passed [Check]. A document
// that would not have passed reads as something arbitrary.
func Parse(b []byte) Value {
	start, end := skipSpace(b, skipBOM(b)), len(b)
	for end > start && isSpace(b[end-1]) {
		end--
	}
	return Value{raw: b[start:end]}
}

// Raw returns the bytes of the value in the document.
func (v Value) Raw() []byte { return v.raw }

// Type returns the type of v.
func (v Value) Type() Type {
	if len(v.raw) == 0 {
		return Missing
	}
	switch v.raw[0] {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Get returns the member of an object; ok is false if there is none, and for
// values that are not objects.
func (v Value) Get(name string) (member Value, ok bool) {
	if v.Type() != Object {
		return Value{}, false
	}
	odd := strings.ContainsRune(name, utf8.RuneError) // may stand for bytes that are not UTF-8
	for key, value := range v.members() {
		if isName(key, name, odd) {
			return Value{raw: value}, true
		}
	}
	return Value{}, false
}

// isName compares a name as it stands in the document, between its quotes, with
// a decoded one.
func isName(key []byte, name string, odd bool) bool {
	if string(key) == name {
		return true
	}
	for _, c := range key {
		if c == '\\' || (odd && c >= utf8.RuneSelf) {
			return unquote(key) == name
		}
	}
	return false
}

// Index returns an element of an array; ok is false out of bounds, and for
// values that are not arrays.
func (v Value) Index(i int) (element Value, ok bool) {
	if i < 0 {
		return Value{}, false
	}
	for element := range v.Elements() {
		if i == 0 {
			return element, true
		}
		i--
	}
	return Value{}, false
}

// Len returns the number of elements or of distinct members; 0 for other types.
func (v Value) Len() int {
	n := 0
	if v.Type() == Object {
		for range v.Members() {
			n++
		}
		return n
	}
	for range v.Elements() {
		n++
	}
	return n
}

// Members yields the members of an object in their order, each name once.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Type() != Object {
			return
		}
		seen := make(map[string]struct{})
		for key, value := range v.members() {
			name := unquote(key)
			if _, again := seen[name]; again {
				continue
			}
			seen[name] = struct{}{}
			if !yield(name, Value{raw: value}) {
				return
			}
		}
	}
}

// members yields the raw names, without quotes, and the raw values of an object.
func (v Value) members() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		b, i := v.raw, 1
		for {
			if i = skipSpace(b, i); i >= len(b) || b[i] != '"' {
				return
			}
			start, end := i+1, stringEnd(b, i)
			if i = skipSpace(b, end); i >= len(b) || end-1 < start {
				return
			}
			key := b[start : end-1]
			from := skipSpace(b, i+1) // after the colon
			i = valueEnd(b, from)
			if i == from || !yield(key, b[from:i]) {
				return
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
				return
			}
			i++
		}
	}
}

// Elements yields the elements of an array in their order.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Type() != Array {
			return
		}
		for b, i := v.raw, 1; ; i++ { // i is after the bracket or a comma
			from := skipSpace(b, i)
			if i = valueEnd(b, from); i == from || !yield(Value{raw: b[from:i]}) {
				return
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
				return
			}
		}
	}
}

// Bool returns the truth of a bool; false for other types.
func (v Value) Bool() bool { return len(v.raw) > 0 && v.raw[0] == 't' }

// Text returns a string decoded, and any other value as it stands in the
// document.
func (v Value) Text() string {
	if v.Type() != String {
		return string(v.raw)
	}
	return unquote(v.raw[1:max(1, len(v.raw)-1)])
}

// Scalar returns a bool, number, string or null as the package comment says:
// bool, int64, float64, json.Number, string or nil. For objects, arrays and
// missing values ok is false.
func (v Value) Scalar() (scalar any, ok bool) {
	switch v.Type() {
	case Bool:
		return v.Bool(), true
	case Null:
		return nil, true
	case String:
		return v.Text(), true
	case Number:
		return number(v.raw), true
	}
	return nil, false
}

// number returns an int64, a float64, or a json.Number for what neither holds.
func number(raw []byte) any {
	integer := true
	for _, c := range raw {
		if c == '.' || c|0x20 == 'e' {
			integer = false
			break
		}
	}
	if integer {
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
			return n
		}
		return json.Number(raw)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return json.Number(raw)
	}
	return f
}
