package claude

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		sse(w, start, ping, think, muse, sign, shut, begin, say("Hel"), ping, say("lo"),
			`{"type":"hologram_delta","index":9,"delta":{"type":"text_delta","text":"no"}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"novel_delta","text":"no"}}`,
			`{"type":"content_block_stop","index":1}`,
			`{"type":"content_block_start","index":2,"content_block":{"type":"novel","text":"no"}}`,
			`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"no"}}`,
			`{"type":"content_block_stop","index":2}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":60}}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":401,"output_tokens":79,"output_tokens_details":{"thinking_tokens":50}}}`,
			end)
	})
	var deltas []string
	var began []Begin
	r := ask
	r.Begun = func(b Begin) { began = append(began, b) }
	got, err := s.client(t, Options{}).Call(t.Context(), r, func(text string) { deltas = append(deltas, text) })
	if err != nil {
		t.Fatal(err)
	}
	want := event.Usage{InputTokens: 401, CacheWrite5m: 10, CacheWrite1h: 20, CacheRead: 7, OutputTokens: 79, ThinkingTokens: 50, ServiceTier: "standard"}
	if got.Text != "Hello" || got.StopReason != "end_turn" || got.Truncated || got.Usage != want ||
		got.RequestID != "req_1" || got.Model != "claude-haiku-5-5" || got.Headers.Get("Content-Type") == "" {
		t.Errorf("got %+v", got)
	}
	if strings.Join(deltas, "|") != "Hel|lo" {
		t.Errorf("deltas %q", deltas)
	}
	if len(began) != 1 || began[0].Usage.InputTokens != 400 || began[0].Headers.Get("Request-Id") != "req_1" {
		t.Errorf("begun %+v", began)
	}
}

// TestEndings sorts every way in which a 200 can end.
func TestEndings(t *testing.T) {
	t.Parallel()
	schema := ask
	schema.Schema = []byte(`{"type":"object"}`)
	for _, tt := range []struct {
		name      string
		request   Request
		events    []string
		verdict   Verdict // 0: an answer
		code      string
		truncated bool
	}{
		{"stop sequence", ask, []string{start, begin, say("x"), stop("stop_sequence", 5), end}, 0, "", false},
		{"a new stop reason", ask, []string{start, begin, say("x"), stop("enlightened", 5), end}, 0, "", false},
		{"text cut", ask, []string{start, begin, say("x"), stop("max_tokens", 5), end}, 0, "", true},
		{"window full, some text", ask, []string{start, begin, say("x"), stop("model_context_window_exceeded", 5), end}, 0, "", true},
		{"only thinking", ask, []string{start, think, sign, shut, stop("max_tokens", 100), end}, GiveUp, CodeNoText, false},
		{"only space", ask, []string{start, begin, say(" \n"), stop("max_tokens", 100), end}, GiveUp, CodeNoText, false},
		{"window full, no text", ask, []string{start, stop("model_context_window_exceeded", 0), end}, GiveUp, CodeContextOverflow, false},
		{"empty", ask, []string{start, stop("end_turn", 2), end}, Retry, CodeEmptyAnswer, false},
		{"refusal", ask, []string{start, `{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"no"}},"usage":{"output_tokens":0}}`, end}, FallBack, CodeRefusal, false},
		{"refusal after text", ask, []string{start, begin, say("x"), stop("refusal", 5), end}, FallBack, CodeRefusal, false},
		{"tool use", ask, []string{start, begin, say("x"), stop("tool_use", 5), end}, GiveUp, CodeUnexpectedStop, false},
		{"pause", ask, []string{start, begin, say("x"), stop("pause_turn", 5), end}, GiveUp, CodeUnexpectedStop, false},
		{"no message_stop", ask, []string{start, begin, say("x"), stop("end_turn", 5)}, Retry, CodeStreamTruncated, false},
		{"no stop reason", ask, []string{start, begin, say("x"), end}, Retry, CodeStreamTruncated, false},
		{"no events", ask, nil, Retry, CodeStreamTruncated, false},
		{"an event that is not JSON", ask, []string{start, begin, say("x"), `{"type":}`}, Retry, CodeStreamTruncated, false},
		{"JSON", schema, []string{start, begin, say(" {\"a\":"), say("1}\n"), stop("end_turn", 5), end}, 0, "", false},
		{"not JSON", schema, []string{start, begin, say("{\"a\":"), stop("end_turn", 5), end}, Retry, CodeInvalidOutput, false},
		{"JSON cut", schema, []string{start, begin, say("{\"a\":"), stop("max_tokens", 5), end}, GiveUp, CodeCutOutput, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { sse(w, tt.events...) })
			c := s.client(t, Options{})
			if tt.verdict != 0 {
				e := fails(t, c, tt.request)
				if e.Verdict != tt.verdict || e.Code != tt.code || e.Status != 200 || e.RequestID != "req_1" {
					t.Errorf("got %d %s (%+v), want %d %s", e.Verdict, e.Code, e, tt.verdict, tt.code)
				}
				return
			}
			a, err := c.Call(t.Context(), tt.request, nil)
			if err != nil || a.Truncated != tt.truncated || a.Usage.OutputTokens != 5 {
				t.Errorf("got %+v, %v; want truncated %v", a, err, tt.truncated)
			}
			if wantJSON := tt.request.Schema != nil; wantJSON != (string(a.JSON) == `{"a":1}`) {
				t.Errorf("JSON %q", a.JSON)
			}
		})
	}
}

