package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/verify"
)

// signedBody is a document as a sender writes it; what other tools make of it
// is below, as they print it.
const signedBody = `{"b":1,"a":"Zoë <x> & a/b","n":1.5,"u":"漢"}`

// A cause is one thing that goes wrong between a sender and a hook.
type cause struct {
	cfg     verify.Config  // as the sender has it
	hook    *verify.Config // as the configuration has it; nil: the same
	body    string         // default signedBody
	kind    string         // content type, default JSON
	url     string         // that the sender calls; default cfg.PublicURL
	change  func(r *verify.Request)
	args    []string
	others  string // more hooks, YAML
	finding string // the codes, in order
	says    []string
}

// TestVerifyExplains: every cause of a refusal that people meet is named by the
// command, from a captured request.
func TestVerifyExplains(t *testing.T) {
	t.Parallel()
	github := verify.Config{Type: "github", Secrets: []string{"s3cret-of-some-length"}}
	stripe := verify.Config{Type: "stripe", Secrets: []string{"whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"}}
	twilio := verify.Config{Type: "twilio", Secrets: []string{"12345678901234567890"}, PublicURL: "https://example.com/hooks/sms"}
	square := verify.Config{Type: "square", Secrets: []string{"sq-signature-key"}, PublicURL: "https://example.com/hooks/pay"}
	slack := verify.Config{Type: "slack", Secrets: []string{"8f742231b10e8888abcd99yyyzzz85a5"}}
	standard := verify.Config{Type: "standardwebhooks", Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	with := func(c verify.Config, secrets ...string) *verify.Config { c.Secrets = secrets; return &c }
	at := func(c verify.Config, url string) *verify.Config { c.PublicURL = url; return &c }
	came := func(text string) func(*verify.Request) { return func(r *verify.Request) { r.Body = []byte(text) } }
	set := func(name, value string) func(*verify.Request) {
		return func(r *verify.Request) { r.Header.Set(name, value) }
	}
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]cause{
		"nothing": {cfg: github, says: []string{"accepted"}},

		// A body that was written again.
		"JSON.stringify":       {cfg: github, body: "{\n  \"b\": 1\n}", change: came(`{"b":1}`), finding: "body_rewritten", says: []string{"indented by 2", "JSON.stringify"}},
		"json.Marshal":         {cfg: github, change: came(`{"b":1,"a":"Zoë \u003cx\u003e \u0026 a/b","n":1.5,"u":"漢"}`), finding: "body_rewritten", says: []string{"json.Marshal (Go)"}},
		"json.dumps":           {cfg: github, change: came(`{"b": 1, "a": "Zo\u00eb <x> & a/b", "n": 1.5, "u": "\u6f22"}`), finding: "body_rewritten", says: []string{"wrote it as json.dumps (Python)"}},
		"ensure_ascii=False":   {cfg: github, change: came(`{"b": 1, "a": "Zoë <x> & a/b", "n": 1.5, "u": "漢"}`), finding: "body_rewritten", says: []string{"ensure_ascii=False"}},
		"json_encode":          {cfg: github, change: came(`{"b":1,"a":"Zo\u00eb <x> & a\/b","n":1.5,"u":"\u6f22"}`), finding: "body_rewritten", says: []string{"json_encode (PHP)"}},
		"JSON_PRETTY_PRINT":    {cfg: github, change: came("{\n    \"b\": 1,\n    \"a\": \"Zo\\u00eb <x> & a\\/b\",\n    \"n\": 1.5,\n    \"u\": \"\\u6f22\"\n}"), finding: "body_rewritten", says: []string{"JSON_PRETTY_PRINT (PHP)"}},
		".NET":                 {cfg: github, change: came(`{"b":1,"a":"Zo\u00EB \u003Cx\u003E \u0026 a/b","n":1.5,"u":"\u6F22"}`), finding: "body_rewritten", says: []string{"System.Text.Json"}},
		"jq":                   {cfg: github, change: came("{\n  \"b\": 1,\n  \"a\": \"Zoë <x> & a/b\",\n  \"n\": 1.5,\n  \"u\": \"漢\"\n}\n"), finding: "body_rewritten", says: []string{"jq"}},
		"json.tool":            {cfg: github, change: came("{\n    \"b\": 1,\n    \"a\": \"Zo\\u00eb <x> & a/b\",\n    \"n\": 1.5,\n    \"u\": \"\\u6f22\"\n}\n"), finding: "body_rewritten", says: []string{"json.tool (Python)"}},
		"a sender like Python": {cfg: github, body: `{"b": 1, "a": "Zo\u00eb"}`, change: came(`{"b":1,"a":"Zoë"}`), finding: "body_rewritten", says: []string{"space after , and :, non-ASCII escaped", "JSON.stringify"}},
		"a sender like PHP":    {cfg: github, body: `{"b":1,"a":"Zo\u00eb a\/b"}`, change: came(`{"b":1,"a":"Zoë a/b"}`), finding: "body_rewritten", says: []string{"non-ASCII and slashes escaped", "JSON.stringify"}},
		"a sender like .NET":   {cfg: github, body: `{"b":1,"a":"Zo\u00EB"}`, change: came(`{"b":1,"a":"Zoë"}`), finding: "body_rewritten", says: []string{"escaped in capitals"}},
		"a sorted map":         {cfg: github, change: came(`{"a":"Zoë \u003cx\u003e \u0026 a/b","b":1,"n":1.5,"u":"漢"}`), finding: "wrong_secret", says: []string{"json.Marshal (Go), from a map with sorted keys"}},
		"line break more":      {cfg: github, change: came(signedBody + "\n"), finding: "body_rewritten", says: []string{"without the line break at its end"}},
		"line break less":      {cfg: github, body: signedBody + "\n", change: came(signedBody), finding: "body_rewritten", says: []string{"with a line break at its end"}},
		"CR LF":                {cfg: github, body: "a\nb\n", kind: "text/plain", change: came("a\r\nb\r\n"), finding: "body_rewritten", says: []string{"LF for every line break"}},
		"LF":                   {cfg: github, body: "a\r\nb\r\n", kind: "text/plain", change: came("a\nb\n"), finding: "body_rewritten", says: []string{"CR LF for every line break"}},
		"byte order mark":      {cfg: github, change: came("\ufeff" + signedBody), finding: "body_rewritten", says: []string{"byte order mark"}},
		"Latin-1":              {cfg: github, body: `{"a":"Zoë"}`, change: came("{\"a\":\"Zo\xeb\"}"), finding: "body_rewritten", says: []string{"in UTF-8: something on the way rewrote it in ISO-8859-1"}},
		"from Latin-1":         {cfg: github, body: "{\"a\":\"Zo\xeb\"}", kind: "text/plain", change: came(`{"a":"Zoë"}`), finding: "body_rewritten", says: []string{"in ISO-8859-1"}},
		"UTF-8 twice":          {cfg: github, body: `{"a":"Zoë"}`, change: came(`{"a":"ZoÃ«"}`), finding: "body_rewritten", says: []string{"encoded once and not twice"}},
		"wrong charset":        {cfg: github, body: `{"a":"Zoë"}`, change: came("{\"a\":\"Zo\ufffd\"}"), finding: "body_rewritten", says: []string{"U+FFFD"}},
		"compressed":           {cfg: github, change: func(r *verify.Request) { r.Body = gzipped(r.Body) }, finding: "body_rewritten", says: []string{"gzip"}},
		"form unpacked":        {cfg: github, body: "payload=%7B%22b%22%3A1%7D", kind: form, change: func(r *verify.Request) { r.Body = []byte(`{"b":1}`); r.Header.Set("Content-Type", "application/json") }, finding: "body_rewritten", says: []string{"as a form with the field payload"}},
		"form spaces":          {cfg: slack, body: "text=a+b&c=%2F", kind: form, change: came("text=a%20b&c=%2F"), finding: "body_rewritten", says: []string{"+ for spaces"}},
		"form letters":         {cfg: slack, body: "text=a+b&c=%2F", kind: form, change: came("text=a+b&c=%2f"), finding: "body_rewritten", says: []string{"in capitals"}},
		"cut":                  {cfg: github, change: func(r *verify.Request) { r.Body = r.Body[:9] }, finding: "body_truncated capture", says: []string{"but the body has 9 bytes"}},
		"another body":         {cfg: github, change: came(`{"x":true}`), finding: "wrong_secret", says: []string{"another one than the sender has"}},

		// A secret in another form.
		"quotes":               {cfg: github, hook: with(github, `"s3cret-of-some-length"`), finding: "secret_form", says: []string{"without its quotes"}},
		"base64":               {cfg: github, hook: with(github, base64.StdEncoding.EncodeToString([]byte(github.Secrets[0]))), finding: "secret_form", says: []string{"decoded as base64"}},
		"hexadecimal":          {cfg: github, hook: with(github, hex.EncodeToString([]byte(github.Secrets[0]))), finding: "secret_form", says: []string{"decoded as hexadecimal"}},
		"decoded":              {cfg: with2(github, base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))), hook: with(github, "0123456789abcdef"), finding: "secret_form", says: []string{"decoded once too often"}},
		"whsec_ cut off":       {cfg: stripe, hook: with(stripe, strings.TrimPrefix(stripe.Secrets[0], "whsec_")), finding: "secret_form", says: []string{"with whsec_ in front"}},
		"whsec_ added":         {cfg: with2(github, "c2VjcmV0"), hook: with(github, "whsec_c2VjcmV0"), finding: "secret_form", says: []string{"without its prefix"}},
		"whsec_ as text":       {cfg: verify.Config{Type: "github", Secrets: standard.Secrets}, hook: with(github, strings.TrimPrefix(standard.Secrets[0], "whsec_")), finding: "secret_form", says: []string{"with whsec_ in front"}},
		"line break in secret": {cfg: github, hook: with(github, "s3cret-of-\nsome-length"), finding: "secret_form", says: []string{"line breaks in it"}},
		"from a URL":           {cfg: with2(github, "a+b/c=="), hook: with(github, "a%2Bb%2Fc%3D%3D"), finding: "secret_form", says: []string{"copied out of a URL"}},
		"second of two":        {cfg: github, hook: with(github, "a-new-secret", github.Secrets[0]), says: []string{"accepted", "secret 2 made the signature"}},
		"none of two":          {cfg: github, hook: with(github, "a-new-secret", "an-old-secret"), finding: "wrong_secret", says: []string{"none of the 2 secrets"}},
		"second is quoted":     {cfg: github, hook: with(github, "a-new-secret", "'s3cret-of-some-length'"), finding: "secret_form", says: []string{"secret 2 matches"}},
		"another hook's": {
			cfg: github, hook: with(github, "the-secret-of-this-hook"), finding: "wrong_secret other_hook", says: []string{"the hook b-staging"},
			others: "  b-staging:\n    source: {type: github, secrets: [s3cret-of-some-length]}\n    model: haiku\n    prompt: p\n",
		},

		// Clocks.
		"old":      {cfg: stripe, change: func(r *verify.Request) { r.Now = r.Now.Add(421 * time.Second) }, finding: "clock_skew", says: []string{"421 s old", "signed 7m1s ago"}},
		"future":   {cfg: stripe, change: func(r *verify.Request) { r.Now = r.Now.Add(-3600 * time.Second) }, finding: "clock_skew", says: []string{"3600 s in the future"}},
		"old, too": {cfg: stripe, change: func(r *verify.Request) { r.Now = r.Now.Add(time.Hour); r.Body = []byte(`{"b": 1}`) }, body: `{"b":1}`, finding: "clock_skew body_rewritten", says: []string{"3600 s old"}},

		// A proxy between.
		"http":         {cfg: twilio, hook: at(twilio, "http://example.com/hooks/sms"), finding: "url_differs", says: []string{`"https://example.com/hooks/sms", which differs in its scheme`}},
		"port":         {cfg: square, hook: at(square, "https://example.com:8443/hooks/pay"), finding: "url_differs", says: []string{"differs in its port"}},
		"inner port":   {cfg: *at(square, "http://example.com:8080/hooks/pay"), hook: at(square, "https://example.com/hooks/pay"), finding: "url_differs", says: []string{"differs in its scheme and port"}},
		"prefix taken": {cfg: *at(square, "https://example.com/edge/hooks/pay"), hook: at(square, "https://example.com/hooks/pay"), change: set("X-Forwarded-Prefix", "/edge"), finding: "url_differs", says: []string{"differs in its path"}},
		"prefix added": {cfg: square, hook: at(square, "https://example.com/internal/hooks/pay"), finding: "url_differs", says: []string{"differs in its path"}},
		"slash":        {cfg: twilio, hook: at(twilio, "https://example.com/hooks/sms/"), finding: "url_differs", says: []string{"differs in its path"}},
		"host":         {cfg: *at(square, "https://hooks.example.com/hooks/pay"), hook: at(square, "https://internal.example.net/hooks/pay"), change: set("X-Forwarded-Host", "hooks.example.com"), finding: "url_differs", says: []string{"differs in its host"}},
		"Host header":  {cfg: *at(twilio, "https://hooks.example.com/hooks/sms"), hook: at(twilio, "https://internal.example.net/hooks/sms"), change: set("Host", "hooks.example.com"), finding: "url_differs", says: []string{"differs in its host"}},
		"query taken":  {cfg: *at(square, "https://example.com/hooks/pay?shop=1"), hook: at(square, "https://example.com/hooks/pay"), url: "/hooks/pay?shop=1", finding: "url_differs", says: []string{"differs in its query"}},
		"proxy and Twilio": {cfg: *at(twilio, "https://example.com/a/hooks/sms"), hook: at(twilio, "http://10.0.0.1:8080/hooks/sms"), kind: form, body: "From=%2B1&Body=hi", change: func(r *verify.Request) {
			r.Header.Set("X-Forwarded-Host", "example.com")
			r.Header.Set("X-Forwarded-Prefix", "/a")
		}, finding: "url_differs", says: []string{"scheme and host and port and path"}},

		// The wrong type.
		"another sender": {cfg: stripe, hook: with(github, "x"), finding: "other_sender", says: []string{"Stripe-Signature, which stripe"}},
		"a namesake": {cfg: verify.Config{Type: "gitea", Secrets: github.Secrets}, hook: &github, kind: form, body: "payload=%7B%22b%22%3A1%7D", change: func(r *verify.Request) {
			r.Header.Set("X-Hub-Signature-256", "sha256="+r.Header.Get("X-Gitea-Signature"))
			r.Header.Del("X-Gitea-Signature")
		}, finding: "body_rewritten", says: []string{"payload alone", "Gitea"}},
		"Standard Webhooks, as GitHub": {cfg: standard, hook: with(github, standard.Secrets[0]), finding: "other_sender", says: []string{"with the same secret the request holds as one of"}},

		// Test against live.
		"test event":   {cfg: stripe, hook: with(stripe, "whsec_of_the_live_endpoint"), body: `{"livemode":false}`, finding: "test_mode", says: []string{"signing secret of the test endpoint"}},
		"live event":   {cfg: stripe, hook: with(stripe, "whsec_of_the_test_endpoint"), body: `{"livemode":true}`, finding: "live_mode", says: []string{"a test endpoint"}},
		"a test order": {cfg: verify.Config{Type: "lemon-squeezy", Secrets: []string{"test-secret"}}, hook: &verify.Config{Type: "lemon-squeezy", Secrets: []string{"live-secret"}}, body: `{"meta":{"test_mode":true}}`, finding: "test_mode", says: []string{"test endpoint"}},
		"a test shop":  {cfg: verify.Config{Type: "shopify", Secrets: []string{"test-secret"}}, hook: &verify.Config{Type: "shopify", Secrets: []string{"live-secret"}}, change: set("X-Shopify-Test", "true"), finding: "test_mode", says: []string{"test shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func with2(c verify.Config, secret string) verify.Config { c.Secrets = []string{secret}; return c }

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close() // into memory
	return out.Bytes()
}

// run signs as the sender does, changes what came, and asks the command twice:
// for people and for programs.
func (c cause) run(t *testing.T) {
	t.Helper()
	hook, body := c.cfg, signedBody
	if c.hook != nil {
		hook = *c.hook
	}
	if c.body != "" {
		body = c.body
	}
	kind := c.kind
	if kind == "" {
		kind = "application/json"
	}
	in := verify.SignInput{Body: []byte(body), Header: http.Header{"Content-Type": {kind}}, Now: time.Unix(1760000000, 0), ID: "msg_1", URL: c.url}
	r, err := verify.Sign(c.cfg, in)
	if err != nil {
		t.Fatal(err)
	}
	sent := len(r.Body)
	if c.change != nil {
		c.change(&r)
	}
	if strings.Contains(c.finding, "body_truncated") {
		r.Header.Set("Content-Length", fmt.Sprint(sent))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "captured.http"), captureOf(r))
	write(t, filepath.Join(dir, "forebay.yaml"), []byte("claude: {api_key: k}\nhooks:\n  a:\n"+source(t, hook)+"    model: haiku\n    prompt: p\n"+c.others))
	args := append([]string{"verify", "--config", filepath.Join(dir, "forebay.yaml"), "--hook", "a", "--request", filepath.Join(dir, "captured.http"), "--at", fmt.Sprint(r.Now.Unix())}, c.args...)

	code, text := command(t, args...)
	if want := min(len(c.finding), 1); code != want {
		t.Errorf("got exit code %d, want %d: %s", code, want, text)
	}
	for _, want := range c.says {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	for _, secret := range slices.Concat(hook.Secrets, c.cfg.Secrets) {
		if len(secret) > 8 && strings.Contains(text, secret) {
			t.Errorf("a secret is shown: %s", text)
		}
	}
	_, text = command(t, append(args, "--json")...)
	var e verify.Explanation
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, f := range e.Findings {
		codes = append(codes, f.Code)
	}
	if got := strings.Join(codes, " "); got != c.finding {
		t.Errorf("got findings %q %+v, want %q", got, e.Findings, c.finding)
	}
}

// source is the hook's source as a configuration says it.
func source(t *testing.T, c verify.Config) string {
	t.Helper()
	doc := map[string]any{"type": c.Type, "secrets": c.Secrets}
	if c.PublicURL != "" {
		doc["public_url"] = c.PublicURL
	}
	text, err := json.Marshal(doc) // which is YAML too
	if err != nil {
		t.Fatal(err)
	}
	return "    source: " + string(text) + "\n"
}

// captureOf is a request as somebody captures it behind the proxy: a path, no host.
func captureOf(r verify.Request) []byte {
	path := r.URL
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	if path == "" {
		path = "/hooks/a"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, path)
	for name, values := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", name, values[0])
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// command runs a command in this process.
func command(t *testing.T, args ...string) (code int, stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) (string, bool) { return "", false }})
	if errs.Len() > 0 {
		t.Fatalf("stderr: %s", errs.String())
	}
	return code, out.String()
}
