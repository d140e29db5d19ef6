package verify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	hmac := func(change func(*Config)) Config {
		cfg := Config{Type: "hmac", Secrets: []string{"s3cret"}, Header: "X-Signature"}
		change(&cfg)
		return cfg
	}
	for name, c := range map[string]struct {
		cfg   Config
		field string
		says  string // part of the remedy or the message
	}{
		"unknown type":           {Config{Type: "githbu"}, "type", "github"},
		"capital letters":        {Config{Type: "GitHub"}, "type", "github"},
		"empty type":             {Config{}, "type", "nearest"},
		"no secret":              {Config{Type: "github"}, "secrets", "needs a secret"},
		"empty secret":           {Config{Type: "github", Secrets: []string{"a", ""}}, "secrets", "empty"},
		"blank secret":           {Config{Type: "github", Secrets: []string{"  "}}, "secrets", "space"},
		"line break":             {Config{Type: "github", Secrets: []string{"abc\n"}}, "secrets", "line break"},
		"whsec alone":            {Config{Type: "standardwebhooks", Secrets: []string{"whsec_"}}, "secrets", "whsec_"},
		"whsec not base64":       {Config{Type: "svix", Secrets: []string{"whsec_!!"}}, "secrets", "base64"},
		"public key as secret":   {Config{Type: "standardwebhooks", Secrets: []string{"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}}, "secrets", "public_keys"},
		"short public key":       {Config{Type: "standardwebhooks", PublicKeys: []string{"AAAA"}}, "public_keys", "32 bytes"},
		"blank public key":       {Config{Type: "standardwebhooks", PublicKeys: []string{" "}}, "public_keys", "empty"},
		"public key for hmac":    {Config{Type: "github", Secrets: []string{"a"}, PublicKeys: []string{"x"}}, "public_keys", "shared secret"},
		"too many secrets":       {Config{Type: "github", Secrets: slices.Repeat([]string{"a"}, maxSecrets+1)}, "secrets", "more than"},
		"no public url":          {Config{Type: "twilio", Secrets: []string{"a"}}, "public_url", "Host header"},
		"public url a path":      {Config{Type: "twilio", Secrets: []string{"a"}, PublicURL: "example.com/x"}, "public_url", "scheme"},
		"fixed by the sender":    {Config{Type: "github", Secrets: []string{"a"}, Header: "X-Other"}, "header", "type: hmac"},
		"tolerance for nothing":  {Config{Type: "github", Secrets: []string{"a"}, Tolerance: time.Minute}, "tolerance", "no timestamp"},
		"negative tolerance":     {Config{Type: "stripe", Secrets: []string{"a"}, Tolerance: -time.Minute}, "tolerance", "negative"},
		"basic without colon":    {Config{Type: "basic", Secrets: []string{"user"}}, "secrets", "user:password"},
		"basic without user":     {Config{Type: "basic", Secrets: []string{":pass"}}, "secrets", "user:password"},
		"hmac without header":    {hmac(func(c *Config) { c.Header = "" }), "header", "header: X-Signature"},
		"hmac md5":               {hmac(func(c *Config) { c.Algorithm = "md5" }), "algorithm", "sha256"},
		"hmac encoding":          {hmac(func(c *Config) { c.Encoding = "base32" }), "encoding", "base64url"},
		"hmac without body":      {hmac(func(c *Config) { c.Signed = "{timestamp}"; c.TimestampHeader = "X-T" }), "signed", "change the body"},
		"hmac unknown part":      {hmac(func(c *Config) { c.Signed = "{boddy}" }), "signed", "{body}"},
		"hmac open brace":        {hmac(func(c *Config) { c.Signed = "{body" }), "signed", "brace"},
		"hmac secret in text":    {hmac(func(c *Config) { c.Signed = "{secret}{body}" }), "signed", "cannot be signed"},
		"hmac unsigned time":     {hmac(func(c *Config) { c.TimestampHeader = "X-T" }), "timestamp_header", "not signed"},
		"hmac time from nowhere": {hmac(func(c *Config) { c.Signed = "{timestamp}.{body}" }), "timestamp_header", "nothing says where"},
		"hmac id from nowhere":   {hmac(func(c *Config) { c.Signed = "{id}.{body}" }), "id_header", "nothing says where"},
		"hmac url":               {hmac(func(c *Config) { c.Signed = "{url}{body}" }), "public_url", "signs the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(c.cfg)
			e, ok := errors.AsType[*ConfigError](err)
			if !ok {
				t.Fatalf("got %v, want a *ConfigError", err)
			}
			if e.Field != c.field || !strings.Contains(e.Error(), c.says) || e.Remedy == "" {
				t.Errorf("got %q, want field %s and words %q", e, c.field, c.says)
			}
			for _, secret := range c.cfg.Secrets {
				if len(secret) > 6 && strings.Contains(e.Error(), secret) {
					t.Errorf("the error shows the secret: %v", e)
				}
			}
		})
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"github", "gitlab", "gitea", "stripe", "slack", "shopify", "standardwebhooks", "twilio"}
	for name, want := range map[string]string{"githbu": "github", "GITLAB ": "gitlab", "standard": "standardwebhooks", "strip": "stripe", "shop": "shopify"} {
		if got := nearest(name, names, 1)[0]; got != want {
			t.Errorf("nearest to %q: got %q, want %q", name, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	got := Types()
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Error("the names are not sorted, or one is there twice")
	}
	if len(got) < 120 {
		t.Errorf("got %d senders, want at least 120", len(got))
	}
	for _, want := range []string{"github", "stripe", "shopify", "twilio", "slack", "standardwebhooks", "svix", "hmac", "token", "basic"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
}
