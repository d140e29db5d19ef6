package payload

import "strconv"

// MaxDecoded bounds the values that [Value.Decode] makes of a document: a value of a
// few bytes can take a hundred in memory. (A list of empty objects, 25 MB long,
// would take 800 MB.)
const MaxDecoded = 250_000

// Decode returns all of v as map[string]any, []any, string, int64, float64,
// json.Number, bool and nil; see the package comment. A missing value is nil. The
// error is an *Error.
func (v Value) Decode() (any, error) {
	d := decoder{left: MaxDecoded}
	out := d.value(v, 0)
	if d.err != nil {
		return nil, d.err
	}
	return out, nil
}

type decoder struct {
	left int
	err  error
}

// value recurses at most MaxDepth deep.
func (d *decoder) value(v Value, depth int) any {
	if d.left--; d.left < 0 && d.err == nil {
		d.err = &Error{Code: CodeTooLarge, What: "more than " + strconv.Itoa(MaxDecoded) + " values to decode"}
	}
	if depth > MaxDepth && d.err == nil {
		d.err = &Error{Code: CodeTooDeep, What: "more than " + strconv.Itoa(MaxDepth) + " levels"}
	}
	if d.err != nil {
		return nil
	}
	switch v.Type() {
	case Object:
		return d.object(v, depth)
	case Array:
		return d.array(v, depth)
	}
	scalar, _ := v.Scalar()
	return scalar
}

func (d *decoder) object(v Value, depth int) any {
	m := make(map[string]any)
	for key, raw := range v.members() {
		name := unquote(key)
		if _, again := m[name]; again {
			continue
		}
		m[name] = d.value(Value{raw: raw}, depth+1)
		if d.err != nil {
			break
		}
	}
	return m
}

func (d *decoder) array(v Value, depth int) any {
	list := []any{}
	for element := range v.Elements() {
		list = append(list, d.value(element, depth+1))
		if d.err != nil {
			break
		}
	}
	return list
}
