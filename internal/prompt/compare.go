package prompt

import (
	"cmp"
	"fmt"
)

// equal compares two values. Numbers compare as numbers, whatever their kind;
// values of different kinds are not equal.
func equal(a, b any) (bool, error) {
	a, err := unwrap(a)
	if err != nil {
		return false, err
	}
	if b, err = unwrap(b); err != nil {
		return false, err
	}
	x, isNumber := number(a)
	y, alsoNumber := number(b)
	if isNumber && alsoNumber {
		return x == y, nil
	}
	return a == b, nil
}

// compare orders two numbers or two texts.
func compare(a, b any) (int, error) {
	a, err := unwrap(a)
	if err != nil {
		return 0, err
	}
	if b, err = unwrap(b); err != nil {
		return 0, err
	}
	x, isNumber := number(a)
	y, alsoNumber := number(b)
	if isNumber && alsoNumber {
		return cmp.Compare(x, y), nil
	}
	s, isText := a.(string)
	t, alsoText := b.(string)
	if isText && alsoText {
		return cmp.Compare(s, t), nil
	}
	return 0, &Error{Code: CodeFailed, Message: fmt.Sprintf("%s and %s have no order", kindOf(a), kindOf(b))}
}

// unwrap returns a value that Go can compare: a text for data, nil for null.
func unwrap(x any) (any, error) {
	d, ok := x.(*datum)
	if !ok {
		return x, nil
	}
	if d.v == nil {
		return nil, nil
	}
	text, _, err := d.text()
	return text, err
}

func number(x any) (float64, bool) {
	switch n := x.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
