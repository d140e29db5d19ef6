package claudetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/claudetest"
)

// body is a Messages request; more is further JSON fields, with a leading comma.
func body(model, text, more string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"model":%q,"max_tokens":4096,"messages":[{"role":"user","content":%s}]%s}`, model, quoted, more)
}

// An answer is a response that was read to its end, or as far as it went.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of the transport
}

func (a answer) usage(t *testing.T) map[string]int64 {
	t.Helper()
	var m struct {
		Usage struct {
			Input  int64 `json:"input_tokens"`
			Write  int64 `json:"cache_creation_input_tokens"`
			Read   int64 `json:"cache_read_input_tokens"`
			Output int64 `json:"output_tokens"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || a.status != 200 {
		t.Fatalf("status %d, body %s: %v", a.status, a.body, err)
	}
	return map[string]int64{"input": m.Usage.Input, "write": m.Usage.Write, "read": m.Usage.Read, "output": m.Usage.Output}
}

// A caller sends raw requests.
type caller struct {
	client  *http.Client
	url     string
	version string
}

func raw(api *claudetest.Running) caller {
	return caller{api.Client(), api.URL, "2026-10-21"}
}

func (c caller) open(ctx context.Context, path, body string, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer k")
	r.Header.Set("Anthropic-Version", c.version)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.client.Do(r)
}

func (c caller) post(ctx context.Context, body string, headers ...string) answer {
	return read(c.open(ctx, "/v1/messages", body, headers...))
}

func read(response *http.Response, err error) answer {
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, response.Body)
	return answer{response.StatusCode, response.Header, b.String(), err}
}
