package verify

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestGitHub(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "github", Secrets: []string{"s3cret"}}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	pull := `{"action":"opened","number":2,"pull_request":{"url":"https://api.github.com/repos/octo/repo/pulls/2","x":[{}]},"repository":{"full_name":"octo/repo"}}`
	for name, c := range map[string]struct {
		in      SignInput
		subject string
		payload string
		answer  string
	}{
		"pull request":   {SignInput{Body: []byte(pull), Type: "pull_request"}, "octo/repo#2", "", ""},
		"enterprise":     {SignInput{Body: []byte(`{"issue":{"url":"https://ghe.local/api/v3/repos/octo/repo/issues/7"}}`), Type: "issues"}, "octo/repo#7", "", ""},
		"push":           {SignInput{Body: []byte(`{"ref":"x","repository":{"full_name":"octo/repo"}}`), Type: "push"}, "octo/repo", "", ""},
		"odd url":        {SignInput{Body: []byte(`{"issue":{"url":"https://x/repos/a"},"repository":{"full_name":"octo/repo"}}`), Type: "issues"}, "octo/repo", "", ""},
		"form":           {SignInput{Body: []byte("payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22o%2Fr%22%7D%7D"), Type: "push", Header: form}, "o/r", `{"repository":{"full_name":"o/r"}}`, ""},
		"ping":           {SignInput{Body: []byte(`{"zen":"x"}`), Type: "ping"}, "", "", "ping"},
		"organization":   {SignInput{Body: []byte(`{"action":"member_added"}`), Type: "organization"}, "", "", ""},
		"number is text": {SignInput{Body: []byte(`{"issue":{"url":"https://x/repos/a/b/issues/1x"}}`), Type: "issues"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.in.ID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
			d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, c.in))
			if err != nil {
				t.Fatal(err)
			}
			if d.ID != c.in.ID || d.IDSigned || d.Type != c.in.Type || d.Subject != c.subject || string(d.Payload) != c.payload {
				t.Errorf("got %+v", d)
			}
			if got := answerName(d); got != c.answer {
				t.Errorf("got the answer %q, want %q", got, c.answer)
			}
		})
	}
	t.Run("form without payload", func(t *testing.T) {
		t.Parallel()
		r := mustSign(t, cfg, SignInput{Body: []byte("a=b"), Header: form})
		if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeBodyMalformed {
			t.Errorf("got %q, want %q", got, CodeBodyMalformed)
		}
	})
	t.Run("downgraded", func(t *testing.T) {
		t.Parallel()
		r := mustSign(t, cfg, SignInput{Body: []byte(pull)})
		r.Header.Del("X-Hub-Signature-256")
		r.Header.Set("X-Hub-Signature", "sha1=126f2c800419c60137ce748d7672e77b65cf16d6")
		if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeSignatureDowngraded {
			t.Errorf("got %q, want %q", got, CodeSignatureDowngraded)
		}
	})
}

func answerName(d Delivery) string {
	if d.Answer == nil {
		return ""
	}
	return d.Answer.Name
}

