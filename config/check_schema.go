package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Limits of structured outputs
// (https://platform.claude.com/docs/en/build-with-claude/structured-outputs).
const (
	schemaURL      = "https://schema.invalid/" // of the file while it is compiled
	maxSchemaDepth = 64                        // ours: deeper than anybody writes
	maxOptional    = 24                        // parameters that are not required, in the whole schema
	maxUnions      = 16                        // parameters with anyOf or several types
)

// output checks the schema of structured output.
func (h *hookCheck) output() {
	if h.hook.Output == nil {
		return
	}
	path := h.in("output.schema")
	if h.hook.Output.Schema == "" {
		h.wrong(path, "output names no schema", "write schema: FILE, a JSON Schema")
		return
	}
	file := h.shown(path, h.hook.Output.Schema)
	data, err := readFile(resolvePath(h.dir, h.hook.Output.Schema), maxIncluded)
	if err != nil {
		h.wrong(path, fmt.Sprintf("%s: %v", file, err), "name a JSON Schema file; relative paths start at the configuration's directory")
		return
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		h.wrong(path, fmt.Sprintf("%s is not JSON: %s", file, jsonError(data)), "correct the file")
		return
	}
	for _, bad := range checkSchema(schema) {
		h.problems = append(h.problems, h.at(path, file+" "+bad.what, bad.remedy))
	}
}

// jsonError says where data stops being JSON.
func jsonError(data []byte) string {
	var v any
	err := json.Unmarshal(data, &v)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return "there is more after its end"
	}
	before := data[:min(int(syntax.Offset), len(data))]
	return fmt.Sprintf("line %d: %v", 1+bytes.Count(before, []byte("\n")), syntax)
}

// A schemaFault is one thing about a schema that Claude would refuse.
type schemaFault struct{ what, remedy string }

// checkSchema checks that doc is a JSON Schema and keeps to what Claude takes.
func checkSchema(doc any) []schemaFault {
	root, ok := doc.(map[string]any)
	if !ok {
		return []schemaFault{{"is not a JSON object", "write {\"type\": \"object\", ...}"}}
	}
	w := schemaWalk{root: root, done: map[string]bool{}}
	w.schema(root, "", 0)
	if w.optional > maxOptional {
		w.fault("", fmt.Sprintf("has %d optional properties, the most is %d", w.optional, maxOptional), "list more of them in required")
	}
	if w.unions > maxUnions {
		w.fault("", fmt.Sprintf("has %d properties of several types, the most is %d", w.unions, maxUnions), "give more of them one type")
	}
	if len(w.faults) > 0 {
		return w.faults
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return []schemaFault{{"is not a JSON Schema: " + oneLine(err), "correct the file"}}
	}
	if _, err := compiler.Compile(schemaURL); err != nil {
		return []schemaFault{{"is not a JSON Schema: " + oneLine(err), "correct the file"}}
	}
	return nil
}

// noLoader keeps a schema from naming another file or URL.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is outside the file", brief(url))
}

