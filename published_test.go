package forebay_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/verify"
)

// TestWithPublishedKeys: a captured request is explained with the sender's real
// keys, fetched within egress.allow and not beyond.
func TestWithPublishedKeys(t *testing.T) {
	t.Parallel()
	key := theRSA()[0]
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{jwkOf("key-1", key.Public())}})
	}))
	t.Cleanup(srv.Close)
	load := func(allow string) *config.Config {
		hook := strings.Replace(senderHook, "SOURCE", `{type: jwt, issuer: "https://issuer.test", audience: forebay, jwks_url: "`+srv.URL+`"}`, 1)
		cfg, err := config.Parse("forebay.yaml", []byte("claude: {api_key: k}\negress: {allow: ["+allow+"]}\n"+hook), t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	cfg := load(`"` + strings.TrimPrefix(srv.URL, "http://") + `"`)
	source := cfg.Hooks["in"].Source.Verification()
	r, err := verify.Sign(signingWith(source, key), verify.SignInput{Body: []byte("{}"), Key: key, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	r.Now = time.Now()
	for _, tt := range []struct {
		name     string
		change   func(*config.Config)
		accepted bool
		asked    int
	}{
		{"blocked", func(c *config.Config) { c.Egress.Allow = nil }, false, 0},
		{"listed", func(*config.Config) {}, true, 1},
	} {
		c := *cfg
		tt.change(&c)
		with, err := forebay.WithPublishedKeys(t.Context(), &c, source, r)
		if (err == nil) != tt.accepted {
			t.Errorf("%s: got %v", tt.name, err)
		}
		e, err := verify.Explain(with, r)
		if err != nil || e.Accepted != tt.accepted || asked != tt.asked {
			t.Errorf("%s: got %+v, %v after %d requests; want accepted %v after %d", tt.name, e, err, asked, tt.accepted, tt.asked)
		}
	}
	if _, err := forebay.WithPublishedKeys(t.Context(), cfg, verify.Config{Type: "github", Secrets: []string{"s"}}, r); err != nil || asked != 1 {
		t.Errorf("a sender with a secret: got %v after %d requests", err, asked)
	}
}
