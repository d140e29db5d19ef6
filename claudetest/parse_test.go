package claudetest_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	got, err := claudetest.ParseOptions([]byte(`{
		"seed": 1, "tier": "build", "keys": {"sk-ant-1": "acme"}, "magic": true,
		"limits": {"haiku-5-5": {"requests_per_minute": 60, "burst": "10s"}},
		"ramp": {"floor": 100, "factor": 2, "window": "1m"},
		"latency": "900ms", "jitter": 0.2, "tokens_per_second": 80, "ping_every": "10s", "piece_every": "1s",
		"output": {"median": 280, "sigma": 0.6, "max": 4000}, "thinking_share": 0.25,
		"input_estimate_error": 0.1, "count_refused": false,
		"script": [{"kind": "overloaded", "times": 3}, {"kind": "cut", "after": 2, "endpoint": "messages"}, {}],
		"faults": [{"kind": "rate_limited", "retry_after": "3", "rate": 0.01}],
		"batch_duration": "30s", "batch_calls_per_minute": 1000, "batch_queue": 200000,
		"count_tokens_per_minute": 2000, "retired": ["claude-opus-4-5"], "journal_size": 10000
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Latency != 900*time.Millisecond || got.Limits["haiku-5-5"].Burst != 10*time.Second || got.Output.Median != 280 ||
		got.Script[0].Fail.Kind != claudetest.Overloaded || got.Script[0].Times != 3 || got.Script[1].Fail.After != 2 || got.Script[2].Fail != nil ||
		got.Faults[0].RetryAfter != "3" || got.Faults[0].Rate != 0.01 || got.Ramp.Floor != 100 || !got.Magic || got.PieceEvery != time.Second {
		t.Errorf("got %+v", got)
	}
	if _, err := claudetest.New(got); err != nil {
		t.Error(err)
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                                     "empty",
		`{} {}`:                                "text after",
		`{"latencey":"1s"}`:                    "latencey",
		`{"latency":1}`:                        "latency",
		`{"latency":"soon"}`:                   "soon",
		`{"tier":"gold"}`:                      "start, build or scale",
		`{"limits":{"haiku":{}}}`:              "haiku-5-5",
		`{"jitter":1}`:                         "jitter",
		`{"faults":[{"kind":"x","rate":1}]}`:   "overloaded",
		`{"faults":[{"kind":"cut","rate":2}]}`: "add up to 2",
		`{"script":[{"kind":"status","status":200}]}`: "400 to 599",
	} {
		if _, err := claudetest.ParseOptions([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", in, err, want)
		}
	}
}

func TestMagic(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Magic: true})
	client := raw(api)
	status := func(text string, headers ...string) int {
		return client.post(t.Context(), body("claude-haiku-5-5", text, ""), headers...).status
	}
	for _, c := range []struct{ got, want int }{
		{status("x"), 200},
		{status("x", "Claudetest-Fail", "overloaded"), 529},
		{status("please [[simulate: rate_limited retry_after=4 times=1]]"), 429},
		{status("please [[simulate: rate_limited retry_after=4 times=1]]"), 200},
		{status("[[simulate: nonsense]]"), 400},
		{status("[[simulate: overloaded"), 200},
	} {
		if c.got != c.want {
			t.Errorf("got %d, want %d", c.got, c.want)
		}
	}
	off := raw(claudetest.Start(t, claudetest.Options{}))
	if got := off.post(t.Context(), body("claude-haiku-5-5", "[[simulate: overloaded]]", ""), "Claudetest-Fail", "overloaded").status; got != 200 {
		t.Errorf("without Magic a request chose its failure: %d", got)
	}
}

// Random faults come at their rate and do not depend on the order of requests.
func TestFaults(t *testing.T) {
	t.Parallel()
	options := claudetest.Options{
		Seed: 3, Limits: map[string]claudetest.Limits{"": {RequestsPerMinute: 1_000_000, InputTokensPerMinute: -1, OutputTokensPerMinute: -1}},
		Faults: []claudetest.Fault{{Failure: claudetest.Failure{Kind: claudetest.Overloaded}, Rate: 0.2}},
	}
	failed := func(order func(int) int) []string {
		s, err := claudetest.New(options)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for i := range 1000 {
			serve(s, body("claude-haiku-5-5", fmt.Sprint(order(i)), ""))
		}
		for _, c := range s.MessageCalls() {
			if c.Outcome == "overloaded" {
				list = append(list, c.Prompt)
			}
		}
		slices.Sort(list)
		return list
	}
	forward, backward := failed(func(i int) int { return i }), failed(func(i int) int { return 999 - i })
	if len(forward) < 150 || len(forward) > 250 || !slices.Equal(forward, backward) {
		t.Errorf("%d and %d of 1000 failed, want about 200 and the same", len(forward), len(backward))
	}
}

func serve(s *claudetest.Server, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/messages", strings.NewReader(body))
	r.Header.Set("X-Api-Key", "k")
	r.Header.Set("Anthropic-Version", "2026-10-21")
	s.ServeHTTP(w, r)
	return w
}

// The zero value works, and its accessors may be used while calls run.
func TestZeroValueUnderConcurrency(t *testing.T) {
	t.Parallel()
	var s claudetest.Server
	var calls sync.WaitGroup
	for i := range 4 {
		calls.Go(func() {
			for j := range 50 {
				if got := serve(&s, body("claude-haiku-5-5", fmt.Sprint(i, j), `,"stream":true`)).Code; got != 200 {
					t.Errorf("got %d", got)
				}
				s.Calls()
				s.Total()
				s.SetLimits("haiku-5-5", claudetest.Limits{RequestsPerMinute: int64(1000 + j)})
				s.Enqueue(claudetest.Step{})
				s.Levels("", "haiku-5-5")
			}
		})
	}
	calls.Wait()
	if got := s.Total(); got.Succeeded != 200 || got.InFlight != 0 || got.MaxInFlight > 4 {
		t.Errorf("got %+v", got)
	}
}

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	s, err := claudetest.New(claudetest.Options{JournalSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		serve(s, body("claude-haiku-5-5", fmt.Sprint("job ", i), ""))
	}
	var got []string
	for _, c := range s.Calls() {
		got = append(got, c.Prompt+" "+c.Outcome)
	}
	if want := []string{"job 5 ok", "job 6 ok", "job 7 ok"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if total := s.Total(); total.Succeeded != 8 {
		t.Errorf("the counts forgot: %+v", total)
	}
}

func TestReplyHook(t *testing.T) {
	t.Parallel()
	s, err := claudetest.New(claudetest.Options{Reply: func(r claudetest.Request) claudetest.Reply {
		if r.Prompt() == "fail" {
			return claudetest.Reply{Fail: &claudetest.Failure{Kind: claudetest.Overloaded}}
		}
		return claudetest.Reply{Text: "you said <" + r.Prompt() + "> & \"\x01\"", OutputTokens: 77, ThinkingTokens: 7}
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := serve(s, body("claude-haiku-5-5", "hé\n", "")).Body.String()
	for _, want := range []string{`"you said <hé\n> & \"\u0001\""`, `"output_tokens":77`, `"thinking_tokens":7`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s does not hold %s", got, want)
		}
	}
	if got := serve(s, body("claude-haiku-5-5", "fail", "")).Code; got != 529 {
		t.Errorf("got %d", got)
	}
}
