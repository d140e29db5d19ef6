package config

import (
	"testing"

	"github.com/forebayhq/forebay/internal/egress"
)

// TestURLsAgreeWithEgress shows that what is checked when the configuration is loaded is what
// is enforced when a request leaves.
func TestURLsAgreeWithEgress(t *testing.T) {
	t.Parallel()
	allow := []string{"127.0.0.1:9000", "10.1.0.0/16", "ci.internal:443", "plain.example:80"}
	out, err := egress.New(egress.Options{Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, text := range []string{
		"https://example.com/x", "http://example.com/x", "http://plain.example/", "http://127.0.0.1:9000/", "http://127.0.0.1:9001/", "https://127.0.0.1/",
		"https://10.1.2.3/", "https://10.2.2.3/", "https://ci.internal/", "https://x.internal:8443/", "https://[::1]/", "https://[fd00::1]/", "https://169.254.169.254/", "https://100.64.0.1/",
		"https://192.0.2.1/", "https://user@example.com/", "https://example.com/#x", "ftp://example.com/", "example.com", "https:///x", "https://8.8.8.8/",
		"https://198.18.0.1/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/", "https://127.1/", "https://[::ffff:10.0.0.1]/", "https://example.com:8443/",
	} {
		r := &report{sites: map[string]site{}, out: out}
		new(Config).checkURL(r, "url", text, false)
		_, err := out.CheckURL(text)
		if got, want := len(r.problems) == 0, err == nil; got != want {
			t.Errorf("%s: config says %v, egress says %v", text, r.problems, err)
		}
	}
}
