package verify

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// A lookup finds fields of one document in one pass: the fields of the root that
// a row of the table looks into are noted on the way, and a place inside one of
// them is looked for there alone.
type lookup struct {
	keys  []string       // of the root, wanted by the row
	found []gjson.Result // of each key; nil: nobody has looked yet
}

// text is jsonText of the document for a path.
func (l *lookup) text(doc []byte, path string) string {
	key, rest, deeper := strings.Cut(path, ".")
	at := slices.Index(l.keys, key)
	if at < 0 {
		return jsonText(doc, path)
	}
	if l.found == nil && !l.pass(doc) {
		l.keys = nil // no object: paths go elsewhere
		return jsonText(doc, path)
	}
	value := l.found[at]
	if deeper {
		value = value.Get(rest)
	}
	return scalar(value)
}

// pass goes over the fields of the root until all that are wanted are found. Of
// a repeated one the first counts, as in a path.
func (l *lookup) pass(doc []byte) bool {
	root := gjson.ParseBytes(doc)
	if !root.IsObject() {
		return false
	}
	l.found = make([]gjson.Result, len(l.keys))
	left := len(l.keys)
	root.ForEach(func(key, value gjson.Result) bool {
		if at := slices.Index(l.keys, key.Str); at >= 0 && !l.found[at].Exists() {
			l.found[at] = value
			left--
		}
		return left > 0
	})
	return true
}

// wantedKeys lists the fields of the root that places look into. Those that a
// path spells with its own syntax are not among them.
func wantedKeys(all ...place) []string {
	var keys []string
	for _, p := range all {
		for _, alternative := range p {
			for _, one := range alternative {
				key, _, _ := strings.Cut(one.name, ".")
				if one.kind == inJSON && !strings.ContainsAny(key, `*?|#@!{}[]()\:~"`) && !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}
