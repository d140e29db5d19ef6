package ingest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/verify"
)

// An acked is what a sender reads for a good event.
type acked struct {
	status int
	kind   string // content type
	body   string // literally; "*": ours
	bad    int    // status of the refusal
	silent bool   // the refusal has no body
}

// ours is what senders read that want any 2xx.
var ours = acked{202, "application/json", "*", 401, false}

// demands are the acknowledgements of senders that want another, by what their
// documentation says (the table's Source has the page of each).
func demands() map[string]acked {
	ok := acked{200, "application/json", "*", 401, false}
	empty := acked{200, "", "", 401, false}
	all := map[string]acked{
		"adyen":        {200, "text/plain", "[accepted]", 401, false},
		"discord":      {200, "application/json", `{"type":4,"data":{"content":"Accepted.","flags":64}}`, 401, false}, // a command; for the rest see below
		"dropbox-sign": {200, "text/plain", "Hello API Event Received", 401, false},
		"gocardless":   {202, "application/json", "*", 498, false},
		"slack":        empty, "twilio": empty,
		"teams-outgoing":  {200, "application/json", `{"type":"message","text":"Accepted."}`, 401, false},
		"xero":            {200, "", "", 401, true},
		"microsoft-graph": {202, "application/json", "*", 401, false},
	}
	for _, name := range []string{
		"airtable", "asana", "azure-event-grid", "bigcommerce", "cloudevents", "coinbase-commerce", "google-pubsub", "instagram", "intercom", "lemon-squeezy", "line", "linear", "mailgun", "messenger", "meta",
		"monday", "okta", "onfleet", "paddle", "plaid", "postmark", "tiktok", "trello", "twitter", "vonage", "whatsapp", "zoom",
	} {
		all[name] = ok
	}
	return all
}

// TestEverySenderGetsItsAck sends one fixture of every sender of the table
// through the receiver, and one that is wrong in its proof. In sync mode a result
// is ready at once; who demands words of its own gets those all the same.
func TestEverySenderGetsItsAck(t *testing.T) {
	t.Parallel()
	want := demands()
	b, senders := senderBench(t)
	for _, s := range senders {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			w, special := want[s.Name]
			if !special {
				w = ours
			}
			got, body := b.from(t, s, "", false)
			if got.StatusCode != w.status || got.Header.Get("Content-Type") != w.kind || w.body != "*" && body != w.body || w.body == "*" && !strings.Contains(body, `"status":"accepted"`) {
				t.Errorf("got %d %q %q, want %d %q %q", got.StatusCode, got.Header.Get("Content-Type"), body, w.status, w.kind, w.body)
			}
			if !special {
				w.status = 200
			}
			if w.body == "*" {
				w.body = ready
			}
			got, body = b.from(t, s, "-sync", false)
			several := w.body == ready && strings.Contains(body, `"jobs":[`) // nobody waits for the results of a batch
			if !several && (got.StatusCode != w.status || body != w.body) {
				t.Errorf("sync: got %d %q, want %d %q", got.StatusCode, body, w.status, w.body)
			}
			if got, body := b.from(t, s, "", true); got.StatusCode != w.bad || (body == "") != w.silent {
				t.Errorf("bad signature: got %d %q, want %d", got.StatusCode, body, w.bad)
			}
		})
	}
}