func TestCodes(t *testing.T) {
	t.Parallel()
	github := Config{Type: "github", Secrets: []string{"a"}}
	stripe := Config{Type: "stripe", Secrets: []string{"a"}}
	slack := Config{Type: "slack", Secrets: []string{"a"}}
	standard := Config{Type: "standardwebhooks", Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	sha := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		cfg  Config
		head map[string][]string
		want string
	}{
		"missing":               {github, nil, CodeSignatureMissing},
		"repeated":              {github, map[string][]string{"X-Hub-Signature-256": {"sha256=" + sha, "sha256=" + sha}}, CodeSignatureRepeated},
		"short":                 {github, map[string][]string{"X-Hub-Signature-256": {"sha256=00"}}, CodeSignatureMalformed},
		"mismatch":              {github, map[string][]string{"X-Hub-Signature-256": {"sha256=" + sha}}, CodeSignatureMismatch},
		"too long":              {github, map[string][]string{"X-Hub-Signature-256": {strings.Repeat("a", maxHeader+1)}}, CodeSignatureMalformed},
		"no timestamp":          {stripe, map[string][]string{"Stripe-Signature": {"v1=" + sha}}, CodeTimestampMissing},
		"two timestamps":        {stripe, map[string][]string{"Stripe-Signature": {"t=1,t=2,v1=" + sha}}, CodeTimestampRepeated},
		"negative timestamp":    {stripe, map[string][]string{"Stripe-Signature": {"t=-1,v1=" + sha}}, CodeTimestampMalformed},
		"huge timestamp":        {stripe, map[string][]string{"Stripe-Signature": {"t=9999999999999,v1=" + sha}}, CodeTimestampMalformed},
		"spaced timestamp":      {stripe, map[string][]string{"Stripe-Signature": {"t= 1,v1=" + sha}}, CodeTimestampMalformed},
		"only v0":               {stripe, map[string][]string{"Stripe-Signature": {"t=1,v0=" + sha}}, CodeSignatureUnsupported},
		"too many":              {stripe, map[string][]string{"Stripe-Signature": {"t=1" + strings.Repeat(",v1="+sha, maxCandidates+1)}}, CodeSignatureTooMany},
		"too many unknown":      {stripe, map[string][]string{"Stripe-Signature": {"t=1" + strings.Repeat(",v9=", 3*maxCandidates)}}, CodeSignatureTooMany},
		"slack no timestamp":    {slack, map[string][]string{"X-Slack-Signature": {"v0=" + sha}}, CodeTimestampMissing},
		"slack two timestamps":  {slack, map[string][]string{"X-Slack-Signature": {"v0=" + sha}, "X-Slack-Request-Timestamp": {"1", "1"}}, CodeTimestampRepeated},
		"standard without id":   {standard, map[string][]string{"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "Webhook-Timestamp": {"1"}}, CodeIDMissing},
		"standard with two ids": {standard, map[string][]string{"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "Webhook-Id": {"a", "b"}}, CodeIDMalformed},
		"token missing":         {Config{Type: "token", Secrets: []string{"a"}}, nil, CodeTokenMissing},
		"token twice":           {Config{Type: "token", Secrets: []string{"a"}}, map[string][]string{"Authorization": {"Bearer a", "Bearer a"}}, CodeTokenRepeated},
		"token of basic":        {Config{Type: "token", Secrets: []string{"a"}}, map[string][]string{"Authorization": {"Basic a"}}, CodeTokenMalformed},
		"token wrong":           {Config{Type: "token", Secrets: []string{"a"}}, map[string][]string{"Authorization": {"Bearer b"}}, CodeTokenMismatch},
		"basic not base64":      {Config{Type: "basic", Secrets: []string{"a:b"}}, map[string][]string{"Authorization": {"Basic !"}}, CodeTokenMalformed},
		"basic wrong":           {Config{Type: "basic", Secrets: []string{"a:b"}}, map[string][]string{"Authorization": {"Basic YTpj"}}, CodeTokenMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mustNew(t, c.cfg).Verify(Request{Method: "POST", Header: http.Header(c.head), Body: []byte("{}"), Now: testNow})
			if got := codeOf(t, err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "whsec_") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestTokenAndBasic(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  Config
		name string
		send string
		want bool
	}{
		"bearer":            {Config{Type: "token", Secrets: []string{"abc"}}, "Authorization", "Bearer abc", true},
		"bearer lower case": {Config{Type: "token", Secrets: []string{"abc"}}, "Authorization", "bearer abc", true},
		"no scheme":         {Config{Type: "token", Secrets: []string{"abc"}}, "Authorization", "abc", false},
		"own header":        {Config{Type: "token", Secrets: []string{"abc"}, Header: "X-Token"}, "X-Token", "abc", true},
		"own scheme":        {Config{Type: "token", Secrets: []string{"abc"}, Header: "Authorization: Token"}, "Authorization", "Token abc", true},
		"longer":            {Config{Type: "token", Secrets: []string{"abc"}, Header: "X-Token"}, "X-Token", "abcd", false},
		"shorter":           {Config{Type: "token", Secrets: []string{"abc"}, Header: "X-Token"}, "X-Token", "ab", false},
		"case":              {Config{Type: "token", Secrets: []string{"abc"}, Header: "X-Token"}, "X-Token", "ABC", false},
		"basic colon":       {Config{Type: "basic", Secrets: []string{"pm:p:w"}}, "Authorization", "Basic cG06cDp3", true},
		"basic line break":  {Config{Type: "basic", Secrets: []string{"pm:p:w"}}, "Authorization", "Basic cG06\ncDp3", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := mustNew(t, c.cfg)
			h := http.Header{}
			h[c.name] = []string{c.send}
			_, err := v.Verify(Request{Header: h, Now: testNow})
			if got := err == nil; got != c.want {
				t.Errorf("got %v (%v), want %v", got, err, c.want)
			}
			sensitive := strings.Join(v.Sensitive(), " ")
			if !strings.Contains(sensitive, strings.ToLower(c.name)) {
				t.Errorf("%s would be stored: %s", c.name, sensitive)
			}
		})
	}
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	base := Config{Type: "hmac", Secrets: []string{"s3cret"}, Header: "X-Sig", PublicURL: testURL}
	for name, change := range map[string]func(*Config){
		"default":   func(*Config) {},
		"sha1":      func(c *Config) { c.Algorithm = "sha1" },
		"sha512":    func(c *Config) { c.Algorithm, c.Encoding = "sha512", "base64url" },
		"prefix":    func(c *Config) { c.Prefix, c.Encoding = "sha256=", "base64" },
		"timestamp": func(c *Config) { c.Signed, c.TimestampHeader = "v1:{timestamp}:{body}", "X-Time" },
		"all parts": func(c *Config) {
			c.Signed, c.TimestampHeader, c.IDHeader = "{method}\n{url}\n{id}\n{timestamp}\n{body}", "X-Time", "X-Id"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := base
			change(&cfg)
			r := mustSign(t, cfg, SignInput{Body: []byte(`{"type":"made"}`), ID: "id-1"})
			d, err := mustNew(t, cfg).Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			if d.Type != "made" || d.IDSigned != (cfg.IDHeader != "") {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// TestHMACTimestamps: a generic hook takes the three notations of a time.
func TestHMACTimestamps(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "hmac", Secrets: []string{"k"}, Header: "X-Sig", Signed: "{timestamp}{body}", TimestampHeader: "X-Time", Tolerance: time.Minute}
	key, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for stamp, want := range map[string]string{
		"1760000000": "", "1760000000000": "", "2025-10-09T08:53:20Z": "", "2025-10-09T10:53:20.5+02:00": "",
		"1760000061": CodeTimestampOutOfTolerance, "1759999939000": CodeTimestampOutOfTolerance, "yesterday": CodeTimestampMalformed,
		"+1760000000": CodeTimestampMalformed, "1760000000.5": CodeTimestampMalformed, "99999999999999999999": CodeTimestampMalformed,
	} {
		h := http.Header{"X-Time": {stamp}, "X-Sig": {encode(hmac256("k", stamp+"{}"), hexEncoding)}}
		if got := codeOf(t, second(key.Verify(Request{Header: h, Body: []byte("{}"), Now: testNow}))); got != want {
			t.Errorf("%s: got %q, want %q", stamp, got, want)
		}
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "slack", Secrets: []string{"s3cret"}}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, c := range map[string]struct {
		in           SignInput
		kind, answer string
		payload      string
	}{
		"event":       {SignInput{Body: []byte(`{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}`)}, "app_mention", "", ""},
		"challenge":   {SignInput{Body: []byte(`{"type":"url_verification","challenge":"abc"}`)}, "url_verification", "url_verification", ""},
		"slash":       {SignInput{Body: []byte("command=%2Fask&text=hi&trigger_id=1.2"), Header: form}, "/ask", "", `{"command":"/ask","text":"hi","trigger_id":"1.2"}`},
		"interactive": {SignInput{Body: []byte("payload=%7B%22type%22%3A%22block_actions%22%7D"), Header: form}, "block_actions", "", `{"type":"block_actions"}`},
		"ssl check":   {SignInput{Body: []byte("ssl_check=1"), Header: form}, "", "ssl_check", `{"ssl_check":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, c.in))
			if err != nil {
				t.Fatal(err)
			}
			if d.Type != c.kind || answerName(d) != c.answer || string(d.Payload) != c.payload {
				t.Errorf("got type %q, answer %q, payload %s", d.Type, answerName(d), d.Payload)
			}
			if c.answer == "url_verification" && string(d.Answer.Body) != "abc" {
				t.Errorf("got the challenge %q, want abc", d.Answer.Body)
			}
		})
	}
	t.Run("unsigned ssl check", func(t *testing.T) {
		t.Parallel()
		r := Request{Method: "POST", Header: form, Body: []byte("ssl_check=1&token=x")}
		if a := mustNew(t, cfg).(Greeter).Greet(r); a == nil || a.Status != 200 {
			t.Errorf("got %+v, want an answer", a)
		}
		r.Body = []byte("command=%2Fask")
		if a := mustNew(t, cfg).(Greeter).Greet(r); a != nil {
			t.Errorf("got %+v for an unsigned command, want none", a)
		}
	})
}

func TestTwilio(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "twilio", Secrets: []string{"s3cret"}, PublicURL: "https://example.com/hooks/sms"}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}}
	r := mustSign(t, cfg, SignInput{Body: []byte("MessageSid=SM1&MessageStatus=sent&Body=hi"), Header: form})
	r.URL = "http://10.0.0.7:8080/hooks/sms" // as a proxy passes it on
	d, err := mustNew(t, cfg).Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "SM1/sent" || !d.IDSigned || d.Type != "message.sent" || d.Subject != "SM1" || string(d.Payload) != `{"Body":"hi","MessageSid":"SM1","MessageStatus":"sent"}` {
		t.Errorf("got %+v, payload %s", d, d.Payload)
	}
	js := mustSign(t, cfg, SignInput{Body: []byte(`{"type":"x"}`)})
	if _, err := mustNew(t, cfg).Verify(js); err != nil {
		t.Error(err)
	}
	js.URL = strings.Replace(js.URL, "?", "?bodySHA256=00&", 1)
	if got := codeOf(t, second(mustNew(t, cfg).Verify(js))); got != CodeBodyMismatch {
		t.Errorf("two bodySHA256: got %q, want %q", got, CodeBodyMismatch)
	}
	js.URL = "/hooks/sms"
	if got := codeOf(t, second(mustNew(t, cfg).Verify(js))); got != CodeBodyMismatch {
		t.Errorf("query lost: got %q, want %q", got, CodeBodyMismatch)
	}
}

// TestStandardWebhooksExample is the example of the specification:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func TestStandardWebhooksExample(t *testing.T) {
	t.Parallel()
	const id, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`
	at := time.Unix(1614265330, 0)
	cfg := Config{Type: "standardwebhooks", Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	r, err := Sign(cfg, SignInput{Body: []byte(body), Now: at, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Header.Get("Webhook-Signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.Now = at
	d, err := mustNew(t, cfg).Verify(r)
	if err != nil || d.ID != id || !d.IDSigned {
		t.Errorf("got %+v, %v", d, err)
	}
}
