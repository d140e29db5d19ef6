package verify

import (
	"net/http"
	"testing"
	"time"
)

// TestContent: attempts at one event have one content, whatever the sender
// writes anew into each; another event has another.
func TestContent(t *testing.T) {
	t.Parallel()
	later := testNow.Add(2 * time.Minute)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for name, c := range map[string]struct {
		sender      string
		first, next string // bodies
		now         time.Time
		header      http.Header
		same        bool
	}{
		"github":                {"github", `{"a":1}`, `{"a":1}`, testNow, nil, true},
		"github, another event": {"github", `{"a":1}`, `{"a":2}`, testNow, nil, false},
		"github form":           {"github", `payload=%7B%7D`, `payload=%7B%7D`, testNow, form, true},
		"buildkite signs anew":  {"buildkite", `{"a":1}`, `{"a":1}`, later, nil, true},
		"linear stamps anew":    {"linear", `{"action":"create","x":1}`, `{"action":"create","x":1}`, later, nil, true},
		"linear, another event": {"linear", `{"action":"create","x":1}`, `{"action":"create","x":2}`, later, nil, false},
		"mailgun signs anew":    {"mailgun", `{"signature":{"token":"a"},"event-data":{"id":"x"}}`, `{"signature":{"token":"b"},"event-data":{"id":"x"}}`, later, nil, true},
		"mailgun, another body": {"mailgun", `{"signature":{"token":"a"},"event-data":{"id":"x"}}`, `{"signature":{"token":"a"},"event-data":{"id":"x","y":1}}`, testNow, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := Lookup(c.sender)
			cfg, key := sample(s)
			v := mustNew(t, cfg)
			content := func(body string, now time.Time) [32]byte {
				r := mustSign(t, cfg, SignInput{Body: []byte(body), Now: now, ID: "d-1", Type: "t", Key: key, Header: c.header})
				r.Now = now
				d, err := v.Verify(r)
				if err != nil {
					t.Fatal(err)
				}
				return d.Content(r.Body)
			}
			if got := content(c.first, testNow) == content(c.next, c.now); got != c.same {
				t.Errorf("the same content: got %v, want %v", got, c.same)
			}
		})
	}
}
