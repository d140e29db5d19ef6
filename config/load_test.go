package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const smallest = `
claude: {api_key: "${KEY}"}
hooks:
  a: {source: {type: github, secrets: ["${KEY}"]}, model: haiku, prompt: p}
`

var key = lookup(map[string]string{"KEY": "s3cr3t-s3cr3t-s3cr3t"})

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Parse("f.yaml", []byte(smallest), "/etc/forebay", key)
	if err != nil {
		t.Fatal(err)
	}
	h := c.Hooks["a"]
	for name, test := range map[string]struct{ got, want any }{
		"listen":       {c.Listen, ":8080"},
		"admin":        {c.Admin.Listen, "127.0.0.1:8081"},
		"store":        {c.Store, "sqlite:forebay.db"},
		"intake":       {c.Intake, "store"},
		"max_jobs":     {c.Queue.MaxJobs, 1_000_000},
		"base_url":     {c.Claude.BaseURL, "https://api.anthropic.com"},
		"opus":         {c.Claude.Models["opus"], "claude-opus-5-5"},
		"in flight":    {c.Claude.MaxInFlight, 64},
		"timeout":      {c.Claude.Timeout.D(), 10 * time.Minute},
		"idle":         {c.Claude.IdleTimeout.D(), time.Minute},
		"dedupe":       {c.Retention.Dedupe.D(), 30 * 24 * time.Hour},
		"grace":        {c.Shutdown.Grace.D(), 20 * time.Second},
		"max_tokens":   {h.MaxTokens, 2048},
		"thinking":     {h.Thinking, "auto"},
		"cache":        {h.Cache, "5m"},
		"priority":     {h.Priority, 5},
		"weight":       {h.Weight, 1},
		"method":       {fmt.Sprint(h.Method), "[POST]"},
		"body_limit":   {h.BodyLimit, ByteSize(25 << 20)},
		"max_attempts": {h.Retry.MaxAttempts, 6},
		"max_age":      {h.Retry.MaxAge.D(), 24 * time.Hour},
		"respond":      {h.Respond.Mode, "async"},
		"wait":         {h.Respond.Wait.D(), time.Duration(0)},
		"dir":          {c.Dir, "/etc/forebay"},
		"file":         {c.File, "f.yaml"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

// TestComplete shows that a configuration written in Go gets the same defaults
// and the same checks.
func TestComplete(t *testing.T) {
	t.Parallel()
	c := &Config{
		Claude: Claude{APIKey: NewSecret("sk-ant-test")},
		Hooks: map[string]Hook{"a": {
			Source: Source{Type: "github", Secrets: []Secret{NewSecret("s")}}, Model: "haiku", Prompt: "p", Coalesce: &Coalesce{Key: "event.subject"},
		}},
	}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	if h := c.Hooks["a"]; h.MaxTokens != 2048 || h.Coalesce.Quiet.D() != 30*time.Second || c.Listen != ":8080" {
		t.Errorf("the defaults are not filled in: %+v", h)
	}
	c.Hooks["a"] = Hook{Model: "haku", Prompt: "p"}
	bad, ok := errors.AsType[*Errors](c.Complete())
	if !ok || len(bad.Problems) != 2 || bad.Problems[0].Line != 0 {
		t.Fatalf("got %v", bad)
	}
	want := `hooks.a.source: the source has no type; write source: {type: github, secrets: [...]}, or another sender
hooks.a.model: "haku" is neither a tier nor a model; did you mean haiku?`
	if bad.Error() != want {
		t.Errorf("got:\n%s\nwant:\n%s", bad, want)
	}
}

func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	c, err := Parse("f.yaml", []byte(smallest), t.TempDir(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Claude.APIKey.Reveal(); got != "s3cr3t-s3cr3t-s3cr3t" {
		t.Fatalf("got %q", got)
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	shown.WriteString(string(text))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
		shown.WriteString(fmt.Sprintf(verb, c.Claude) + fmt.Sprintf(verb, c.Claude.APIKey) + fmt.Sprintf(verb, &c.Claude.APIKey))
	}
	if strings.Contains(shown.String(), "s3cr3t") || strings.Contains(shown.String(), fmt.Sprintf("%x", "s3cr3t")) {
		t.Error("a secret shows")
	}
}

func TestLoadReadsOnlyRegularFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, maxConfig+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                           "this is not a regular file",
		"/dev/zero":                   "this is not a regular file",
		filepath.Join(dir, "none"):    "there is no such file",
		big:                           "the file is larger than 1024 KiB",
		filepath.Join(dir, "a\x00.b"): "the file cannot be read",
	} {
		_, err := Load(path, key)
		if bad, ok := errors.AsType[*Errors](err); !ok || bad.Problems[0].Message != want || bad.Problems[0].Remedy == "" {
			t.Errorf("%q: got %v, want %q", path, err, want)
		}
	}
	good := filepath.Join(dir, "forebay.yaml")
	if err := os.WriteFile(good, []byte(smallest), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(good, key); err != nil || c.Dir != dir {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestDurationsAndSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "36500d": maxDuration,
	} {
		var d Duration
		if _, err := d.set(text); err != nil || d.D() != want {
			t.Errorf("%s: got %v, %v", text, d.D(), err)
		}
		var again Duration
		if _, err := again.set(d.String()); err != nil || again != d {
			t.Errorf("%s is written %s, which reads as %v, %v", text, d, again, err)
		}
	}
	for _, text := range []string{"", "30", "-5s", "1.5h", "s", "36501d", "999999999999999d", "1h-2m", "5 s", "１s"} {
		if _, err := new(Duration).set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for text, want := range map[string]ByteSize{"0": 0, "65536": 65536, "64KiB": 64 << 10, "1MiB": 1 << 20, "2GiB": 2 << 30, "7B": 7} {
		var s, again ByteSize
		if _, err := s.set(text); err != nil || s != want {
			t.Errorf("%s: got %d, %v", text, s, err)
		}
		if _, err := again.set(s.String()); err != nil || again != s {
			t.Errorf("%s is written %s", text, s)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "1MB", "64k", "9999999TiB", "999999999999999TiB"} {
		if _, err := new(ByteSize).set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
