package rule_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/rule"
)

const (
	matchRule   = `event.type == "pull_request" && payload.action in ["opened", "reopened", "synchronize", "ready_for_review"]`
	coalesceKey = `payload.repository.full_name + "#" + string(payload.number)`
)

func pullRequest(tb testing.TB) event.Event {
	tb.Helper()
	body, err := os.ReadFile("../payload/testdata/pull_request.json")
	if err != nil {
		tb.Fatal(err)
	}
	return event.Event{
		Hook: "pr-summary", Source: "github", Type: "pull_request", DeliveryID: "d-1", Subject: "octo/repo#42",
		Time: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC), ContentType: "application/json", Query: "a=1&b=%20x&a=2&c",
		Header: map[string]string{"x-github-event": "pull_request"}, Body: body,
	}
}

func of(body string) event.Event {
	return event.Event{ContentType: "application/json", Body: []byte(body)}
}

func code(err error) string {
	if e, ok := errors.AsType[*rule.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return "untyped: " + err.Error()
	}
	return ""
}

func TestBool(t *testing.T) {
	t.Parallel()
	pr := pullRequest(t)
	odd := of(`{"a":{"b":[1,2.5,"x",null,true,{"c":1}]},"n":null,"big":123456789012345678901234567890,"dup":1,"dup":2,
		"e1":1,"e2":2,"e3":3,"e4":4,"e5":5,"e6":6,"e7":7,"s":"\ud800 ok","o":{"z":1,"y":2,"x":3},"float":42.0}`)
	cases := []struct {
		e    event.Event
		src  string
		want bool
	}{
		{pr, matchRule, true},
		{pr, `true`, true},
		{pr, `payload.pull_request.draft`, false},
		{pr, `!payload.pull_request.draft`, true},
		{pr, `event.hook == "pr-summary" && event.source == "github" && event.id == "d-1" && event.subject == "octo/repo#42"`, true},
		{pr, `event.time > timestamp("2026-11-01T00:00:00Z") && event.time.getHours() == 10`, true},
		{pr, `headers["x-github-event"] == "pull_request"`, true},
		{pr, `"x-gitlab-event" in headers`, false},
		{pr, `query.a == "1" && query["b"] == " x" && query.c == ""`, true},
		{pr, `has(payload.action) && !has(payload.nothing)`, true},
		{pr, `has(payload.pull_request.head.repo.full_name)`, true},
		{pr, `payload.?nothing.?at.?all.orValue("none") == "none"`, true},
		{pr, `payload.?action.hasValue()`, true},
		{pr, `payload.pull_request.labels.exists(l, l.name == "bug")`, true},
		{pr, `payload.pull_request.labels.map(l, l.name) == ["bug"]`, true},
		{pr, `size(payload.pull_request.requested_reviewers) == 1`, true},
		{pr, `payload.sender.login.endsWith("[bot]")`, false},
		{pr, `payload.pull_request.title.matches("(?i)^count every")`, true},
		{pr, `payload.pull_request.title.lowerAscii().contains("lucky")`, true},
		{pr, `"login" in payload.sender`, true},
		{pr, `payload.pull_request.body == null`, false},
		{pr, `payload.pull_request.merged_at == null`, true},
		{pr, `payload.number > 41 && payload.number < 42.5 && payload.number == 42`, true},
		{pr, `payload["action"] == "opened"`, true},
		{pr, `payload.pull_request.head.repo == payload.pull_request.base.repo`, true},
		{pr, `payload.pull_request.head == payload.pull_request.base`, false},
		{pr, `payload.nothing == 1 || true`, true}, // CEL: an error on one side of || yields to true on the other
		{odd, `payload.a.b[1] == 2.5 && payload.a.b[5].c == 1 && payload.a.b[3] == null`, true},
		{odd, `payload.big == "123456789012345678901234567890"`, true},
		{odd, `payload.dup == 1`, true},
		{odd, `payload.e1 + payload.e2 + payload.e3 + payload.e4 + payload.e5 + payload.e6 + payload.e7 == 28 && payload.e1 == 1 && !has(payload.e8)`, true},
		{odd, `payload.o.map(k, k) == ["z", "y", "x"]`, true},
		{odd, `payload.o == {"x": 3, "y": 2, "z": 1}`, true},
		{odd, `payload.o == {"x": 3, "y": 2, "z": 2}`, false},
		{odd, `payload.o.size() == 3 && payload.o.all(k, payload.o[k] > 0) && type(payload.o) == map`, true},
		{odd, `payload.float == 42 && string(payload.float) == "42"`, true},
		{odd, `payload.s == "\ufffd ok"`, true},
		{odd, `payload.a == {}`, false},
		{event.Event{Body: []byte("just text")}, `payload.startsWith("just")`, true},
		{event.Event{ContentType: "application/x-www-form-urlencoded", Body: []byte("From=%2B1&Body=STOP")}, `payload.Body == "STOP"`, true},
	}
	for _, c := range cases {
		t.Run(c.src, func(t *testing.T) {
			t.Parallel()
			r, err := rule.Compile(c.src, rule.Bool)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Bool(rule.NewInput(c.e))
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	pr := pullRequest(t)
	for src, want := range map[string]string{
		coalesceKey:                  "octo/repo#42",
		`payload.number`:             "42",
		`payload.pull_request.draft`: "false",
		`event.subject`:              "octo/repo#42",
		`"a-b-c".replace("-", "+").split("+").join("/")`:  "a/b/c",
		`" héllo ".trim().substring(1, 3).upperAscii()`:   "éL",
		`"héllo".substring(2)`:                            "llo",
		`"abc".substring(3) + "x"`:                        "x",
		`["", "a", ""].join(",")`:                         ",a,",
		`payload.pull_request.node_id`:                    "MDExOlB1bGxSZXF1ZXN0Mjc5MTQ3NDM3",
		`["a", payload.action].join("/")`:                 "a/opened",
		`event.time.getFullYear() > 2000 ? "new" : "old"`: "new",
	} {
		r, err := rule.Compile(src, rule.String)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := r.String(rule.NewInput(pr)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", src, got, err, want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		src  string
		want rule.Type
		err  string
	}{
		{``, rule.Bool, `rule_syntax: 1:1: the rule is empty; write an expression`},
		{`evnt.type == "x"`, rule.Bool, `rule_name: 1:1: unknown name "evnt"; rules see event, payload, headers and query`},
		{`event.typ == "x"`, rule.Bool, `rule_name: 1:6: event has no field "typ"; event has id, source, type, subject, hook and time`},
		{`event.type`, rule.Bool, `rule_type: 1:1: the rule yields string, not true or false; compare it`},
		{`event.type == "x"`, rule.String, `rule_type: 1:1: the rule yields bool, not a text`},
		{`size(payload)`, rule.String, `rule_type: 1:1: the rule yields int, not a text; join texts with +, and wrap other values in string(...)`},
		{`event.type == 1`, rule.Bool, `rule_type: 1:12: == does not work on (string, int); compare values of one type`},
		{"true &&\n  event.type > 1", rule.Bool, `rule_type: 2:14: > does not work on (string, int)`},
		{`event.type == "x" and true`, rule.Bool, `write && for and`},
		{`payload.action = "x"`, rule.Bool, `write == to compare`},
		{`{{ .payload.draft }}`, rule.Bool, `not a template`},
		{`payload.action == "x`, rule.Bool, `rule_syntax: 1:19: `},
		{`headers["X-GitHub-Event"] == "push"`, rule.Bool, `there is no header "X-GitHub-Event": names are in lower case; write headers["x-github-event"]`},
		{`"X-A" in headers`, rule.Bool, `write headers["x-a"]`},
		{`headers.Accept == "x"`, rule.Bool, `write headers["accept"]`},
		{`payload.x.matches("(")`, rule.Bool, `rule_type: 1:19: invalid matches argument`},
		{`timestamp("yesterday") < event.time`, rule.Bool, `rule_type: 1:11: invalid timestamp argument`},
		{`"%s".format([payload.x]) == "y"`, rule.Bool, `unknown name "format"; functions over texts are`},
		{`foo(payload)`, rule.Bool, `unknown name "foo"`},
		{`payload.x.matches("` + strings.Repeat("(a{1,500}){1,2}", 5) + `")`, rule.Bool, `rule_syntax: 1:19: regex program size 10017 exceeds limit`},
		{`payload.text.matches(payload.text)`, rule.Bool, `rule_type: 1:21: the pattern of matches(...) is not a constant text`},
		{`matches(payload.text, event.id)`, rule.Bool, `rule_type: 1:8: the pattern`},
		{strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), rule.Bool, `rule_syntax`},
		{strings.Repeat("true || ", 5000) + "true", rule.Bool, `rule_syntax`},
		{"\x00", rule.Bool, `rule_syntax`},
	}
	for _, c := range cases {
		_, err := rule.Compile(c.src, c.want)
		if err == nil {
			t.Errorf("%.60s: compiled, want %s", c.src, c.err)
			continue
		}
		if got := err.Error(); !strings.Contains(got, c.err) || strings.Contains(got, "\n") {
			t.Errorf("%.60s:\n got %s\nwant %s", c.src, got, c.err)
		}
	}
}

func TestRuntimeErrors(t *testing.T) {
	t.Parallel()
	pr := pullRequest(t)
	cases := []struct {
		src string
		e   event.Event
		err string
	}{
		{`payload.nothing == "x"`, pr, `rule_error: no such key: nothing; test with has(payload.x) first`},
		{`payload.action.deeper == "x"`, pr, `rule_error: no such key: deeper`},
		{`payload.pull_request.labels[7].name == "x"`, pr, `rule_error: index out of bounds: 7`},
		{`payload.action > 1`, pr, `rule_error: an operator or function met a value of the wrong type`},
		{`payload.action`, pr, `rule_result: the rule yields a text, not true or false`},
		{`payload.pull_request`, pr, `rule_result: the rule yields an object, not true or false`},
		{`payload.action == "x"`, event.Event{Body: []byte("text")}, `rule_error: no such key: action`},
		{`payload.action == "x"`, of(`[]`), `rule_error: `},
		{`headers["x-none"] == ""`, event.Event{}, `rule_error: no such key: x-none`},
		{`int(payload.action) == 1`, pr, `rule_error: `},
		{`1 / (payload.number - 42) == 1`, pr, `rule_error: division by zero`},
	}
	for _, c := range cases {
		r, err := rule.Compile(c.src, rule.Bool)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		got, err := r.Bool(rule.NewInput(c.e))
		if err == nil || got || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s:\n got %v, %v\nwant %s", c.src, got, err, c.err)
		}
	}
	if r, err := rule.Compile(`payload.pull_request.merged_at`, rule.String); err != nil {
		t.Error(err)
	} else if _, err := r.String(rule.NewInput(pr)); code(err) != rule.CodeResult {
		t.Errorf("a null key: got %v, want %s", err, rule.CodeResult)
	}
}

// Whatever the rule and the payload, an evaluation ends soon. ("deep equality"
// is cheap by its cost: the time limit ends it.)
func TestCostIsLimited(t *testing.T) {
	t.Parallel()
	numbers := of(`{"list":[` + strings.Repeat("1,", 20_000) + `1],"text":"` + strings.Repeat("a", 100_000) + `"}`)
	var many strings.Builder
	for range 1000 {
		many.WriteString(`{"pad":"` + strings.Repeat("x", 1000) + `","v":1},`)
	}
	objects := of(`{"items":[` + many.String() + `{}]}`)
	cases := []struct {
		name, src string
		e         event.Event
	}{
		{"nested loops", `payload.list.all(a, payload.list.all(b, payload.list.all(c, a + b + c > 0)))`, numbers},
		{"growing list", `payload.list.map(a, payload.list).size() > payload.list.map(a, payload.list.map(b, b)).size()`, numbers},
		{"text doubling", `payload.list.all(a, (payload.text + payload.text + payload.text).size() > 0)`, numbers},
		{"replace", `payload.list.all(a, payload.text.replace("a", "bbbbbbbbbb").size() > 0)`, numbers},
		{"split", `payload.list.all(a, payload.text.split("").size() > 0)`, numbers},
		{"regex", `payload.list.all(a, payload.text.matches("(a+)+$"))`, numbers},
		{"scan over and over", `payload.items.all(a, payload.items.all(b, !has(b.zz)))`, objects},
		{"names over and over", `payload.items.all(a, payload.items.all(b, b.all(k, k != "zz")))`, objects},
		{"lower", `payload.list.all(a, payload.text.lowerAscii() != "")`, numbers},
		{"join", `payload.list.all(a, payload.list.map(b, payload.text).join(payload.text) != "")`, numbers},
		{"join of long texts", `payload.list.map(b, payload.text).join(payload.text) != ""`, numbers},
		{"replace by a long text", `payload.text.replace("a", payload.text) != ""`, numbers},
		{"replace of nothing", `payload.text.replace("", payload.text) != ""`, numbers},
		{"split into characters", `payload.text.split("").size() > 0`, numbers},
		{"text in text", `payload.list.all(a, payload.text.contains(payload.text + "b"))`, numbers},
		{"doubling", `cel.bind(a, payload.text + payload.text, cel.bind(b, a + a + a + a, cel.bind(c, b + b + b + b, cel.bind(d, c + c + c + c, d + d + d + d != ""))))`, numbers},
		{"in", `payload.list.all(a, !(2 in payload.list))`, numbers},
		{"equal lists", `payload.list.all(a, payload.list == payload.list)`, numbers},
		{"lists + lists", `payload.list.all(a, (payload.list + payload.list).size() > 0)`, numbers},
		{"deep equality", `payload.list.all(a, [payload.deep] == [payload.deep])`, of(`{"list":[` + strings.Repeat("1,", 20_000) + `1],"deep":[` + strings.Repeat("[1,2],", 20_000) + `1]}`)},
		{"substring", `payload.list.all(a, payload.text.substring(50) != "")`, numbers},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := rule.Compile(c.src, rule.Bool)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = r.Bool(rule.NewInput(c.e))
			if err == nil {
				t.Error("got no error, want a limit to be hit")
			}
			t.Logf("%v: %v", time.Since(start), err)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %v (%v)", took, err)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	match, err := rule.Compile(matchRule, rule.Bool)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rule.Compile(coalesceKey, rule.String)
	if err != nil {
		t.Fatal(err)
	}
	pr := pullRequest(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				in := rule.NewInput(pr)
				matched, err1 := match.Bool(in)
				got, err2 := key.String(in)
				if !matched || got != "octo/repo#42" || err1 != nil || err2 != nil {
					t.Errorf("got %v, %q, %v, %v", matched, got, err1, err2)
					return
				}
			}
		})
	}
	wg.Wait()
}

