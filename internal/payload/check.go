package payload

import (
	"encoding/binary"
	"strconv"
)

// Bounds of a JSON document. Real senders stay far below: GitHub's deepest
// payload has about 10 levels and its largest, 25 MB, about a million values.
const (
	MaxDepth  = 1000
	MaxValues = 2_000_000
)

// Codes of an [Error].
const (
	CodeInvalid  = "invalid_json"    // not one JSON value
	CodeTooDeep  = "too_deep"        // more than MaxDepth containers inside each other
	CodeTooMany  = "too_many_values" // more than MaxValues values
	CodeTooLarge = "too_large"       // more text than Decode makes
)

// An Error says why a document was refused. It never quotes the document.
type Error struct {
	Code   string
	Offset int    // the byte at which reading stopped
	What   string // in words
}

// Error returns the code, the reason and the place.
func (e *Error) Error() string {
	return e.Code + ": " + e.What + " at byte " + strconv.Itoa(e.Offset)
}

// Hint says what the sender may do about it.
func (e *Error) Hint() string {
	switch e.Code {
	case CodeTooDeep:
		return "send at most " + strconv.Itoa(MaxDepth) + " levels of objects and arrays"
	case CodeTooMany:
		return "send fewer values in one body, or send them as several requests"
	case CodeTooLarge:
		return "use single fields of the document in place of all of it"
	}
	return "send one complete JSON value, or a content type other than JSON"
}

// Check reports whether b is one JSON value within the bounds, surrounded by
// white space at most. The error is an *Error.
//
// It accepts what encoding/json accepts, and a byte order mark in front. It
// reads b once, front to back, does not recurse, and allocates nothing but the
// error.
func Check(b []byte) error {
	c := checker{b: b}
	c.i = skipBOM(b)
	if c.document(); c.code == "" {
		return nil
	}
	return &Error{Code: c.code, Offset: min(c.i, len(b)), What: c.what}
}

// checker is the state of one Check. The stack is a bit per open container: set
// for an object.
type checker struct {
	b      []byte
	i      int
	depth  int
	values int
	code   string
	what   string
	stack  [MaxDepth/64 + 1]uint64
}

func (c *checker) fail(code, what string) bool {
	c.code, c.what = code, what
	return false
}

func (c *checker) document() bool {
	for c.value() {
		if !c.after() {
			return false
		}
		if c.depth == 0 {
			return true
		}
	}
	return false
}

// value reads one value, or opens containers up to the first value in them. An
// empty container is a value.
func (c *checker) value() bool {
	for {
		if c.values++; c.values > MaxValues {
			return c.fail(CodeTooMany, "more than "+strconv.Itoa(MaxValues)+" values")
		}
		c.space()
		if c.i >= len(c.b) {
			return c.fail(CodeInvalid, "the text ends where a value should be")
		}
		switch ch := c.b[c.i]; ch {
		case '"':
			return c.text()
		case '{', '[':
			if c.depth == MaxDepth {
				return c.fail(CodeTooDeep, "more than "+strconv.Itoa(MaxDepth)+" levels")
			}
			c.push(ch == '{')
			c.i++
			c.space()
			if c.i < len(c.b) && c.b[c.i] == ch+2 { // '}' is '{'+2, ']' is '['+2
				c.i++
				c.depth--
				return true
			}
			if ch == '{' && !c.name() {
				return false
			}
		case 't':
			return c.literal("true")
		case 'f':
			return c.literal("false")
		case 'n':
			return c.literal("null")
		default:
			return c.number()
		}
	}
}

// after reads what follows a value: closing brackets, then a comma (and a name,
// in an object), or the end of the text.
func (c *checker) after() bool {
	for c.depth > 0 {
		c.space()
		if c.i >= len(c.b) {
			return c.fail(CodeInvalid, "the text ends inside an object or array")
		}
		object := c.inObject()
		switch ch := c.b[c.i]; {
		case ch == ',':
			c.i++
			return !object || c.name()
		case ch == '}' && object, ch == ']' && !object:
			c.i++
			c.depth--
		case object:
			return c.fail(CodeInvalid, "expected , or } after a value")
		default:
			return c.fail(CodeInvalid, "expected , or ] after a value")
		}
	}
	c.space()
	if c.i < len(c.b) {
		return c.fail(CodeInvalid, "more text after the value")
	}
	return true
}

// name reads a member's name and the colon.
func (c *checker) name() bool {
	c.space()
	if c.i >= len(c.b) || c.b[c.i] != '"' {
		return c.fail(CodeInvalid, "expected a name in double quotes")
	}
	if !c.text() {
		return false
	}
	c.space()
	if c.i >= len(c.b) || c.b[c.i] != ':' {
		return c.fail(CodeInvalid, "expected : after a name")
	}
	c.i++
	return true
}

func (c *checker) space() {
	for c.i < len(c.b) && c.b[c.i] <= ' ' && isSpace(c.b[c.i]) {
		c.i++
	}
}

func (c *checker) push(object bool) {
	word, bit := c.depth>>6, uint64(1)<<(c.depth&63)
	if object {
		c.stack[word] |= bit
	} else {
		c.stack[word] &^= bit
	}
	c.depth++
}

func (c *checker) inObject() bool {
	d := c.depth - 1
	return c.stack[d>>6]>>(d&63)&1 == 1
}

// text reads a string, its opening quote included.
func (c *checker) text() bool {
	b, i := c.b, c.i+1
	for {
		for i+8 <= len(b) {
			odd := special(binary.LittleEndian.Uint64(b[i:]))
			if odd != 0 {
				i += firstByte(odd)
				break
			}
			i += 8
		}
		for i < len(b) && plain[b[i]] { // the last few bytes of the text
			i++
		}
		c.i = i
		switch {
		case i >= len(b):
			return c.fail(CodeInvalid, "the text ends inside a string")
		case b[i] == '"':
			c.i++
			return true
		case b[i] != '\\':
			return c.fail(CodeInvalid, "a control character inside a string")
		}
		if i = escapeEnd(b, i); i < 0 {
			return c.fail(CodeInvalid, "an unknown escape inside a string")
		}
	}
}

func (c *checker) literal(word string) bool {
	if len(c.b)-c.i < len(word) || string(c.b[c.i:c.i+len(word)]) != word {
		return c.fail(CodeInvalid, "expected a value")
	}
	c.i += len(word)
	return true
}

// number reads a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func (c *checker) number() bool {
	b, i := c.b, c.i
	if b[i] == '-' {
		i++
	}
	first := i
	i = digits(b, i)
	if i == first || (b[first] == '0' && i > first+1) {
		return c.fail(CodeInvalid, "expected a value")
	}
	if i < len(b) && b[i] == '.' {
		start := i + 1
		if i = digits(b, start); i == start {
			return c.fail(CodeInvalid, "a number without digits after its point")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start := i
		if i = digits(b, start); i == start {
			return c.fail(CodeInvalid, "a number without digits in its exponent")
		}
	}
	c.i = i
	return true
}
