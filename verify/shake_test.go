package verify

import (
	"net/http"
	"strings"
	"testing"
)

// TestHandshakes holds every handshake of the table against the answer that its
// sender's documentation asks for.
func TestHandshakes(t *testing.T) {
	t.Parallel()
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	crc := "sha256=" + encode(hmac256("0123456789abcdef0123456789abcdef", "abc"), base64Encoding)
	for name, c := range map[string]struct {
		sender, method, url, body string
		header                    http.Header
		status                    int
		want                      string // the body of the answer
		head, value               string // a header of the answer
		kind                      string // its content type
	}{
		"meta":       {sender: "meta", method: "GET", url: "/h?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1158201444", status: 200, want: "1158201444", kind: "text/plain"},
		"dropbox":    {sender: "dropbox", method: "GET", url: "/h?challenge=abc", status: 200, want: "abc", head: "X-Content-Type-Options", value: "nosniff", kind: "text/plain"},
		"graph":      {sender: "microsoft-graph", method: "POST", url: "/h?validationToken=Validation%3A+x", status: 200, want: "Validation: x", kind: "text/plain"},
		"twitter":    {sender: "twitter", method: "GET", url: "/h?crc_token=abc", status: 200, want: `{"response_token":"` + crc + `"}`, kind: "application/json"},
		"okta":       {sender: "okta", method: "GET", header: http.Header{"X-Okta-Verification-Challenge": {"abc"}}, status: 200, want: `{"verification":"abc"}`, kind: "application/json"},
		"asana":      {sender: "asana", method: "POST", header: http.Header{"X-Hook-Secret": {"abc"}}, status: 200, head: "X-Hook-Secret", value: "abc"},
		"notion":     {sender: "notion", method: "POST", body: `{"verification_token":"abc"}`, status: 200},
		"trello":     {sender: "trello", method: "HEAD", status: 200},
		"onfleet":    {sender: "onfleet", method: "GET", url: "/h?check=abc", status: 200, want: "abc"},
		"monday":     {sender: "monday", method: "POST", body: `{"challenge":"a\"b"}`, status: 200, want: `{"challenge":"a\"b"}`, kind: "application/json"},
		"cloud":      {sender: "cloudevents", method: "OPTIONS", header: http.Header{"Webhook-Request-Origin": {"eventgrid.azure.net"}}, status: 200, head: "WebHook-Allowed-Origin", value: "eventgrid.azure.net"},
		"woo":        {sender: "woocommerce", method: "POST", body: "webhook_id=1", header: form, status: 200},
		"bitbucket":  {sender: "bitbucket-server", method: "POST", body: `{"test":true}`, header: http.Header{"X-Event-Key": {"diagnostics:ping"}}, status: 200},
		"braintree":  {sender: "braintree", method: "GET", url: "/h?bt_challenge=abc", status: 200, want: "key-1|" + encode(braintreeMAC("0123456789abcdef0123456789abcdef", "abc"), hexEncoding)},
		"slack ssl":  {sender: "slack", method: "GET", url: "/h?ssl_check=1", status: 200},
		"intercom":   {sender: "intercom", method: "HEAD", status: 200},
		"meta other": {sender: "meta", method: "GET", url: "/h?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1"},
		"meta post":  {sender: "meta", method: "POST", url: "/h?hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=1"},
		"none":       {sender: "github", method: "GET", url: "/h?challenge=abc"},
		"huge":       {sender: "dropbox", method: "GET", url: "/h?challenge=" + strings.Repeat("a", maxEcho+1)},
		"split":      {sender: "asana", method: "POST", header: http.Header{"X-Hook-Secret": {"a\r\nX-Evil: 1"}}, status: 200, head: "X-Hook-Secret", value: ""},
		"monday job": {sender: "monday", method: "POST", body: `{"challenge":"a","event":{"type":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ok := Lookup(c.sender)
			if !ok {
				t.Fatal("no sender " + c.sender)
			}
			cfg, _ := sample(s)
			h := c.header.Clone()
			if h == nil {
				h = http.Header{}
			}
			r := Request{Method: c.method, URL: c.url, Header: h, Body: []byte(c.body), Now: testNow}
			if _, err := mustNew(t, cfg).Verify(r); err == nil {
				t.Error("an unsigned request was accepted as an event")
			}
			a := mustNew(t, cfg).(Greeter).Greet(r)
			if c.status == 0 {
				if a != nil {
					t.Errorf("got %+v, want no answer", a)
				}
				return
			}
			if a == nil || a.Status != c.status || string(a.Body) != c.want || a.Header[c.head] != c.value || !strings.HasPrefix(a.ContentType, c.kind) {
				t.Errorf("got %+v, want status %d, body %q, header %s: %q", a, c.status, c.want, c.head, c.value)
			}
		})
	}
}

// TestSignedHandshakes: these come with a signature and make no job.
func TestSignedHandshakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sender, body, event string
		header              http.Header
		status              int
		want                string
	}{
		"github ping":     {sender: "github", body: `{"zen":"x"}`, event: "ping", status: 200, want: "pong"},
		"discord ping":    {sender: "discord", body: `{"type":1}`, status: 200, want: `{"type":1}`},
		"discord event":   {sender: "discord", body: `{"type":0}`, status: 204},
		"xero intent":     {sender: "xero", body: `{"events":[],"firstEventSequence":0}`, status: 200},
		"line verify":     {sender: "line", body: `{"destination":"x","events":[]}`, status: 200},
		"asana heartbeat": {sender: "asana", body: `{"events":[]}`, status: 200},
		"figma ping":      {sender: "figma", body: `{"event_type":"PING"}`, status: 200},
		"zoom":            {sender: "zoom", body: `{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}`, status: 200, want: `{"encryptedToken":"` + encode(hmac256("0123456789abcdef0123456789abcdef", "abc"), hexEncoding) + `","plainToken":"abc"}`},
		"twitch":          {sender: "twitch", body: `{"challenge":"abc"}`, header: http.Header{"Twitch-Eventsub-Message-Type": {"webhook_callback_verification"}}, status: 200, want: "abc"},
		"event grid":      {sender: "azure-event-grid", body: `[{"data":{"validationCode":"abc"}}]`, header: http.Header{"Aeg-Event-Type": {"SubscriptionValidation"}}, status: 200, want: `{"validationResponse":"abc"}`},
		"slack":           {sender: "slack", body: `{"type":"url_verification","challenge":"abc"}`, status: 200, want: "abc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := Lookup(c.sender)
			cfg, key := sample(s)
			r := mustSign(t, cfg, SignInput{Body: []byte(c.body), Type: c.event, ID: "id-1", Header: c.header, Key: key})
			d, err := mustNew(t, cfg).Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			if d.Answer == nil || d.Answer.Status != c.status || string(d.Answer.Body) != c.want {
				t.Errorf("got %+v, want status %d and body %q", d.Answer, c.status, c.want)
			}
			r.Body = append(r.Body, ' ')
			if d, err := mustNew(t, cfg).Verify(r); err == nil && s.signsBody() {
				t.Errorf("a changed handshake was answered: %+v", d.Answer)
			}
		})
	}
}

// TestPending: a hook may wait for the secret that a handshake brings.
func TestPending(t *testing.T) {
	t.Parallel()
	cfg := Config{Type: "notion", Secrets: []string{"pending"}}
	v := mustNew(t, cfg)
	r := Request{Method: "POST", Header: http.Header{}, Body: []byte(`{"verification_token":"secret_abc"}`), Now: testNow}
	if a := v.(Greeter).Greet(r); a == nil || a.Offer != "secret_abc" {
		t.Errorf("got %+v, want the offered secret", a)
	}
	if got := codeOf(t, second(v.Verify(r))); got != CodeSecretPending {
		t.Errorf("got %q, want %q", got, CodeSecretPending)
	}
	if _, err := New(Config{Type: "github", Secrets: []string{"pending"}}); err != nil {
		t.Errorf("pending is a secret like any other where nothing brings one: %v", err)
	}
}