// FuzzCompile: no text brings the compiler down, and what compiles ends.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{matchRule, coalesceKey, `payload.a.map(x, x)`, `{"a": 1}.a == 1`, `[[[`, `"\ud800"`, `payload.?a[?0].orValue(1) == 1`} {
		f.Add(seed, `{"a":[1,{"b":"c"}]}`)
	}
	f.Fuzz(func(t *testing.T, src, body string) {
		for _, want := range []rule.Type{rule.Bool, rule.String} {
			r, err := rule.Compile(src, want)
			if err != nil {
				if code(err) == "" || strings.HasPrefix(code(err), "untyped") {
					t.Errorf("got %v", err)
				}
				continue
			}
			in := rule.NewInput(of(body))
			if want == rule.Bool {
				r.Bool(in)
			} else {
				r.String(in)
			}
		}
	})
}

func BenchmarkMatchAndKey(b *testing.B) {
	pr := pullRequest(b)
	match, err := rule.Compile(matchRule, rule.Bool)
	if err != nil {
		b.Fatal(err)
	}
	key, err := rule.Compile(coalesceKey, rule.String)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("match", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if ok, err := match.Bool(rule.NewInput(pr)); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("match and key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			in := rule.NewInput(pr)
			if ok, err := match.Bool(in); !ok || err != nil {
				b.Fatal(ok, err)
			}
			if got, err := key.String(in); got != "octo/repo#42" || err != nil {
				b.Fatal(got, err)
			}
		}
	})
}
