package claudetest_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
)

// The bytes of a stream, against the forms of recorded traffic: named events
// whose type repeats the name, spaces inside the JSON object, no [DONE].
func TestStreamBytes(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{Seed: 1, Output: claudetest.Lengths{Median: 600}})
	got := raw(api).post(t.Context(), body("claude-sonnet-5-5", "Hello", `,"stream":true`))
	if got.err != nil || got.header.Get("Content-Type") != "text/event-stream; charset=utf-8" || got.header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("err %v, header %v", got.err, got.header)
	}
	form := regexp.MustCompile(`^event: ([a-z_]+)\ndata: (\{"type": ?"([a-z_]+)".*\})$`)
	var names []string
	var padded, unpadded int
	events, ok := strings.CutSuffix(got.body, "\n\n")
	if !ok {
		t.Error("the last event is not closed by an empty line")
	}
	for event := range strings.SplitSeq(events, "\n\n") {
		m := form.FindStringSubmatch(event)
		if m == nil || m[1] != m[3] || !json.Valid([]byte(m[2])) {
			t.Fatalf("event %q has not the form of the API", event)
		}
		if strings.HasSuffix(m[2], " }") {
			padded++
		} else {
			unpadded++
		}
		if len(names) == 0 || names[len(names)-1] != m[1] {
			names = append(names, m[1])
		}
	}
	want := []string{
		"message_start", "content_block_start", "ping", "content_block_delta", "content_block_stop",
		"content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got the events %v, want %v", names, want)
	}
	if padded < 5 || unpadded == 0 {
		t.Errorf("%d events padded and %d not: the spaces do not vary", padded, unpadded)
	}
	for _, part := range []string{
		`"content_block":{"type":"thinking","thinking":"","signature":""}`, `"delta":{"type":"signature_delta","signature":"`,
		`"index":1,"content_block":{"type":"text","text":""}`, `"stop_reason":null`, `"stop_reason":"end_turn"`,
	} {
		if !strings.Contains(got.body, part) {
			t.Errorf("the stream does not hold %s", part)
		}
	}
}

// The control of the test above: with thinking off there is no such block.
func TestThinkingOff(t *testing.T) {
	t.Parallel()
	api := claudetest.Start(t, claudetest.Options{})
	for model, more := range map[string]string{
		"claude-haiku-5-5":  `,"thinking":{"type":"disabled"}`,
		"claude-sonnet-5-5": `,"thinking":{"type":"between_tools"}`,
		"claude-haiku-4-5":  ``,
	} {
		got := raw(api).post(t.Context(), body(model, "Hello", more))
		if got.status != 200 || strings.Contains(got.body, `"type":"thinking"`) || !strings.Contains(got.body, `"thinking_tokens":0`) {
			t.Errorf("%s: %s", model, got.body)
		}
	}
}

// The same seed and body give the same reply, whatever came before.
func TestRepliesAreDeterministic(t *testing.T) {
	t.Parallel()
	options := claudetest.Options{Seed: 9, Output: claudetest.Lengths{Median: 300, Sigma: 1}}
	ids := regexp.MustCompile(`"id":"msg_[^"]*"`)
	reply := func(before int) string {
		c := raw(claudetest.Start(t, options))
		for range before {
			c.post(t.Context(), body("claude-haiku-5-5", "other", ""))
		}
		return ids.ReplaceAllString(c.post(t.Context(), body("claude-haiku-5-5", "Hello", "")).body, "")
	}
	if first, later := reply(0), reply(3); first != later {
		t.Errorf("got %s and %s", first, later)
	}
	options.Seed = 10
	if first, second := reply(0), reply(0); first == second {
		options.Seed = 9
	}
	other := reply(0)
	options.Seed = 11
	if other == reply(0) {
		t.Error("another seed gives the same reply")
	}
}

