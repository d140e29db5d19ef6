package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A decoder walks the nodes of a YAML document along the fields of Config. It
// goes on after a mistake, so that all of them are reported at once.
type decoder struct {
	file       string
	dir        string
	getenv     Getenv
	lines      []string
	problems   []Problem
	sites      map[string]site     // where each setting stands, by path
	tricks     map[*yaml.Node]bool // nodes that have been refused already
	unreadable bool                // the file is not even YAML: nothing more can be said about it
}

// A site is the place of one setting in the file.
type site struct {
	line, column int
	text         *yaml.Node // of a scalar
	bad          bool       // refused already: checks keep silent about it
}

// raw returns the text in the file where variables were replaced in it, and
// nothing elsewhere.
func (s site) raw() string {
	if s.text == nil || !strings.Contains(s.text.Value, "${") {
		return ""
	}
	return s.text.Value
}

func (d *decoder) config(root *yaml.Node, c *Config) {
	d.mapping("", root, reflect.ValueOf(c).Elem())
}

// syntax reports a mistake after which nothing more can be decoded.
func (d *decoder) syntax(line, column int, what, remedy string) {
	d.unreadable = true
	d.problem("", place{line, column}, what, remedy)
}

// problem reports a mistake in the setting at path.
func (d *decoder) problem(path string, at place, what, remedy string) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: at.line, Column: at.column, Path: path, Message: what, Remedy: remedy,
	})
}

// A place is a line and a column, counted from 1.
type place struct{ line, column int }

func placeOf(n *yaml.Node) place { return place{n.Line, n.Column} }

// refuse reports that the value n of path is wrong.
func (d *decoder) refuse(path string, n *yaml.Node, what, remedy string) {
	if !d.tricks[n] {
		d.problem(path, placeOf(n), what, remedy)
	}
	d.spoil(path)
}

// spoil keeps the checks from complaining about path again.
func (d *decoder) spoil(path string) {
	s := d.sites[path]
	s.bad = true
	d.sites[path] = s
}

// value decodes n into v, which is the setting at path.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *Secret:
		d.secret(path, n, p)
		return
	case *Duration:
		d.scalar(path, n, "a duration", func(text string) (remedy string, err error) { return p.set(text) })
		return
	case *Percent:
		d.scalar(path, n, "a share", func(text string) (remedy string, err error) { return p.set(text) })
		return
	case *ByteSize:
		d.scalar(path, n, "a size", func(text string) (remedy string, err error) { return p.set(text) })
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, n, v.Elem())
	case reflect.Map:
		d.table(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.basic(path, n, v)
	}
}

// mapping decodes the mapping n into the struct v.
func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	keys := settings(v.Type())
	if !d.isMapping(path, n, "settings: "+someOf(keys)) {
		return
	}
	for key, val := range d.pairs(path, n) {
		i, known := keys[key.Value]
		if !known {
			d.unknownKey(path, key, v.Type())
			continue
		}
		at := join(path, key.Value)
		d.sites[at] = siteOf(key, val)
		d.value(at, val, v.Field(i))
	}
}

// table decodes the mapping n into the map v, whose keys the user chooses.
func (d *decoder) table(path string, n *yaml.Node, v reflect.Value) {
	if !d.isMapping(path, n, "name: value lines") {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for key, val := range d.pairs(path, n) {
		at := join(path, key.Value)
		d.sites[at] = siteOf(key, val)
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(at, val, elem)
		v.SetMapIndex(reflect.ValueOf(key.Value), elem)
	}
}

// list decodes the sequence n into the slice v.
func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		remedy := "write it as a list: [...]"
		if n.Kind == yaml.ScalarNode && !isNull(n) && v.Type().Elem().Kind() == reflect.String {
			remedy = fmt.Sprintf("write [%q]", n.Value)
		} else if n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "${") {
			remedy = fmt.Sprintf("write [%q]", n.Value)
		}
		d.refuse(path, n, name(path)+" is a list, this is "+kind(n), remedy)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.sites[at] = siteOf(item, item)
		d.value(at, item, v.Index(i))
	}
}

func (d *decoder) isMapping(path string, n *yaml.Node, want string) bool {
	if n.Kind == yaml.MappingNode {
		return true
	}
	d.refuse(path, n, name(path)+" has settings of its own, this is "+kind(n), "write under it "+want)
	return false
}

// pairs yields the keys and values of the mapping n, leaving out keys that are
// no plain text or stand there twice.
func (d *decoder) pairs(path string, n *yaml.Node) func(yield func(key, val *yaml.Node) bool) {
	return func(yield func(key, val *yaml.Node) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, val := n.Content[i], n.Content[i+1]
			first, again := seen[key.Value]
			switch {
			case d.tricks[key]:
			case key.Kind != yaml.ScalarNode:
				d.problem(path, placeOf(key), "a key is "+kind(key), "write a plain name before the colon")
			case key.Value == "<<" && key.ShortTag() == "!!merge":
				d.problem(path, placeOf(key), "merge keys (<<) are not supported", "write the settings out")
				d.spoil(path)
			case again:
				d.problem(join(path, key.Value), placeOf(key),
					fmt.Sprintf("%q is set twice, first in line %d", key.Value, first), "keep one of the two")
			default:
				seen[key.Value] = key.Line
				if !yield(key, val) {
					return
				}
			}
		}
	}
}

// unknownKey reports a key that t does not have, with what may have been meant.
func (d *decoder) unknownKey(path string, key *yaml.Node, t reflect.Type) {
	at := join(path, key.Value)
	if later[t.Name()+"."+key.Value] {
		d.problem(at, placeOf(key), fmt.Sprintf("%q is not available in this version", key.Value), "remove it")
		return
	}
	keys := settings(t)
	remedy := "known here: " + allOf(keys)
	if near := nearest(key.Value, sortedKeys(keys)); near != "" {
		remedy = "did you mean " + near + "?"
		d.spoil(join(path, near)) // it is not missing, it is misspelt
	}
	d.problem(at, placeOf(key), fmt.Sprintf("unknown setting %q", key.Value), remedy)
}

// later are settings that the documentation plans and this version lacks.
var later = map[string]bool{
	"Hook.weight": true, "Hook.budget": true, "Hook.fair_by": true,
	"Hook.reuse": true, "Hook.dedupe": true, "Hook.reconcile": true,
	"Claude.admin_key": true,
}

// settings maps the keys of a struct to its fields.
func settings(t reflect.Type) map[string]int {
	keys := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			keys[tag] = i
		}
	}
	return keys
}

// siteOf places complaints about a scalar or a flow value at the value, and
// about a block at its key.
func siteOf(key, val *yaml.Node) site {
	if val.Kind == yaml.ScalarNode {
		return site{line: val.Line, column: val.Column, text: val}
	}
	if val.Style&yaml.FlowStyle != 0 {
		return site{line: val.Line, column: val.Column}
	}
	return site{line: key.Line, column: key.Column}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// name is the last part of a path, for messages.
func name(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		path = path[i+1:]
	}
	if path == "" {
		return "the file"
	}
	return path
}
