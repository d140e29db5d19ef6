package claude

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
)

// Defaults and bounds.
const (
	defaultBaseURL = "https://api.anthropic.com"
	defaultIdle    = 60 * time.Second
	defaultTimeout = 10 * time.Minute

	// The longest answer is 128,000 tokens; in events of about 150 bytes a
	// token that is 20 MB.
	maxStream = 64 << 20
	maxReply  = 8 << 20 // of everything that is not a stream
)

// Why a call was cut by ourselves.
var (
	errNoResponse = errors.New("no response came in time")
	errIdle       = errors.New("the stream said nothing for too long")
	errTimeout    = errors.New("the call took too long")
	errTooLarge   = errors.New("the response is too large")
)

// A Client calls the Claude API. It is safe for concurrent use and holds no
// state between calls.
type Client struct {
	api     anthropic.Client
	idle    time.Duration
	timeout time.Duration
}

// New makes a Client.
func New(o Options) (*Client, error) {
	if o.HTTP == nil {
		return nil, errors.New("claude: an HTTP client is required")
	}
	if o.BaseURL == "" {
		o.BaseURL = defaultBaseURL
	}
	if u, err := url.Parse(o.BaseURL); err != nil || u.Host == "" {
		return nil, fmt.Errorf("claude: base URL %q is not an absolute URL", o.BaseURL)
	}
	c := &Client{idle: o.IdleTimeout, timeout: o.Timeout}
	if c.idle <= 0 {
		c.idle = defaultIdle
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	c.api = anthropic.NewClient(
		option.WithoutEnvironmentDefaults(),
		option.WithoutOpenTelemetry(),
		option.WithMaxRetries(0),
		option.WithHTTPClient(o.HTTP),
		option.WithBaseURL(o.BaseURL),
	)
	return c, nil
}

// Call asks one question and reads the whole answer. It makes exactly one HTTP
// request. onDelta, which may be nil, is given the text as it streams in; on an
// error that text is void.
//
// An answer that cannot be used is an *Error that says how to react. When ctx
// is done first, the error wraps ctx's own instead, and the Answer holds the
// usage that was seen until then.
func (c *Client) Call(ctx context.Context, r Request, onDelta func(text string)) (Answer, error) {
	watched, w := c.watch(ctx)
	defer w.stop()

	params, err := messageParams(r)
	if err != nil {
		return Answer{}, &Error{Verdict: GiveUp, Code: CodeInvalidRequest, Message: oneLine(err.Error())}
	}
	reply := newReply(r, onDelta)
	err = c.read(watched, w, params, reply)
	reply.headers, reply.sent = w.headers(), w.sent()

	if ctx.Err() != nil && err != nil {
		return reply.answer(), fmt.Errorf("call to Claude interrupted: %w", context.Cause(ctx))
	}
	now := time.Now()
	if err != nil {
		return Answer{}, reply.failed(w.explain(err), w.resp, now)
	}
	return reply.finish(w.resp, now)
}

// read streams one response into reply. Its error may be nil although the
// stream broke off; reply knows.
func (c *Client) read(ctx context.Context, w *watch, params anthropic.MessageNewParams, into *reply) error {
	stream := c.api.Messages.NewStreaming(ctx, params, option.WithMiddleware(w.middleware))
	defer func() { _ = stream.Close() }()
	for stream.Next() {
		into.take(stream.Current(), w.resp)
	}
	return stream.Err()
}

// middleware is how the SDK lets us see the response before it reads it.
func (w *watch) middleware(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
	resp, err := next(r)
	if err == nil {
		w.responded(resp)
	}
	return resp, err
}
