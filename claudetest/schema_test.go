package claudetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/claudetest"
)

// Another implementation of JSON Schema is the judge of structured output.
func TestStructuredOutputHonoursItsSchema(t *testing.T) {
	t.Parallel()
	s := new(claudetest.Server)
	for _, schema := range []string{
		`{"type":"object","additionalProperties":false,"required":["a","b","c","d"],"properties":{
			"a":{"type":"string"},"b":{"type":"integer"},"c":{"type":"number"},"d":{"type":"boolean"}}}`,
		`{"type":"object","additionalProperties":false,"required":["when","mail","level","kind"],"properties":{
			"when":{"type":"string","format":"date-time"},"mail":{"type":"string","format":"email"},
			"level":{"enum":["low","high",3,null]},"kind":{"const":"x"}}}`,
		`{"type":"object","additionalProperties":false,"required":["list"],"properties":{"list":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/row"}}},
			"$defs":{"row":{"type":"object","additionalProperties":false,"required":["n"],"properties":{"n":{"type":["integer","null"]}}}}}`,
		`{"anyOf":[{"type":"null"},{"type":"string"}]}`,
		`{"type":"array","items":{"type":"array","items":{"type":"string","format":"uuid"}}}`,
	} {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource("schema.json", document); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile("schema.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, prompt := range []string{"a", "b", "c"} {
			got := serve(s, body("claude-haiku-5-5", prompt, `,"output_config":{"format":{"type":"json_schema","schema":`+schema+`}}`))
			var m struct{ Content []struct{ Type, Text string } }
			if err := json.Unmarshal(got.Body.Bytes(), &m); err != nil || got.Code != 200 {
				t.Fatalf("%d %s: %v", got.Code, got.Body, err)
			}
			text := m.Content[len(m.Content)-1].Text
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err == nil {
				err = compiled.Validate(value)
			}
			if err != nil {
				t.Errorf("%s does not fit %s: %v", text, schema, err)
			}
		}
	}
}
