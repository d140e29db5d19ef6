package claude

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server answers each request with one handler, and keeps what it was sent.
type server struct {
	*httptest.Server
	requests chan *http.Request
	bodies   chan []byte
}

func serve(t *testing.T, h http.HandlerFunc) *server {
	t.Helper()
	s := &server{requests: make(chan *http.Request, 64), bodies: make(chan []byte, 64)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.requests <- r.Clone(t.Context())
		s.bodies <- body
		h(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// client makes a Client whose HTTP client adds the key, as egress does.
func (s *server) client(t *testing.T, o Options) *Client {
	t.Helper()
	o.BaseURL = s.URL
	o.HTTP = &http.Client{Transport: keyed{s.Client().Transport}}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type keyed struct{ next http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Add("Authorization", "Bearer bound-to-origin")
	return k.next.RoundTrip(r)
}

// sse writes events as the API does: named, padded, with a blank line behind.
func sse(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Request-Id", "req_1")
	for _, e := range events {
		var named struct{ Type string }
		_ = json.Unmarshal([]byte(e), &named)
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", named.Type, strings.TrimSuffix(e, "}")+"   }")
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

const (
	start = `{"type":"message_start","message":{"model":"claude-haiku-5-5","id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":400,"cache_creation_input_tokens":30,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":2,"service_tier":"standard"}}}`
	think = `{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`
	sign  = `{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}`
	muse  = `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"SECRET THOUGHT"}}`
	shut  = `{"type":"content_block_stop","index":0}`
	begin = `{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`
	ping  = `{"type":"ping"}`
	end   = `{"type":"message_stop"}`
)

func say(text string) string {
	quoted, _ := json.Marshal(text)
	return `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":` + string(quoted) + `}}`
}

func stop(reason string, output int) string {
	return fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q,"stop_sequence":null},"usage":{"output_tokens":%d}}`, reason, output)
}

// within reports whether a deadline lies wait after some moment between from
// and to; a negative wait means that there must be none.
func within(got, from, to time.Time, wait time.Duration) bool {
	if wait < 0 {
		return got.IsZero()
	}
	return !got.Before(from.Add(wait)) && !got.After(to.Add(wait))
}

// fails makes a call that must fail, with an *Error.
func fails(t *testing.T, c *Client, r Request) *Error {
	t.Helper()
	got, err := c.Call(t.Context(), r, nil)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %+v, %v; want an *Error", got, err)
	}
	return e
}

var ask = Request{Model: "claude-haiku-5-5", Prompt: "hello", MaxTokens: 100}
