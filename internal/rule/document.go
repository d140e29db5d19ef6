package rule

import (
	"encoding/json"
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/forebayhq/forebay/internal/payload"
)

// toVal returns a JSON value as CEL sees it: null, bool, string and list as
// such, whole numbers as int, other numbers as double, numbers that neither
// holds as string, and objects as maps that are read when they are asked.
func toVal(v payload.Value) ref.Val {
	switch v.Type() {
	case payload.Object:
		return &object{v: v}
	case payload.Array:
		elements := []ref.Val{}
		for element := range v.Elements() {
			elements = append(elements, toVal(element))
		}
		return list{Lister: types.NewRefValList(types.DefaultTypeAdapter, elements), bytes: len(v.Raw())}
	}
	scalar, _ := v.Scalar()
	switch s := scalar.(type) {
	case bool:
		return types.Bool(s)
	case int64:
		return types.Int(s)
	case float64:
		return types.Double(s)
	case string:
		return types.String(s)
	case json.Number:
		return types.String(s)
	}
	return types.NullValue
}

// object is a JSON object as a CEL map. The first fields that a rule asks for
// are found by scanning the bytes; when it asks for many, all of them are
// indexed once, so that no rule can make a big payload be read over and over.
// It belongs to one Input, so to one goroutine.
type object struct {
	v      payload.Value
	recent []*member          // what was asked for, until there is an index
	index  map[string]*member // nil until needed
	names  []string           // the order of index
}

// member is one answer: a value, converted when it is used, or none.
type member struct {
	name  string
	raw   payload.Value
	found bool
	val   ref.Val
}

// maxRecent is the number of scans that one object gets.
const maxRecent = 6

func (m *member) value() ref.Val {
	if m.val == nil {
		m.val = toVal(m.raw)
	}
	return m.val
}

func (o *object) member(name string) *member {
	if o.index != nil {
		return o.index[name]
	}
	for _, m := range o.recent {
		if m.name == name {
			return m.orNil()
		}
	}
	if len(o.recent) == maxRecent {
		o.load()
		return o.index[name]
	}
	m := &member{name: name}
	m.raw, m.found = o.v.Get(name)
	o.recent = append(o.recent, m)
	return m.orNil()
}

func (m *member) orNil() *member {
	if m.found {
		return m
	}
	return nil
}

// load indexes all members, and keeps those that were used already.
func (o *object) load() {
	if o.index != nil {
		return
	}
	o.index = make(map[string]*member)
	for name, raw := range o.v.Members() {
		o.names = append(o.names, name)
		o.index[name] = &member{name: name, raw: raw, found: true}
	}
	for _, m := range o.recent {
		if m.found {
			o.index[m.name] = m
		}
	}
	o.recent = nil
}

// FindStringKey is cel-go's short cut for names that are constant.
func (o *object) FindStringKey(name string) (any, bool) {
	if m := o.member(name); m != nil {
		return m.value(), true
	}
	return nil, false
}

// Find returns the member that key names.
func (o *object) Find(key ref.Val) (ref.Val, bool) {
	if name, ok := key.(types.String); ok {
		if m := o.member(string(name)); m != nil {
			return m.value(), true
		}
	}
	return nil, false
}

// Get is Find with an error.
func (o *object) Get(key ref.Val) ref.Val {
	if v, ok := o.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains serves the operator in.
func (o *object) Contains(key ref.Val) ref.Val {
	_, ok := o.Find(key)
	return types.Bool(ok)
}

// Size returns the number of members.
func (o *object) Size() ref.Val {
	o.load()
	return types.Int(len(o.names))
}

// IsZeroValue reports whether there is no member.
func (o *object) IsZeroValue() bool { return o.Size() == types.IntZero }

// Iterator walks the names in the order of the document.
func (o *object) Iterator() traits.Iterator {
	o.load()
	return &iterator{names: o.names}
}

// Equal compares with another map.
func (o *object) Equal(other ref.Val) ref.Val {
	m, ok := other.(traits.Mapper)
	if !ok || m.Size() != o.Size() {
		return types.False
	}
	for _, name := range o.names {
		theirs, found := m.Find(types.String(name))
		if !found || types.Equal(o.index[name].value(), theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

// ConvertToType converts to a map or a type, and to nothing else.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("type conversion error from '%s' to '%s'", types.MapType, t)
}

// ConvertToNative is not needed by any rule.
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	if reflect.TypeFor[*object]().AssignableTo(t) {
		return o, nil
	}
	return nil, fmt.Errorf("unsupported conversion of an object to %v", t)
}

// Type returns the map type.
func (o *object) Type() ref.Type { return types.MapType }

// Value returns o: there is no other form of it.
func (o *object) Value() any { return o }

// String keeps payloads out of error messages.
func (o *object) String() string { return "{...}" }

type iterator struct {
	names []string
	next  int
}

func (i *iterator) HasNext() ref.Val { return types.Bool(i.next < len(i.names)) }

func (i *iterator) Next() ref.Val {
	if i.next >= len(i.names) {
		return nil
	}
	i.next++
	return types.String(i.names[i.next-1])
}

func (i *iterator) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("unsupported conversion of an iterator to %v", t)
}
func (i *iterator) ConvertToType(ref.Type) ref.Val { return types.NewErr("no such overload") }
func (i *iterator) Equal(ref.Val) ref.Val          { return types.NewErr("no such overload") }
func (i *iterator) Type() ref.Type                 { return types.IteratorType }
func (i *iterator) Value() any                     { return nil }
