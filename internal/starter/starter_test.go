package starter

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/verify"
)

func TestEverySenderHasAStarter(t *testing.T) {
	t.Parallel()
	for _, name := range verify.Types() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, err := For(name)
			if err != nil {
				t.Fatal(err)
			}
			if st.Type == "" {
				t.Error("the webhook has no type to match")
			}
			text := st.Text()
			for line := range strings.Lines(text) {
				if len(line) > 160 || strings.HasSuffix(line, " \n") {
					t.Errorf("a line is too long or ends in a blank: %q", line)
				}
			}
			if !strings.Contains(text, "try: forebay trigger "+st.Fixture.Name) {
				t.Error("it does not say how to try it")
			}
		})
	}
}

func TestUnknownSender(t *testing.T) {
	t.Parallel()
	_, err := For("strip")
	unknown, ok := errors.AsType[*UnknownError](err)
	if !ok || !strings.Contains(unknown.Error(), "stripe") {
		t.Errorf("got %v, want an error that names stripe", err)
	}
}

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string][]string{
		`{"id":7,"issue":{"title":"It is broken","url":"https://x"}}`:                    {`{{ default "-" .payload.issue.title }}`},
		`{"event-data":{"reason":"no such user"}}`:                                       {`{{ index .payload "event-data" "reason" }}`},
		`{"alerts":[{"summary":"One is full"},{"summary":"Another is full"}]}`:           {`{{ index .payload "alerts" 0 "summary" }}`},
		`{"id":"d3b07384-d113-4ec2-a5d6-4f2a7b1c9e88","created":"2026-11-25T10:30:00Z"}`: nil,
		`[1,2]`: nil,
		`"x"`:   nil,
	} {
		fields, err := fieldsOf([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		var got []string
		for _, f := range fields {
			got = append(got, f.template())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
	if _, err := fieldsOf([]byte(`{"a":`)); err == nil {
		t.Error("broken JSON is taken")
	}
}
