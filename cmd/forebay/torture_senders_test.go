package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

const (
	fixtureTitle  = "Book each order once, even when it arrives twice"
	fixtureNumber = `"number":1347`
)

// Senders send as real ones do: each event again until it is acknowledged, now
// and then once more although it was.
type senders struct {
	stand  *stand
	count  int           // how many send at a time
	pause  time.Duration // between the events of one
	limit  int64         // events in all; 0: until the context ends
	first  int64         // number of the first event, less one
	resend int64         // every so many-th event is sent twice; 0: none
	plain  bool          // only to the hook that calls back

	template []byte
	next     atomic.Int64

	mu       sync.Mutex
	acked    map[string]string // case to job
	ackedAt  map[string]time.Time
	acks     []time.Duration // how long each acknowledgement took
	doubted  map[string]bool // cases whose acknowledgement was forgotten
	refused  map[int]int     // answers that were none, by status; 0: no connection
	noRetry  int             // 503s without Retry-After
	problems []string
}

// send sends until ctx ends or the limit is reached.
func (l *senders) send(ctx context.Context) {
	l.acked, l.ackedAt, l.doubted, l.refused = map[string]string{}, map[string]time.Time{}, map[string]bool{}, map[int]int{}
	l.template = pullRequest(l.stand)
	var wg sync.WaitGroup
	for range l.count {
		wg.Go(func() { l.one(ctx) })
	}
	wg.Wait()
	for _, p := range l.problems[:min(5, len(l.problems))] {
		l.stand.t.Error(p)
	}
}

// pullRequest is a pull_request event as GitHub sends it, some 21 KB.
func pullRequest(s *stand) []byte {
	s.t.Helper()
	f, err := fixture.Get("github.pull_request.opened")
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := f.Body()
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Contains(body, []byte(fixtureTitle)) || !bytes.Contains(body, []byte(fixtureNumber)) {
		s.t.Fatal("the fixture has changed: its title or number is not there")
	}
	return body
}

func (l *senders) one(ctx context.Context) {
	for ctx.Err() == nil {
		n := l.next.Add(1)
		if l.limit > 0 && n > l.limit {
			return
		}
		n += l.first
		name := fmt.Sprintf("case-%07d", n)
		job, ok := l.insist(ctx, name, n)
		if ok && l.resend > 0 && n%l.resend == 0 {
			if again, ok := l.insist(ctx, name, n); ok && again != job && !l.doubt(name) {
				l.problem("%s was job %s and is %s when sent again", name, job, again)
			}
		}
		if l.pause > 0 {
			wait(ctx, l.pause)
		}
	}
}

// insist sends one event until it is acknowledged, or ctx ends.
func (l *senders) insist(ctx context.Context, name string, n int64) (job string, ok bool) {
	signed, err := signCase(l.template, name, n)
	if err != nil {
		l.problem("%v", err)
		return "", false
	}
	for ctx.Err() == nil {
		began := time.Now()
		status, header, doc, err := l.post(ctx, l.hook(n), signed)
		switch {
		case err != nil && ctx.Err() != nil: // given up, not refused
		case err != nil:
			l.note(0, nil)
		case status == http.StatusAccepted, status == http.StatusOK && doc.Status == "duplicate":
			l.ack(name, doc.Job, time.Since(began))
			return doc.Job, true
		case status == http.StatusServiceUnavailable:
			l.note(status, header)
		default:
			l.problem("%s: got %d %+v, want 202, 503 or a duplicate", name, status, doc)
			return "", false
		}
		wait(ctx, 50*time.Millisecond) // Retry-After is seconds; these are in a hurry
	}
	return "", false
}

// signCase makes an event of the template that has a name and is about one of
// the pull requests.
func signCase(template []byte, name string, n int64) (verify.Request, error) {
	body := bytes.ReplaceAll(template, []byte(fixtureTitle), []byte(name))
	body = bytes.ReplaceAll(body, []byte(fixtureNumber), []byte(`"number":`+strconv.FormatInt(n%standPulls+1, 10)))
	return verify.Sign(verify.Config{Type: "github", Secrets: []string{standSecret}},
		verify.SignInput{Body: body, Now: time.Now(), Type: "pull_request", ID: "delivery-" + name})
}

// A reply is what a hook answers.
type reply struct {
	Status, Job string
	Error       struct{ Code, Message string }
}

// hook sends a few events to the hook that comments: GitHub takes 80 comments
// a minute and 500 an hour, and the server keeps to it.
func (l *senders) hook(n int64) string {
	if n%25 == 1 && !l.plain {
		return "comment"
	}
	return "callback"
}

func (l *senders) post(ctx context.Context, hook string, signed verify.Request) (int, http.Header, reply, error) {
	var doc reply
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.stand.public+"/hooks/"+hook, bytes.NewReader(signed.Body))
	if err != nil {
		return 0, nil, doc, err
	}
	req.Header = signed.Header.Clone()
	resp, err := l.stand.client.Do(req)
	if err != nil {
		return 0, nil, doc, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(raw, &doc)
	}
	return resp.StatusCode, resp.Header, doc, err
}

func (l *senders) ack(name, job string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks = append(l.acks, took)
	if before, ok := l.acked[name]; ok && before != job {
		l.problems = append(l.problems, fmt.Sprintf("%s was acknowledged as job %s and as %s", name, before, job))
	}
	if _, ok := l.acked[name]; !ok {
		l.acked[name], l.ackedAt[name] = job, time.Now()
	}
}

// forget drops what was first acknowledged after a moment and returns how much
// that was.
func (l *senders) forget(after time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, at := range l.ackedAt {
		if at.After(after) {
			delete(l.acked, name)
			delete(l.ackedAt, name)
			l.doubted[name] = true
			n++
		}
	}
	return n
}

// doubt reports whether an acknowledgement of the case was forgotten.
func (l *senders) doubt(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.doubted[name]
}

func (l *senders) note(status int, h http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[status]++
	if h != nil && h.Get("Retry-After") == "" {
		l.noRetry++
	}
}

func (l *senders) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// known is a copy of what was acknowledged so far.
func (l *senders) known() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.acked)
}

// tally counts acknowledgements, 503s and failed connections so far.
func (l *senders) tally() (acked, shed, cut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks), l.refused[http.StatusServiceUnavailable], l.refused[0]
}

// wait waits, or less if ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
