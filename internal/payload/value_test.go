package payload_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/payload"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	body := pullRequest(t)
	cases := []struct {
		path string
		want any
	}{
		{"action", "opened"},
		{"number", int64(42)},
		{"pull_request.draft", false},
		{"pull_request.merged_at", nil},
		{"pull_request.head.repo.full_name", "octo/repo"},
		{"repository.description", `A small service that "counts" things — naïvely`},
		{"installation.id", int64(375706)},
	}
	for _, c := range cases {
		v, ok := payload.Lookup(body, strings.Split(c.path, ".")...)
		got, scalar := v.Scalar()
		if !ok || !scalar || got != c.want {
			t.Errorf("%s: got %#v (%v), want %#v", c.path, got, ok, c.want)
		}
	}
	for _, path := range []string{"nothing", "action.x", "pull_request.nothing", "pull_request.labels.name", "Action"} {
		if v, ok := payload.Lookup(body, strings.Split(path, ".")...); ok {
			t.Errorf("%s: got %s, want nothing", path, v.Raw())
		}
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   string
		want any
	}{
		{`42`, int64(42)},
		{`-7`, int64(-7)},
		{`9223372036854775807`, int64(9223372036854775807)},
		{`9223372036854775808`, json.Number("9223372036854775808")},
		{`123456789012345678901234567890`, json.Number("123456789012345678901234567890")},
		{`2.50`, 2.5},
		{`42.0`, 42.0},
		{`1e3`, 1000.0},
		{`1e400`, json.Number("1e400")},
		{`-1e400`, json.Number("-1e400")},
		{`1e-400`, 0.0},
		{`true`, true},
		{`false`, false},
		{`null`, nil},
		{`"a\u0000b"`, "a\x00b"},
		{`"\ud83d\ude80"`, "\U0001f680"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ud83dx"`, "\ufffdx"},
		{`"\ude80\ud83d"`, "\ufffd\ufffd"},
		{`"\ud83d\u0041"`, "\ufffdA"},
		{"\"a\xff\xfeb\"", "a\ufffd\ufffdb"},
		{"\"\\t\xff\"", "\t\ufffd"},
	}
	for _, c := range cases {
		got, ok := payload.Parse([]byte(c.in)).Scalar()
		if !ok || got != c.want {
			t.Errorf("%s: got %#v (%v), want %#v", c.in, got, ok, c.want)
		}
	}
}

