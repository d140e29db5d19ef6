package verify

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCredentialsAreNotKept: whatever a sender shows its secret in, nothing that
// may be stored of the request holds it.
func TestCredentialsAreNotKept(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, s := range Senders() {
		if s.Proof.Scheme != "token" && s.Proof.Scheme != "basic" {
			continue
		}
		seen++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := sample(s)
			body := `{"a":"b","value":[{"changeType":"updated"},{"changeType":"deleted"}]}`
			r := mustSign(t, cfg, SignInput{Body: []byte(body), Header: http.Header{}, URL: testURL + "?a=1"})
			v := mustNew(t, cfg)
			d, err := v.Verify(r)
			if err != nil {
				t.Fatal(err)
			}
			secret := cfg.Secrets[0]
			for _, kept := range [][]byte{d.Body, d.Payload, []byte(d.Query)} {
				if strings.Contains(string(kept), secret) {
					t.Errorf("the secret is kept: %s", kept)
				}
			}
			for _, part := range d.Batch {
				if strings.Contains(string(part.Payload), secret) {
					t.Errorf("the secret is kept with an event of a batch: %s", part.Payload)
				}
			}
			for name := range r.Header {
				if s.Proof.Scheme == "token" && strings.Contains(r.Header.Get(name), secret) && !slices.Contains(v.Sensitive(), strings.ToLower(name)) {
					t.Errorf("the header %s may be kept", name)
				}
			}
			if !strings.Contains(string(d.Body), `"a":"b"`) || d.Query != "a=1" {
				t.Errorf("more is missing: %s, %q", d.Body, d.Query)
			}
		})
	}
	if seen < 15 {
		t.Errorf("got %d senders with a token", seen)
	}
}

func TestKeeper(t *testing.T) {
	t.Parallel()
	k := keeper{paths: []string{"value.#.state"}, params: []string{"token"}}
	const in = `{"value":[{"state":"s1","n":1},{"n":2},{"n":3,"state": "s\"2"}],"state":"stays"}`
	const want = `{"value":[{"state":"(not kept)","n":1},{"n":2},{"n":3,"state": "(not kept)"}],"state":"stays"}`
	if got := string(k.body([]byte(in))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, body := range []string{"", "{}", "[]", `{"value":[]}`, `{"value":1}`, "no JSON", `{"value":[1,2]}`} {
		if got := string(k.body([]byte(body))); got != body {
			t.Errorf("%q: got %q", body, got)
		}
	}
	for raw, want := range map[string]string{
		"/h": "", "/h?a=1": "a=1", "/h?token=x": "", "/h?a=1&token=x&b=2": "a=1&b=2", "/h?tok%65n=x&a=1#f": "a=1", "/h?token": "", "/h?a=%zz&token=x": "a=%zz",
	} {
		if got := k.query(raw); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}
