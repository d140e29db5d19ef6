package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/internal/ingest"
	"github.com/forebayhq/forebay/internal/rule"
	"github.com/forebayhq/forebay/verify"
)

// A sink is a ledger that keeps nothing and looks at everything.
type sink struct {
	t      *testing.T
	stored int
}

func (l *sink) Accept(_ context.Context, a event.Accept) (event.Receipt, error) {
	l.stored++
	l.look(a)
	return event.Receipt{Outcome: event.Accepted, EventID: a.Event.ID, JobID: a.Job.ID}, nil
}

func (l *sink) AcceptAll(ctx context.Context, all []event.Accept) ([]event.Receipt, error) {
	var out []event.Receipt
	for _, a := range all {
		r, _ := l.Accept(ctx, a) // it never fails
		out = append(out, r)
	}
	return out, nil
}

func (*sink) Note(event.Verdict) {}

// look checks what is about to be stored for ever.
func (l *sink) look(a event.Accept) {
	for _, text := range []string{a.Event.Type, a.Event.DeliveryID, a.Event.Subject, a.Event.ContentType} {
		if len(text) > 256 || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			l.t.Errorf("%q is out of bounds", text)
		}
	}
	for _, name := range []string{"authorization", "cookie"} {
		if a.Event.Header[name] != "" {
			l.t.Errorf("the header %s was stored", name)
		}
	}
	if len(a.Keys) > 4 || len(a.Event.Header) > 64 {
		l.t.Errorf("%d keys, %d headers", len(a.Keys), len(a.Event.Header))
	}
}

// FuzzReceive sends hostile requests (method, target, header lines, body) to hooks of every sender, as they are and
// with a signature that holds, so that what comes after the proof is reached
// too. Nothing may panic, and nothing that a sender does may be answered as if it
// were our fault, but for a key that cannot be had.
func FuzzReceive(f *testing.F) {
	senders, hooks, keys := everySender(f)
	for i, s := range senders {
		head, body := fixtureOf(f, s)
		f.Add(uint8(i), "POST", "/hooks/x?hub.challenge=1", head, body, true)
	}
	f.Add(uint8(0), "GET", "/hooks/x?challenge=a", "Content-Encoding: gzip\nContent-Type: multipart/form-data", []byte("{}"), false)
	f.Fuzz(func(t *testing.T, which uint8, method, target, head string, body []byte, sign bool) {
		s := senders[int(which)%len(senders)]
		r, err := http.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
		if err != nil {
			return // net/http refuses it before we see it
		}
		r.Header = headerOf(head)
		if sign {
			r = signedAs(keys[s.Name], r)
		}
		ledger := &sink{t: t}
		rc, err := ingest.New(ingest.Options{Ledger: ledger, Hooks: hooks})
		if err != nil {
			t.Fatal(err)
		}
		r.SetPathValue("hook", s.Name)
		rec := httptest.NewRecorder()
		rc.ServeHTTP(rec, r)
		if rec.Code >= 500 && !strings.Contains(rec.Body.String(), verify.CodeKeyUnavailable) {
			t.Errorf("%s: got %d %s", s.Name, rec.Code, rec.Body)
		}
		if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") && rec.Body.Len() > 0 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%s: the answer is no JSON: %q", s.Name, rec.Body)
		}
		if ledger.stored > 0 && rec.Code >= 300 {
			t.Errorf("%s: %d events were stored, and the sender reads %d", s.Name, ledger.stored, rec.Code)
		}
	})
}

// everySender makes a hook for each sender.
func everySender(f *testing.F) ([]verify.Sender, map[string]*ingest.Hook, map[string]fixture.Hook) {
	f.Helper()
	senders := verify.Senders()
	hooks, keys := map[string]*ingest.Hook{}, map[string]fixture.Hook{}
	for _, s := range senders {
		key, err := fixture.NewHook(s)
		if err != nil {
			f.Fatal(err)
		}
		v, err := verify.New(key.Config)
		if err != nil {
			f.Fatalf("%s: %v", s.Name, err)
		}
		meaning, err := rule.Compile(`event.subject + string(payload.id)`, rule.String)
		if err != nil {
			f.Fatal(err)
		}
		keys[s.Name] = key
		hooks[s.Name] = &ingest.Hook{
			Name: s.Name, Source: s.Name, Verifier: v, PublicURL: key.Config.PublicURL, BodyLimit: 1 << 20, Remember: time.Hour, Ack: s.Ack,
			Match: matcher(f, `event.type != "x" || payload.size() > 3`), Meaning: meaning.String, Key: meaning.String,
			Choose: func(*rule.Input) event.JobSpec { return event.JobSpec{Lane: "haiku", Model: "m"} },
		}
	}
	return senders, hooks, keys
}

// signedAs signs what r carries as the sender would, if it can.
func signedAs(h fixture.Hook, r *http.Request) *http.Request {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return r
	}
	signed, err := verify.Sign(h.Config, verify.SignInput{
		Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: body, Now: time.Now(), ID: "id-1", Type: "t", Key: h.Key,
	})
	if err != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		return r
	}
	r.Header, r.Body, r.ContentLength = signed.Header, io.NopCloser(bytes.NewReader(signed.Body)), int64(len(signed.Body))
	return r
}

// headerOf reads header lines.
func headerOf(head string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

// fixtureOf is a request of the sender: its header lines and its body.
func fixtureOf(f *testing.F, s verify.Sender) (head string, body []byte) {
	f.Helper()
	header := http.Header{"Content-Type": {"application/json"}}
	body = []byte(`{"id":"1","type":"t"}`)
	for _, info := range fixture.List() {
		if !strings.HasPrefix(info.Name, s.Name+".") {
			continue
		}
		got, err := fixture.Get(info.Name)
		if err != nil {
			f.Fatal(err)
		}
		if body, err = got.Body(); err != nil {
			f.Fatal(err)
		}
		header = got.Header()
		break
	}
	for name, values := range header {
		head += name + ": " + values[0] + "\n"
	}
	return head, body
}