// TestDiscordInteractions: an interaction shows its user the answer.
func TestDiscordInteractions(t *testing.T) {
	t.Parallel()
	b, senders := senderBench(t, "discord")
	for body, want := range map[string]string{
		`{"id":"1","token":"t","type":2,"data":{"name":"ask"}}`:        `{"type":4,"data":{"content":"Accepted.","flags":64}}`,
		`{"id":"2","token":"t","type":3,"data":{"custom_id":"x"}}`:     `{"type":6}`,
		`{"id":"3","token":"t","type":4,"data":{"name":"ask"}}`:        `{"type":8,"data":{"choices":[]}}`,
		`{"id":"4","token":"t","type":5,"data":{"custom_id":"modal"}}`: `{"type":4,"data":{"content":"Accepted.","flags":64}}`,
		`{"type":1,"event":{"type":"APPLICATION_AUTHORIZED"}}`:         "",
		`{"id":"1","type":1}`: `{"type":1}`,
	} {
		senders[0].body = []byte(body)
		got, text := b.from(t, senders[0], "", false)
		if text != want || want != "" && got.StatusCode != 200 || want == "" && got.StatusCode != 204 {
			t.Errorf("%s: got %d %q, want %q", body, got.StatusCode, text, want)
		}
	}
}

// ready is a result.
const ready = `{"id":"job_1","state":"succeeded"}`

// A sending is one sender, and what it sends.
type sending struct {
	verify.Sender
	hook   fixture.Hook
	header http.Header
	body   []byte
}

// senderBench is a receiver with two hooks for each of the named senders, or of
// all: one that waits for a result, which is ready at once, and one that does not.
func senderBench(t *testing.T, names ...string) (*bench, []*sending) {
	t.Helper()
	var senders []*sending
	hooks := map[string]*ingest.Hook{}
	for _, s := range verify.Senders() {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		one := newSending(t, s)
		v, err := verify.New(one.hook.Config)
		if err != nil {
			t.Fatal(err)
		}
		plain := hook(t, func(h *ingest.Hook) {
			h.Name, h.Source, h.Verifier, h.Match, h.Ack, h.PublicURL = s.Name, s.Name, v, nil, s.Ack, one.hook.Config.PublicURL
		})
		sync := *plain
		sync.Name, sync.Wait = s.Name+"-sync", time.Second
		hooks[plain.Name], hooks[sync.Name] = plain, &sync
		senders = append(senders, one)
	}
	return newBench(t, nil, func(o *ingest.Options) {
		o.Hooks = hooks
		o.Await = func(context.Context, string, time.Duration) ([]byte, bool) { return []byte(ready), true }
	}), senders
}

// newSending takes the sender's first fixture that is no handshake.
func newSending(t *testing.T, s verify.Sender) *sending {
	t.Helper()
	one := &sending{Sender: s, header: http.Header{}, body: []byte(`{"type":"x","id":"id-1"}`)}
	var err error
	if one.hook, err = fixture.NewHook(s); err != nil {
		t.Fatal(err)
	}
	v, err := verify.New(one.hook.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range fixture.Of(s.Name) {
		f, err := fixture.Get(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		if one.body, err = f.Body(); err != nil {
			t.Fatal(err)
		}
		one.header = f.Header()
		if d, err := v.Verify(one.signed(t, false)); err == nil && d.Answer == nil {
			break
		}
	}
	return one
}

// signed is what the sender sends. A bad one has another key's signature.
func (one *sending) signed(t *testing.T, bad bool) verify.Request {
	t.Helper()
	cfg, key := one.hook.Config, one.hook.Key
	switch {
	case bad && key != nil:
		var err error
		if key, err = fixture.NewKey(one.PrivateKey()); err != nil {
			t.Fatal(err)
		}
	case bad:
		cfg.Secrets = []string{strings.Replace(cfg.Secrets[0], "012", "999", 1)}
	}
	r, err := verify.Sign(cfg, verify.SignInput{Header: one.header, Body: one.body, Now: time.Now(), ID: "msg_1", Type: "generic", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// from posts what a sender sends to its hook.
func (b *bench) from(t *testing.T, s *sending, suffix string, bad bool) (*http.Response, string) {
	t.Helper()
	signed := s.signed(t, bad)
	u, err := url.Parse(signed.URL)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), signed.Method, b.url+"/hooks/"+s.Name+suffix+"?"+u.RawQuery, bytes.NewReader(signed.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = signed.Header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}