// TestNoStream sorts a 200 that is no event stream.
func TestNoStream(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty object": "{}",
		"page":         "<html>welcome to the proxy</html>",
		"nothing":      "",
		"a message":    `{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn"}`,
		"done":         "data: [DONE]\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(body))
			})
			e := fails(t, s.client(t, Options{}), ask)
			if e.Verdict != Retry || e.Code != CodeStreamTruncated || strings.Contains(e.Message, "proxy") {
				t.Errorf("got %d %s %q", e.Verdict, e.Code, e.Message)
			}
		})
	}
}

// TestCut sorts connections that break or fall silent.
func TestCut(t *testing.T) {
	t.Parallel()
	gone := func(w http.ResponseWriter) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.Close()
	}
	quick := Options{IdleTimeout: 40 * time.Millisecond}
	for _, tt := range []struct {
		name    string
		options Options
		handler http.HandlerFunc
		code    string
		seen    bool // usage
	}{
		{"connection closed at once", Options{}, func(w http.ResponseWriter, _ *http.Request) { gone(w) }, CodeConnection, false},
		{"hang before the headers", quick, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, CodeNoResponse, false},
		{"hang before the first event", quick, func(w http.ResponseWriter, r *http.Request) { sse(w); <-r.Context().Done() }, CodeStreamIdle, false},
		{"hang inside the stream", quick, func(w http.ResponseWriter, r *http.Request) {
			sse(w, start, begin, say("abcdef"))
			<-r.Context().Done()
		}, CodeStreamIdle, true},
		{"drip of single bytes", quick, func(w http.ResponseWriter, r *http.Request) { drip(w, r, "x") }, CodeStreamIdle, true},
		{"pings for ever", Options{IdleTimeout: time.Minute, Timeout: 60 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			drip(w, r, "event: ping\ndata: {\"type\": \"ping\"}\n\n")
		}, CodeCallTimeout, true},
		{"cut inside the stream", Options{}, func(w http.ResponseWriter, _ *http.Request) {
			sse(w, start, begin, say("abcdef"))
			gone(w)
		}, CodeStreamTruncated, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.handler)
			e := fails(t, s.client(t, tt.options), ask)
			if e.Verdict != Retry || e.Code != tt.code {
				t.Errorf("got %d %v, want a retry with %s", e.Verdict, e, tt.code)
			}
			if !e.Doubtful {
				t.Error("not doubtful, although the request had left")
			}
			if seen := e.Usage.InputTokens == 400 && e.Usage.BilledAsEstimate; seen != tt.seen {
				t.Errorf("usage %+v, want it seen: %v", e.Usage, tt.seen)
			}
		})
	}
}

// drip begins a stream and then sends text again and again.
func drip(w http.ResponseWriter, r *http.Request, text string) {
	sse(w, start)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			_, _ = w.Write([]byte(text))
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// TestPingsKeepAlive is the control of the watchdog: a slow stream that pings
// is not cut.
func TestPingsKeepAlive(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		sse(w, start, begin)
		for range 8 {
			<-time.After(300 * time.Millisecond)
			sse(w, ping)
		}
		sse(w, say("late"), stop("end_turn", 5), end)
	})
	got, err := s.client(t, Options{IdleTimeout: 2 * time.Second}).Call(t.Context(), ask, nil)
	if err != nil || got.Text != "late" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCutTextIsCounted estimates the output of a stream that never told it.
func TestCutTextIsCounted(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { sse(w, start, begin, say(strings.Repeat("abc", 100))) })
	e := fails(t, s.client(t, Options{}), ask)
	if e.Usage.OutputTokens != 100 || !e.Usage.BilledAsEstimate {
		t.Errorf("usage %+v, want about 100 output tokens", e.Usage)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sse(w, start)
		block := []byte(": " + strings.Repeat("x", 1<<20) + "\n")
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	e := fails(t, s.client(t, Options{}), ask)
	if e.Verdict != GiveUp || e.Code != CodeTooLarge {
		t.Errorf("got %d %v", e.Verdict, e)
	}
}

// TestInterrupted returns the caller's own reason, with the usage seen so far.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sse(w, start, begin, say("abc"))
		<-r.Context().Done()
	})
	shutdown := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	got, err := s.client(t, Options{}).Call(ctx, ask, func(string) { cancel(shutdown) })
	if _, is := errors.AsType[*Error](err); is || !errors.Is(err, shutdown) {
		t.Errorf("got %v, want the caller's own reason", err)
	}
	if got.Usage.InputTokens != 400 || !got.Usage.BilledAsEstimate {
		t.Errorf("usage %+v", got.Usage)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer stop()
	if _, err := s.client(t, Options{}).Call(ctx, ask, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestNoServer(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := s.client(t, Options{})
	s.Close()
	e := fails(t, c, ask)
	if e.Verdict != Retry || e.Code != CodeConnection || strings.Contains(e.Message, "http://") || e.Doubtful {
		t.Errorf("got %d %v, doubtful: %v", e.Verdict, e, e.Doubtful)
	}
}

// TestSentInPart: a request of which the API got a part costs nothing.
func TestSentInPart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(1 << 10)
		_, _ = conn.Read(make([]byte, 64))
		_ = conn.Close()
	}()
	c, err := New(Options{HTTP: &http.Client{Transport: new(http.Transport)}, BaseURL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	long := ask
	long.Prompt = strings.Repeat("word ", 8<<20)
	if e := fails(t, c, long); e.Code != CodeConnection || e.Doubtful {
		t.Errorf("got %v, doubtful: %v", e, e.Doubtful)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{}); err == nil {
		t.Error("no HTTP client: got no error")
	}
	if _, err := New(Options{HTTP: http.DefaultClient, BaseURL: "api.anthropic.com"}); err == nil {
		t.Error("relative base URL: got no error")
	}
}
