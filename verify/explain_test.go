package verify

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func codesOf(e Explanation) string {
	var out []string
	for _, f := range e.Findings {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	github := Config{Type: "github", Secrets: []string{"s3cret-of-some-length"}}
	stripe := Config{Type: "stripe", Secrets: []string{"whsec_test_secret"}}
	twilio := Config{Type: "twilio", Secrets: []string{"s3cret"}, PublicURL: "https://example.com/hooks/sms"}
	body := []byte(`{"b":1,"a":"Zoë <x> a/b","n":1.50}`)
	for name, c := range map[string]struct {
		cfg    Config // that signs
		change func(cfg *Config, r *Request)
		code   string
		find   string
		says   string
	}{
		"good":             {github, func(*Config, *Request) {}, "", "", ""},
		"indented":         {github, func(_ *Config, r *Request) { r.Body = indented(r.Body, "  ") }, CodeSignatureMismatch, "body_rewritten", "compact"},
		"python":           {github, func(_ *Config, r *Request) { r.Body = spacedJSON(r.Body) }, CodeSignatureMismatch, "body_rewritten", "compact"},
		"ascii":            {github, func(_ *Config, r *Request) { r.Body = asciiJSON(r.Body) }, CodeSignatureMismatch, "body_rewritten", "unescaped"},
		"html":             {github, func(_ *Config, r *Request) { r.Body = htmlJSON(r.Body) }, CodeSignatureMismatch, "body_rewritten", "unescaped"},
		"slashes":          {github, func(_ *Config, r *Request) { r.Body = bytes.ReplaceAll(r.Body, []byte("/"), []byte(`\/`)) }, CodeSignatureMismatch, "body_rewritten", "slashes unescaped"},
		"line break":       {github, func(_ *Config, r *Request) { r.Body = append(r.Body, '\n') }, CodeSignatureMismatch, "body_rewritten", "line break"},
		"another body":     {github, func(_ *Config, r *Request) { r.Body = []byte("{}") }, CodeSignatureMismatch, "wrong_secret", "beyond what can be undone"},
		"none of two":      {github, func(c *Config, _ *Request) { c.Secrets = []string{"an-0ther-secret", "a-th1rd-secret"} }, CodeSignatureMismatch, "wrong_secret", "none of the 2"},
		"another secret":   {github, func(c *Config, _ *Request) { c.Secrets = []string{"an-0ther-secret"} }, CodeSignatureMismatch, "wrong_secret", "another one"},
		"quoted secret":    {github, func(c *Config, _ *Request) { c.Secrets = []string{`"s3cret-of-some-length"`} }, CodeSignatureMismatch, "secret_form", "quotes"},
		"base64 secret":    {Config{Type: "github", Secrets: []string{"key"}}, func(c *Config, _ *Request) { c.Secrets = []string{"a2V5"} }, CodeSignatureMismatch, "secret_form", "base64"},
		"other sender":     {github, func(c *Config, _ *Request) { c.Type = "shopify" }, CodeSignatureMissing, "other_sender", "github"},
		"old":              {stripe, func(_ *Config, r *Request) { r.Now = r.Now.Add(time.Hour) }, CodeTimestampOutOfTolerance, "clock_skew", "3600 s old"},
		"old and indented": {stripe, func(_ *Config, r *Request) { r.Now = r.Now.Add(time.Hour); r.Body = indented(r.Body, "  ") }, CodeSignatureMismatch, "clock_skew body_rewritten", "compact"},
		"proxy url":        {twilio, func(c *Config, _ *Request) { c.PublicURL = "http://example.com/hooks/sms/" }, CodeSignatureMismatch, "url_differs", "https://example.com"},
		"cut":              {github, func(_ *Config, r *Request) { r.Body = r.Body[:9]; r.Header.Set("Content-Length", "34") }, CodeSignatureMismatch, "body_truncated", "34"},
		"test mode":        {stripe, func(_ *Config, r *Request) { r.Body = []byte(`{"livemode":false}`) }, CodeSignatureMismatch, "test_mode", "test endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, r := c.cfg, mustSign(t, c.cfg, SignInput{Body: bytes.Clone(body)})
			c.change(&cfg, &r)
			e, err := Explain(cfg, r)
			if err != nil {
				t.Fatal(err)
			}
			if e.Code != c.code || codesOf(e) != c.find || e.Accepted != (c.code == "") {
				t.Errorf("got code %q, findings %q %+v; want %q, %q", e.Code, codesOf(e), e.Findings, c.code, c.find)
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if plain := string(text); !strings.Contains(plain, strings.ReplaceAll(c.says, "<", `\u003c`)) || strings.Contains(plain, cfg.Secrets[0]) {
				t.Errorf("want %q and no secret in %s", c.says, plain)
			}
		})
	}
}

// TestExplainShows: the expected signature stands in its own field, and of the
// received one only the beginning.
func TestExplainShows(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "stripe", Secrets: []string{"one", "two"}}
	r := mustSign(t, cfg, SignInput{Body: []byte("{}")})
	got := r.Header.Get("Stripe-Signature")
	r.Now = r.Now.Add(10 * time.Second)
	e, err := Explain(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Expected) != 2 || !strings.HasSuffix(got, e.Expected[0]) || e.SkewSeconds == nil || *e.SkewSeconds != 10 || e.SignedBytes != 13 {
		t.Errorf("got %+v", e)
	}
	if len(e.Headers) != 1 || e.Headers[0].Name != "Stripe-Signature" || e.Headers[0].Times != 1 || len(e.Headers[0].Start) > 12 {
		t.Errorf("got %+v", e.Headers)
	}
}
