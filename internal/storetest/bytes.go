package storetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/forebayhq/forebay/event"
)

var bytesTests = []test{
	{name: "odd bodies come back byte for byte", run: testBytesBodies},
	{name: "25 MiB come back byte for byte", run: testBytesLarge},
	{name: "odd text comes back as it was", run: testBytesText},
	{name: "a payload that is empty is not one that is missing", run: testBytesPayload},
}

func testBytesBodies(s *suite) {
	bodies := map[string][]byte{}
	for name, body := range map[string]string{
		"empty": "", "a NUL": "\x00", "NULs": "a\x00b\x00", "escaped NUL": `{"a":"\u0000"}`,
		"lone surrogates": `{"a":"\ud800","b":"\udfff\ud800"}`, "not UTF-8": "\xff\xfe\x80\xc3(", "a BOM": "\xef\xbb\xbf{}",
		"large numbers": `{"a":1e400,"b":-0,"c":123456789012345678901234567890}`, "equal keys": `{"a":1,"a":2}`,
		"deep": strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "CRLF": "a=1\r\nb=2\r\n", "form": "payload=%7B%22a%22%3A1%7D",
		"every byte": string(everyByte()), "SQL": `'); DROP TABLE job; --`,
	} {
		a := s.order(func(a *event.Accept) { a.Event.Body = []byte(body) })
		bodies[a.Job.ID] = []byte(body)
		if _, err := s.Accept(s.Context(), a); err != nil {
			s.Fatalf("%s: %v", name, err)
		}
	}
	jobs := s.take("w1", 100).Jobs
	want(s, "taken", len(jobs), len(bodies))
	for _, l := range jobs {
		if !bytes.Equal(l.Event.Body, bodies[l.Job.ID]) {
			s.Errorf("got %q, want %q", l.Event.Body, bodies[l.Job.ID])
		}
		if got := s.job(l.Job.ID).Event.Body; !bytes.Equal(got, bodies[l.Job.ID]) {
			s.Errorf("read: got %q, want %q", got, bodies[l.Job.ID])
		}
	}
}

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func testBytesLarge(s *suite) {
	body := make([]byte, 25<<20)
	src := rand.NewChaCha8([32]byte{1})
	_, _ = src.Read(body) // half of it cannot be compressed
	copy(body[len(body)/2:], strings.Repeat("a", len(body)/2))
	s.accept(func(a *event.Accept) { a.Event.Body = body })
	if got := s.takeOne().Event.Body; sha256.Sum256(got) != sha256.Sum256(body) {
		s.Errorf("got %d other bytes, want %d", len(got), len(body))
	}
}

func testBytesText(s *suite) {
	odd := "a\x00b \xff\xfe é \U0001F600 ' \" \\ % _ \r\n"
	a := s.order(func(a *event.Accept) {
		a.Event.Subject, a.Event.Type, a.Event.DeliveryID, a.Event.Query, a.Event.ContentType = odd, odd, odd, odd, odd
		a.Event.Header = map[string]string{"x-odd": odd, "x-empty": "", "": "no name"}
	})
	_, err := s.Accept(s.Context(), a)
	s.must(err)
	l := s.takeOne()
	if !reflect.DeepEqual(l.Event, a.Event) {
		s.Errorf("event: got %+q, want %+q", fmt.Sprint(l.Event), fmt.Sprint(a.Event))
	}
	s.must(s.Settle(s.Context(), event.Settlement{Lease: l.Lease, Now: s.clock(), Done: &event.Done{
		Result:     event.Result{Text: odd, JSON: []byte(`{"a":"\u0000"}`), Notes: []string{"a", ""}},
		Deliveries: []event.Delivery{{ID: "dlv_1", Target: odd, Spec: []byte("{\"b\":\"\\u0000\"}"), SerialKey: odd}},
	}}))
	j := s.job(a.Job.ID)
	want(s, "subject in a list", j.Subject, odd)
	want(s, "text", j.Result.Text, odd)
	want(s, "json", string(j.Result.JSON), `{"a":"\u0000"}`)
	want(s, "notes", fmt.Sprintf("%q", j.Result.Notes), `["a" ""]`)
	want(s, "spec", string(j.Deliveries[0].Spec), `{"b":"\u0000"}`)
	want(s, "serial key", j.Deliveries[0].SerialKey, odd)
}

func testBytesPayload(s *suite) {
	s.accept(func(a *event.Accept) { a.Event.Payload = nil })
	s.accept(func(a *event.Accept) { a.Event.Payload = []byte{} })
	jobs := s.take("w1", 10).Jobs
	want(s, "missing", jobs[0].Event.Payload == nil, true)
	want(s, "empty", jobs[1].Event.Payload != nil && len(jobs[1].Event.Payload) == 0, true)
	want(s, "data of the second", string(jobs[1].Event.Data()), "")
}
