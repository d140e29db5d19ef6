package github

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A call is one request to the API.
type call struct {
	method string
	path   string // below the API's root
	query  url.Values
	accept string
	send   any    // JSON
	into   any    // where the JSON of the answer goes; *[]byte takes it as it is
	key    string // whose rate limits count it
	paced  bool   // it creates content, which GitHub limits more
}

// answer is what a call needs to know besides the document.
type answer struct {
	more   bool   // there is another page
	cursor string // of the next page, where pages are not numbered
}

// do carries out a call. Errors are *Error.
func (c *Client) do(ctx context.Context, client *http.Client, k call) (answer, error) {
	if err := c.pace.enter(ctx, k.key, k.paced); err != nil {
		return answer{}, err
	}
	req, err := c.request(ctx, k)
	if err != nil {
		return answer{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		fault := c.refused(resp)
		if fault.RetryAfter > 0 && fault.Code == codeRateLimited {
			c.pace.hold(k.key, time.Now().Add(fault.RetryAfter))
		}
		return answer{}, fault
	}
	if err := read(ctx, resp.Body, k.into); err != nil {
		return answer{}, err
	}
	// The address behind rel="next" is not used: only that there is one.
	link := resp.Header.Get("Link")
	return answer{more: strings.Contains(link, `rel="next"`), cursor: nextCursor(link)}, nil
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	var body io.Reader
	if k.send != nil {
		text, err := json.Marshal(k.send)
		if err != nil {
			return nil, &Error{Code: "github_request", Message: "the request cannot be written as JSON", Permanent: true, Err: err}
		}
		body = bytes.NewReader(text)
	}
	target := c.origin + c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, &Error{Code: "github_request", Message: "the request has no valid address", Permanent: true, Err: err}
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	if k.accept != "" {
		req.Header.Set("Accept", k.accept)
	}
	req.Header.Set("User-Agent", "forebay")
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// read takes the document of an answer.
func read(ctx context.Context, body io.Reader, into any) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return unreachable(ctx, err)
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = raw
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &Error{Code: "github_bad_answer", Message: "GitHub's answer is not the JSON that was expected", Err: err}
	}
	return nil
}
