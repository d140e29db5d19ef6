package verify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"
)

// A vector is one request whose verdict its sender's documentation, test suite
// or SDK gives. Now is the clock that must be frozen for it.
type vector struct {
	Provider    string            `json:"provider"`
	Secret      string            `json:"secret"`
	URL         string            `json:"url"`
	Method      string            `json:"method"`
	Headers     map[string]string `json:"headers"`
	Body        string            `json:"body"`
	Now         int64             `json:"now"`
	Valid       bool              `json:"valid"`
	Kind        string            `json:"kind"`
	Source      string            `json:"source"`
	Note        string            `json:"note"`
	ExpectReply map[string]string `json:"expect_reply"`
}

func loadVectors(tb testing.TB) []vector {
	tb.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		tb.Fatal(err)
	}
	return all
}

func (v vector) request() Request {
	h := http.Header{}
	for name, value := range v.Headers {
		h.Set(name, value)
	}
	now := v.Now
	if now == 0 {
		now = 1760000000
	}
	method := v.Method
	if method == "" {
		method = "POST"
	}
	return Request{Method: method, URL: v.URL, Header: h, Body: []byte(v.Body), Now: time.Unix(now, 0)}
}

// config is what an operator would write for the sender of v.
func (v vector) config() (Config, bool) {
	cfg := Config{Type: v.Provider, Secrets: []string{v.Secret}, PublicURL: v.URL}
	switch v.Provider {
	case "standardwebhooks-v1a":
		cfg.Type, cfg.Secrets, cfg.PublicKeys = "standardwebhooks", nil, []string{v.Secret}
	case "shopify-events":
		cfg.Type = "shopify"
	case "sendgrid", "discord", "telnyx", "plaid":
		cfg.Secrets, cfg.PublicKeys = nil, []string{v.Secret}
	case "aws-sns":
		cfg.Secrets, cfg.PublicKeys, cfg.Topics = nil, []string{v.Secret}, []string{"arn:aws:sns:us-west-2:123456789012:MyTopic"}
	case "paypal":
		cfg.Secrets, cfg.PublicKeys, cfg.WebhookID = nil, []string{v.field("cert_pem")}, v.field("webhook_id")
	case "livekit":
		cfg.Secrets, cfg.KeyID = []string{v.field("secret")}, v.field("key")
	case "postmark":
		cfg.Secrets = []string{v.field("username") + ":" + v.field("password")}
	case "grafana":
		if v.Headers["X-Grafana-Alerting-Timestamp"] != "" {
			cfg.TimestampHeader = "X-Grafana-Alerting-Timestamp"
		}
	case "hubspot":
		if version := v.Headers["X-HubSpot-Signature-Version"]; version != "" {
			cfg.Type = "hubspot-" + version
		}
	}
	_, ok := Lookup(cfg.Type)
	return cfg, ok
}

// field reads a secret that has several parts.
func (v vector) field(name string) string {
	var parts map[string]string
	_ = json.Unmarshal([]byte(v.Secret), &parts) // a secret that is no object has no parts
	return parts[name]
}

// verify is the verdict on v: a configuration that is refused refuses all.
func (v vector) verify(cfg Config) (Delivery, error) {
	ver, err := New(cfg)
	if err != nil {
		return Delivery{}, err
	}
	return ver.Verify(v.request())
}

// TestVectors holds every scheme against numbers that others made.
func TestVectors(t *testing.T) {
	t.Parallel()
	for i, v := range loadVectors(t) {
		cfg, ok := v.config()
		if !ok {
			t.Errorf("no row for the vectors of %s", v.Provider)
			continue
		}
		t.Run(fmt.Sprintf("%03d-%s", i, v.Provider), func(t *testing.T) {
			d, err := v.verify(cfg)
			if got, want := err == nil, v.Valid; got != want {
				t.Fatalf("got accepted %v (%v), want %v\nnote: %s\nsource: %s", got, err, want, v.Note, v.Source)
			}
			if err == nil && len(d.Digest) == 0 {
				t.Error("no digest of what was signed")
			}
			if v.ExpectReply != nil {
				checkReply(t, d.Answer, v.ExpectReply)
			}
		})
	}
}

func checkReply(t *testing.T, a *Answer, want map[string]string) {
	t.Helper()
	if a == nil {
		t.Fatal("no handshake answer")
	}
	var got map[string]string
	if err := json.Unmarshal(a.Body, &got); err != nil {
		t.Fatal(err)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %q, want %q", key, got[key], value)
		}
	}
}
