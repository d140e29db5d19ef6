package payload

// Lookup returns the value at a path of member names from the top of the
// document b; ok is false if there is none.
func Lookup(b []byte, path ...string) (v Value, ok bool) {
	v = Parse(b)
	for _, name := range path {
		if v, ok = v.Get(name); !ok {
			return Value{}, false
		}
	}
	return v, v.Type() != Missing
}

// Decode checks b and returns it as map[string]any, []any, string, int64,
// float64, json.Number, bool and nil; see the package comment. The error is an
// *Error.
func Decode(b []byte) (any, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	return Parse(b).Decode()
}
