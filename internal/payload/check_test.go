package payload_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/payload"
)

func code(err error) string {
	if e, ok := errors.AsType[*payload.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return "untyped: " + err.Error()
	}
	return ""
}

func TestCheck(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	deepObjects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	list := func(n int) string { return "[" + strings.Repeat("0,", n-1) + "0]" }
	cases := []struct{ name, in, want string }{
		{"object", `{"a":[1,2.5e-3,true,false,null,"x"]}`, ""},
		{"spaces", " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] } \n", ""},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80"`, ""},
		{"lone surrogate", `"\ud800"`, ""},
		{"escaped nul", `"\u0000"`, ""},
		{"not utf-8", "\"\xff\"", ""},
		{"huge exponent", `1e400`, ""},
		{"duplicate names", `{"a":1,"a":2}`, ""},
		{"byte order mark", "\xef\xbb\xbf{}", ""},
		{"empty", "", payload.CodeInvalid},
		{"only a mark", "\xef\xbb\xbf", payload.CodeInvalid},
		{"two marks", "\xef\xbb\xbf\xef\xbb\xbf{}", payload.CodeInvalid},
		{"spaces only", "  \n", payload.CodeInvalid},
		{"trailing text", `{} x`, payload.CodeInvalid},
		{"two values", `{}{}`, payload.CodeInvalid},
		{"nul after", "{}\x00", payload.CodeInvalid},
		{"trailing comma", `[1,]`, payload.CodeInvalid},
		{"trailing comma in object", `{"a":1,}`, payload.CodeInvalid},
		{"no value", `{"a":}`, payload.CodeInvalid},
		{"no colon", `{"a" 1}`, payload.CodeInvalid},
		{"bare name", `{a:1}`, payload.CodeInvalid},
		{"single quotes", `{'a':1}`, payload.CodeInvalid},
		{"wrong bracket", `[1}`, payload.CodeInvalid},
		{"wrong bracket deep", `{"a":[1}]`, payload.CodeInvalid},
		{"open string", `"abc`, payload.CodeInvalid},
		{"open escape", `"abc\`, payload.CodeInvalid},
		{"short unicode", `"\u12"`, payload.CodeInvalid},
		{"bad escape", `"\x"`, payload.CodeInvalid},
		{"control character", "\"a\nb\"", payload.CodeInvalid},
		{"nul in string", "\"1234567\x00\"", payload.CodeInvalid},
		{"leading zero", `01`, payload.CodeInvalid},
		{"plus", `+1`, payload.CodeInvalid},
		{"minus alone", `-`, payload.CodeInvalid},
		{"point alone", `1.`, payload.CodeInvalid},
		{"no exponent", `1e+`, payload.CodeInvalid},
		{"nan", `NaN`, payload.CodeInvalid},
		{"half a literal", `tru`, payload.CodeInvalid},
		{"comment", `{} // x`, payload.CodeInvalid},
		{"deep enough", deep(payload.MaxDepth), ""},
		{"too deep", deep(payload.MaxDepth + 1), payload.CodeTooDeep},
		{"objects deep enough", deepObjects(payload.MaxDepth), ""},
		{"objects too deep", deepObjects(payload.MaxDepth + 1), payload.CodeTooDeep},
		{"ten million brackets", strings.Repeat("[", 10_000_000), payload.CodeTooDeep},
		{"many values", list(payload.MaxValues - 1), ""},
		{"too many values", list(payload.MaxValues), payload.CodeTooMany},
		{"open at the end", `[1,2`, payload.CodeInvalid},
		{"mixed brackets deep", strings.Repeat(`[{"a":`, 70) + "1" + strings.Repeat(`}]`, 70), ""},
		{"mixed brackets crossed", strings.Repeat(`[{"a":`, 70) + "1" + strings.Repeat(`]}`, 70), payload.CodeInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := code(payload.Check([]byte(c.in))); got != c.want {
				t.Errorf("got code %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckSaysWhere(t *testing.T) {
	t.Parallel()
	err := payload.Check([]byte(`{"secret":"hunter2" "b"}`))
	if got, want := err.Error(), "invalid_json: expected , or } after a value at byte 20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	body := pullRequest(t)
	if got := testing.AllocsPerRun(100, func() {
		if err := payload.Check(body); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// FuzzCheck holds Check against the standard library. Only a byte order mark
// and the bounds may make a difference.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,true,null,"x\u00e9\n"]}`, ` [ ] `, "\"1234567\x1f\"", `"12345678\"`, `-0.0E+1`, `{"a":1,"a":{}}`, "\xef\xbb\xbf{}", "\"\xff\x80\x1e1234567\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := code(payload.Check(b))
		if got == payload.CodeTooDeep || got == payload.CodeTooMany {
			return
		}
		want := json.Valid(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
		if (got == "") != want {
			t.Errorf("Check says %q, encoding/json says %v", got, want)
		}
	})
}

func pullRequest(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/pull_request.json")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func BenchmarkCheck(b *testing.B) {
	compact := pullRequest(b)
	var indented bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		b.Fatal(err)
	}
	for name, body := range map[string][]byte{"compact": compact, "indented": indented.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := payload.Check(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("invalid")
				}
			}
		})
	}
}