func oneLine(err error) string {
	const most = 200
	text := strings.ReplaceAll(strings.Join(strings.Fields(err.Error()), " "), schemaURL, "")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// A schemaWalk looks at every subschema.
type schemaWalk struct {
	root     map[string]any
	faults   []schemaFault
	optional int
	unions   int
	open     []string        // the $refs being followed, to find recursion
	done     map[string]bool // the $refs that have been followed to their end
}

func (w *schemaWalk) fault(at, what, remedy string) {
	const most = 20
	if len(w.faults) >= most {
		return
	}
	if at != "" {
		what = "at " + at + ": " + what
	}
	if f := (schemaFault{what, remedy}); !slices.Contains(w.faults, f) { // $defs are met by name and by $ref
		w.faults = append(w.faults, f)
	}
}

// unsupported are keywords that the API refuses.
var unsupported = []string{
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
	"maxItems", "uniqueItems", "contains", "prefixItems", "minProperties", "maxProperties", "patternProperties",
	"propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems",
	"if", "then", "else", "not", "oneOf", "$dynamicRef", "$recursiveRef",
}

// schema checks one subschema at the JSON pointer at.
func (w *schemaWalk) schema(s map[string]any, at string, depth int) {
	if depth > maxSchemaDepth {
		w.fault(at, "it is nested too deeply", "make it flatter")
		return
	}
	for _, key := range unsupported {
		if _, has := s[key]; has {
			w.fault(at, key+" is not supported", "remove it, and say it in the description instead")
		}
	}
	w.types(s["type"], at)
	if n, has := s["minItems"]; has && fmt.Sprint(n) != "0" && fmt.Sprint(n) != "1" {
		w.fault(at, "minItems can only be 0 or 1", "write 1, and say more in the description")
	}
	if _, has := s["anyOf"]; has {
		w.unions++
	} else if types, ok := s["type"].([]any); ok && len(types) > 1 {
		w.unions++
	}
	w.object(s, at, depth)
	w.ref(s, at, depth)
	w.children(s, at, depth)
}

// types checks the names of types.
func (w *schemaWalk) types(v any, at string) {
	list, isList := v.([]any)
	if !isList && v != nil {
		list = []any{v}
	}
	for _, name := range list {
		text, _ := name.(string)
		if !slices.Contains(jsonTypes, text) {
			w.fault(at, fmt.Sprintf("there is no type %q", brief(fmt.Sprint(name))), "write "+orList(jsonTypes))
		}
	}
}

var jsonTypes = []string{"object", "array", "string", "integer", "number", "boolean", "null"}

// object checks that an object is closed, and counts its optional properties.
func (w *schemaWalk) object(s map[string]any, at string, depth int) {
	properties, hasProperties := s["properties"].(map[string]any)
	if s["type"] != "object" && !hasProperties {
		return
	}
	if s["additionalProperties"] != false {
		w.fault(at, "the object is open", "write \"additionalProperties\": false")
	}
	required, _ := s["required"].([]any)
	for _, name := range sortedKeys(properties) {
		if !slices.Contains(required, any(name)) {
			w.optional++
		}
		w.any(properties[name], at+"/properties/"+name, depth)
	}
}

// ref checks that $ref stays inside the file and does not lead back to itself.
func (w *schemaWalk) ref(s map[string]any, at string, depth int) {
	ref, has := s["$ref"].(string)
	if !has {
		return
	}
	if !strings.HasPrefix(ref, "#/") && ref != "#" {
		w.fault(at, "$ref leaves the file", "copy the definition into $defs")
		return
	}
	if ref == "#" || ref == "#/" || slices.Contains(w.open, ref) {
		w.fault(at, "the schema refers to itself", "write it out to the depth that is needed")
		return
	}
	target, ok := w.lookup(ref)
	if !ok {
		w.fault(at, "$ref "+brief(ref)+" leads nowhere", "define it under $defs")
		return
	}
	if w.done[ref] {
		return
	}
	w.done[ref] = true
	optional, unions := w.optional, w.unions
	w.open = append(w.open, ref)
	w.any(target, ref[1:], depth)
	w.open = w.open[:len(w.open)-1]
	w.optional, w.unions = optional, unions // definitions are counted where they stand
}

func (w *schemaWalk) lookup(ref string) (any, bool) {
	var v any = w.root
	for part := range strings.SplitSeq(ref[2:], "/") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]; !ok {
			return nil, false
		}
	}
	return v, true
}

// children checks the subschemas of s.
func (w *schemaWalk) children(s map[string]any, at string, depth int) {
	if items, has := s["items"]; has {
		w.any(items, at+"/items", depth)
	}
	for _, key := range []string{"anyOf", "allOf"} {
		list, _ := s[key].([]any)
		for i, sub := range list {
			w.any(sub, fmt.Sprintf("%s/%s/%d", at, key, i), depth)
		}
	}
	for _, key := range []string{"$defs", "definitions"} {
		defs, _ := s[key].(map[string]any)
		for _, name := range sortedKeys(defs) {
			w.any(defs[name], at+"/"+key+"/"+name, depth)
		}
	}
}

// any checks a subschema that should be an object.
func (w *schemaWalk) any(v any, at string, depth int) {
	if s, ok := v.(map[string]any); ok {
		w.schema(s, at, depth+1)
	} else {
		w.fault(at, "a schema is not a JSON object", "write {\"type\": ...}")
	}
}