// Time passes as configured, and pings break a long silence.
func TestStreamPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{
			Latency: 1500 * time.Millisecond, TokensPerSecond: 50, PingEvery: 2 * time.Second, Output: claudetest.Lengths{Median: 1000}, ThinkingShare: 0.5,
		})
		start := time.Now()
		response, err := raw(api).open(t.Context(), "/v1/messages", body("claude-haiku-5-5", "Hello", `,"stream":true`))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(start), 1500*time.Millisecond; got != want {
			t.Errorf("headers after %v, want %v", got, want)
		}
		got := read(response, err)
		if took, want := time.Since(start), 21500*time.Millisecond; took != want || got.err != nil {
			t.Errorf("the end after %v, want %v (err %v)", took, want, got.err)
		}
		if pings := strings.Count(got.body, "event: ping"); pings < 5 {
			t.Errorf("%d pings in 10 s of silent thinking, want one every 2 s", pings)
		}
	})
}

func TestConnectionFailures(t *testing.T) {
	t.Parallel()
	const patience = 30 * time.Second
	for _, c := range []struct {
		failure        claudetest.Failure
		stream         bool
		headers, whole bool          // what the client gets
		took           time.Duration // until it gives up or is cut off
	}{
		{claudetest.Failure{Kind: claudetest.Hang}, true, false, false, patience},
		{claudetest.Failure{Kind: claudetest.CutBeforeReply}, true, false, false, 0},
		{claudetest.Failure{Kind: claudetest.Stall}, true, true, false, patience},
		{claudetest.Failure{Kind: claudetest.Stall}, false, true, false, patience},
		{claudetest.Failure{Kind: claudetest.Cut}, true, true, false, 0},
		{claudetest.Failure{Kind: claudetest.Cut}, false, true, false, 0},
		{claudetest.Failure{Kind: claudetest.DropBody}, false, true, false, 0},
		{claudetest.Failure{Kind: claudetest.CleanEOF}, false, true, true, 0},
		{claudetest.Failure{Kind: claudetest.Trickle, Delay: time.Minute}, true, true, false, patience},
		{claudetest.Failure{Kind: claudetest.Trickle, Delay: time.Millisecond}, true, true, true, -1},
		{claudetest.Failure{Kind: claudetest.Overloaded, Delay: 20 * time.Second}, true, true, true, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			api := claudetest.StartPipe(t, claudetest.Options{Script: []claudetest.Step{{Fail: &c.failure}}})
			client := raw(api)
			client.client.Timeout = patience
			more := ""
			if c.stream {
				more = `,"stream":true`
			}
			start := time.Now()
			response, err := client.open(t.Context(), "/v1/messages", body("claude-haiku-5-5", "Hello", more))
			if (err == nil) != c.headers {
				t.Errorf("%s, stream %v: headers: %v", c.failure.Kind, c.stream, err)
			}
			got := read(response, err)
			if (got.err == nil) != c.whole {
				t.Errorf("%s, stream %v: body ends with %v", c.failure.Kind, c.stream, got.err)
			}
			if took := time.Since(start); took != c.took && c.took >= 0 {
				t.Errorf("%s, stream %v: took %v, want %v", c.failure.Kind, c.stream, took, c.took)
			}
			if c.failure.Kind == claudetest.CleanEOF && json.Valid([]byte(got.body)) {
				t.Errorf("the body is whole: %s", got.body)
			}
		})
	}
}

// A client that goes away is seen, and only what was written until then is charged.
func TestClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := claudetest.StartPipe(t, claudetest.Options{TokensPerSecond: 100, Output: claudetest.Lengths{Median: 2000}})
		client := raw(api)
		client.client.Timeout = 5 * time.Second
		got := client.post(t.Context(), body("claude-haiku-5-5", "Hello", `,"stream":true`))
		if got.err == nil {
			t.Error("the client was to give up")
		}
		synctest.Wait()
		call := api.MessageCalls()[0]
		if call.Outcome != "gone" || call.OutputTokens < 480 || call.OutputTokens > 520 || api.Total().InFlight != 0 {
			t.Errorf("call %+v", call)
		}
	})
}
