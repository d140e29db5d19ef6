package claudetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// A schema has bounds, so that a hostile one costs little.
const (
	maxSchemaDepth = 32
	maxSchemaNodes = 20_000
)

// A sampler checks a JSON schema against what structured outputs take
// (https://platform.claude.com/docs/en/build-with-claude/structured-outputs)
// and makes a value that fits it.
type sampler struct {
	root  map[string]any
	rng   *rand.Rand
	nodes int
}

var errSchema = errors.New("the schema is too complex")

// checkSchema refuses what the API refuses: objects that are open, recursion,
// and keywords that bound numbers and lengths.
func checkSchema(root any) error {
	object, ok := root.(map[string]any)
	if !ok {
		return errors.New("Input should be a valid dictionary") //nolint:staticcheck // the words of the API
	}
	s := &sampler{root: object, rng: rand.New(rand.NewPCG(0, 0))}
	return s.check(object, 0)
}

func (s *sampler) check(node any, depth int) error {
	if s.nodes++; s.nodes > maxSchemaNodes || depth > maxSchemaDepth {
		return errSchema
	}
	schema, ok := node.(map[string]any)
	if !ok {
		return errors.New("each schema must be an object")
	}
	for _, word := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems"} {
		if _, has := schema[word]; has {
			return fmt.Errorf("for '%v' type, property '%s' is not supported", schema["type"], word)
		}
	}
	if ref, has := schema["$ref"].(string); has {
		target, err := s.resolve(ref)
		if err != nil {
			return err
		}
		return s.check(target, depth+1)
	}
	if isType(schema, "object") && schema["additionalProperties"] != false {
		return errors.New("for 'object' type, 'additionalProperties' must be explicitly set to false")
	}
	return s.checkParts(schema, depth)
}

func (s *sampler) checkParts(schema map[string]any, depth int) error {
	parts := []any{}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, part := range properties {
			parts = append(parts, part)
		}
	}
	if items, ok := schema["items"]; ok {
		parts = append(parts, items)
	}
	for _, word := range []string{"anyOf", "oneOf", "allOf"} {
		if list, ok := schema[word].([]any); ok {
			parts = append(parts, list...)
		}
	}
	for _, part := range parts {
		if err := s.check(part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// resolve follows a reference within the document.
func (s *sampler) resolve(ref string) (any, error) {
	var node any = s.root
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("external $ref %q is not supported", ref)
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			continue
		}
		object, ok := node.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("$ref %q leads nowhere", ref)
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		if node, ok = object[step]; !ok {
			return nil, fmt.Errorf("$ref %q leads nowhere", ref)
		}
	}
	return node, nil
}

func isType(schema map[string]any, name string) bool {
	switch t := schema["type"].(type) {
	case string:
		return t == name
	case []any:
		return slices.Contains(t, any(name))
	}
	_, object := schema["properties"]
	return name == "object" && object
}

// sampleJSON makes a value for a schema that passed the check.
func sampleJSON(schema json.RawMessage, rng *rand.Rand) string {
	var root map[string]any
	if err := json.Unmarshal(schema, &root); err != nil {
		return "{}"
	}
	s := &sampler{root: root, rng: rng}
	return string(mustJSON(s.value(root, "value", 0)))
}

func (s *sampler) value(node any, name string, depth int) any {
	schema, ok := node.(map[string]any)
	if s.nodes++; !ok || s.nodes > maxSchemaNodes || depth > maxSchemaDepth {
		return nil
	}
	if ref, ok := schema["$ref"].(string); ok {
		target, err := s.resolve(ref)
		if err != nil {
			return nil
		}
		return s.value(target, name, depth+1)
	}
	if fixed, ok := schema["const"]; ok {
		return fixed
	}
	if list, ok := schema["enum"].([]any); ok && len(list) > 0 {
		return list[s.rng.IntN(len(list))]
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		if list, ok := schema[word].([]any); ok && len(list) > 0 {
			return s.value(list[0], name, depth+1)
		}
	}
	return s.typed(schema, name, depth)
}

func (s *sampler) typed(schema map[string]any, name string, depth int) any {
	switch {
	case schema["allOf"] != nil, isType(schema, "object"):
		return s.object(schema, depth)
	case isType(schema, "array"):
		list := []any{}
		for range 1 + s.rng.IntN(2) {
			list = append(list, s.value(schema["items"], name, depth+1))
		}
		return list
	case isType(schema, "string"):
		return sampleString(schema, name)
	case isType(schema, "integer"):
		return 1 + s.rng.IntN(5)
	case isType(schema, "number"):
		return float64(s.rng.IntN(100)) / 100
	case isType(schema, "boolean"):
		return s.rng.IntN(2) == 0
	case isType(schema, "null"):
		return nil
	}
	return sampleString(schema, name)
}

func (s *sampler) object(schema map[string]any, depth int) any {
	out := map[string]any{}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			out[key] = s.value(properties[key], key, depth+1)
		}
	}
	list, _ := schema["allOf"].([]any)
	for _, part := range list {
		if more, ok := s.value(part, "", depth+1).(map[string]any); ok {
			maps.Copy(out, more)
		}
	}
	return out
}

func sampleString(schema map[string]any, name string) string {
	switch schema["format"] {
	case "date-time":
		return "2026-01-02T15:04:05Z"
	case "date":
		return "2026-01-02"
	case "time":
		return "15:04:05Z"
	case "duration":
		return "PT5M"
	case "email":
		return "simulated@example.com"
	case "hostname":
		return "example.com"
	case "uri":
		return "https://example.com/simulated"
	case "ipv4":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "uuid":
		return "3fa85f64-5717-4562-b3fc-2c963f66afa6"
	}
	return "simulated " + strings.ReplaceAll(name, "_", " ")
}
