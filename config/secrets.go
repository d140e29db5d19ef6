package config

import (
	"reflect"
	"strings"
)

// Secrets returns the texts of all secrets, for whoever has to keep them out of
// what leaves. Headers that only say what is sent or wanted are none.
func (c *Config) Secrets() []string {
	var all []string
	collect(reflect.ValueOf(*c), &all)
	return all
}

// collect walks through structs, lists, maps and pointers: a secret that is
// added to the configuration cannot be forgotten here.
func collect(v reflect.Value, all *[]string) {
	switch v.Kind() {
	case reflect.Struct:
		if s, ok := v.Interface().(Secret); ok {
			if !s.Empty() {
				*all = append(*all, s.Reveal())
			}
			return
		}
		for _, field := range v.Fields() {
			if field.CanInterface() {
				collect(field, all)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), all)
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if key.Kind() != reflect.String || !descriptive(key.String()) {
				collect(value, all)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), all)
		}
	default: // no other kind holds a secret
	}
}

// descriptive reports headers that hold no credential.
func descriptive(name string) bool {
	switch name = strings.ToLower(name); name {
	case "accept", "accept-language", "content-type", "user-agent":
		return true
	}
	return strings.HasSuffix(name, "version")
}