// The rule looks up, the prompt decodes: both must see the first of two values,
// however the name is written.
func TestDuplicateNames(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"a":1,"a":2}`,
		`{"\u0061":1,"a":2}`,
		`{"a":1,"\u0061":2}`,
		"\xef\xbb\xbf{\"a\":1,\"b\":{\"a\":5},\"a\":2}",
	} {
		v, _ := payload.Lookup([]byte(in), "a")
		looked, _ := v.Scalar()
		decoded, err := payload.Decode([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded.(map[string]any)["a"]; looked != int64(1) || got != int64(1) {
			t.Errorf("%s: looked up %v, decoded %v, want 1 and 1", in, looked, got)
		}
		if got, want := payload.Parse([]byte(in)).Len(), len(decoded.(map[string]any)); got != want {
			t.Errorf("%s: got %d members, want %d", in, got, want)
		}
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	v := payload.Parse([]byte(` [ 1 , "two" , [3] , {} ] `))
	if got := v.Len(); got != 4 {
		t.Errorf("got %d elements, want 4", got)
	}
	for i, want := range []string{"1", `"two"`, "[3]", "{}"} {
		if got, ok := v.Index(i); !ok || string(got.Raw()) != want {
			t.Errorf("%d: got %s, want %s", i, got.Raw(), want)
		}
	}
	for _, i := range []int{-1, 4} {
		if got, ok := v.Index(i); ok {
			t.Errorf("%d: got %s, want nothing", i, got.Raw())
		}
	}
}

func TestDecodeIsBounded(t *testing.T) {
	t.Parallel()
	bomb := "[" + strings.Repeat("{},", 1_900_000) + "{}]"
	if _, err := payload.Decode([]byte(bomb)); code(err) != payload.CodeTooLarge {
		t.Errorf("got %v, want %s", err, payload.CodeTooLarge)
	}
	if _, err := payload.Decode([]byte(`{"a":`)); code(err) != payload.CodeInvalid {
		t.Errorf("got %v, want %s", err, payload.CodeInvalid)
	}
	// A Value that nobody checked.
	if _, err := payload.Parse([]byte(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))).Decode(); code(err) != payload.CodeTooDeep {
		t.Errorf("got %v, want %s", err, payload.CodeTooDeep)
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	cases := map[string]payload.Kind{
		"application/json":                       payload.JSON,
		"Application/JSON; charset=utf-8":        payload.JSON,
		"application/cloudevents+json":           payload.JSON,
		"application/json; charset":              payload.JSON,
		"text/json":                              payload.JSON,
		"application/x-www-form-urlencoded":      payload.Form,
		"application/x-www-form-urlencoded; q=1": payload.Form,
		"text/plain":                             payload.Text,
		"text/plain; x=application/json":         payload.Text,
		"":                                       payload.Text,
		"application/jsonp":                      payload.Text,
		"application/json, text/plain":           payload.Text,
		"multipart/form-data; boundary=x":        payload.Text,
	}
	for in, want := range cases {
		if got := payload.KindOf(in); got != want {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		e    event.Event
		want any
	}{
		{"json", event.Event{ContentType: "application/json", Body: []byte(`{"a":1}`)}, map[string]any{"a": int64(1)}},
		{"wrapped json", event.Event{ContentType: "application/x-www-form-urlencoded", Body: []byte(`payload=%7B%7D`), Payload: []byte(`{}`)}, map[string]any{}},
		{"form", event.Event{ContentType: "application/x-www-form-urlencoded", Body: []byte("Body=hi+%22you%22&From=%2B1&Body=again&&bad=%zz&nul=%00&u=%ff")},
			map[string]any{"Body": `hi "you"`, "From": "+1", "nul": "\x00", "u": "\ufffd"}},
		{"text", event.Event{ContentType: "text/plain", Body: []byte("{\"a\":1} <b>\u2028\xff\x00")}, "{\"a\":1} <b>\u2028\ufffd\x00"},
		{"empty", event.Event{}, ""},
	}
	for _, c := range cases {
		got, err := payload.Of(c.e).Decode()
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %#v (%v), want %#v", c.name, got, err, c.want)
		}
	}
}

func TestCheckEvent(t *testing.T) {
	t.Parallel()
	broken := []byte(`{"a":`)
	cases := []struct {
		name string
		e    event.Event
		want string
	}{
		{"json", event.Event{ContentType: "application/json", Body: broken}, payload.CodeInvalid},
		{"wrapped json", event.Event{ContentType: "application/x-www-form-urlencoded", Payload: broken}, payload.CodeInvalid},
		{"form", event.Event{ContentType: "application/x-www-form-urlencoded", Body: broken}, ""},
		{"text", event.Event{Body: broken}, ""},
	}
	for _, c := range cases {
		if got := code(payload.CheckEvent(c.e)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzValue: what is looked up is what is decoded, and bytes that were never
// checked do no harm.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"a":{"b":[1,{"c":"\ud800"}]},"a":2}`, `[1,,2]`, `{"a":1,"a`, `{"a"}`, "\"\\", `{"":{}}`, "{\"\xff\":1,\"\ufffd\":2}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v := payload.Parse(b)
		v.Len()
		v.Text()
		v.Get("a")
		decoded, err := payload.Decode(b)
		if err != nil {
			v.Decode()
			return
		}
		same(t, v, decoded)
	})
}

func same(t *testing.T, v payload.Value, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		if v.Len() != len(want) {
			t.Fatalf("got %d members, want %d", v.Len(), len(want))
		}
		for name, w := range want {
			member, ok := v.Get(name)
			if !ok {
				t.Fatalf("no member %q", name)
			}
			same(t, member, w)
		}
	case []any:
		if v.Len() != len(want) {
			t.Fatalf("got %d elements, want %d", v.Len(), len(want))
		}
		i := 0
		for element := range v.Elements() {
			same(t, element, want[i])
			i++
		}
	default:
		if got, ok := v.Scalar(); !ok || got != want {
			t.Fatalf("got %#v, want %#v", got, want)
		}
	}
}

// FuzzDecode holds Decode against encoding/json where names are not repeated.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5,"x\n\u00e9",true,null,{"b":{}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := payload.Decode(b)
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if g, w := texts(got), texts(want); !repeats(payload.Parse(b)) && !reflect.DeepEqual(g, w) {
			t.Errorf("got %#v, want %#v", g, w)
		}
	})
}

// texts replaces numbers by a mark: FuzzDecode compares structure and strings.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = texts(e)
		}
		return m
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, texts(e))
		}
		return list
	case int64, float64, json.Number:
		return "number"
	}
	return v
}

func repeats(v payload.Value) bool {
	dec := json.NewDecoder(bytes.NewReader(v.Raw()))
	dec.UseNumber()
	total := 0
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		if _, ok := tok.(json.Delim); !ok {
			total++
		}
	}
	return total != leavesAndNames(v)
}

func leavesAndNames(v payload.Value) int {
	n := 0
	switch v.Type() {
	case payload.Object:
		for _, m := range v.Members() {
			n += 1 + leavesAndNames(m)
		}
	case payload.Array:
		for e := range v.Elements() {
			n += leavesAndNames(e)
		}
	default:
		n = 1
	}
	return n
}

func BenchmarkLookup(b *testing.B) {
	body := pullRequest(b)
	for _, path := range []string{"action", "repository.full_name", "sender.login"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			names := strings.Split(path, ".")
			for b.Loop() {
				if _, ok := payload.Lookup(body, names...); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	body := pullRequest(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := payload.Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
