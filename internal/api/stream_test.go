package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// A sse is one server-sent event, or a comment.
type sse struct {
	name, id, data string
	comment        bool
}

// A reader reads a stream the way that a client does, and keeps its text by the
// rule of the documentation.
type reader struct {
	t       *testing.T
	scanner *bufio.Scanner
	close   func()
	text    string
	call    int
	last    string // the last id
}

func (p *pipeServer) follow(t *testing.T, ctx context.Context, path string, resume *reader) *reader {
	t.Helper()
	r := &reader{t: t}
	var headers []string
	if resume != nil {
		r.text, r.call, r.last = resume.text, resume.call, resume.last
		headers = []string{"Last-Event-ID", resume.last}
	}
	resp := p.open(t, ctx, "GET", path, nil, headers...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	r.scanner = bufio.NewScanner(resp.Body)
	r.scanner.Buffer(nil, 1<<20)
	r.close = func() { _ = resp.Body.Close() }
	t.Cleanup(r.close)
	return r
}

// next reads the next event; ok is false at the end of the stream.
func (r *reader) next() (e sse, ok bool) {
	r.t.Helper()
	for r.scanner.Scan() {
		line := r.scanner.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(line, ":"):
			e.comment = true
		case name == "event":
			e.name = value
		case name == "id":
			e.id, r.last = value, value
		case name == "data":
			e.data = value
		case line == "":
			r.take(e)
			return e, true
		default:
			r.t.Fatalf("line %q", line)
		}
	}
	return e, false
}

// take does with an event what the documentation says.
func (r *reader) take(e sse) {
	r.t.Helper()
	if !utf8.ValidString(e.data) || strings.ContainsRune(e.data, utf8.RuneError) {
		r.t.Fatalf("a rune was split: %q", e.data)
	}
	switch e.name {
	case "delta":
		var delta struct{ Text string }
		r.decode(e.data, &delta)
		r.text += delta.Text
		if want := fmt.Sprintf("%d:%d", r.call, len(r.text)); e.id != want {
			r.t.Errorf("delta has the id %s, want %s", e.id, want)
		}
	case "state":
		var state struct {
			Stream struct{ Call, Offset int }
		}
		r.decode(e.data, &state)
		if state.Stream.Call != r.call {
			r.text = ""
		}
		r.call = state.Stream.Call
		r.text = r.text[:min(state.Stream.Offset, len(r.text))]
	}
}

func (r *reader) decode(data string, v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(data), v); err != nil {
		r.t.Fatalf("%v: %s", err, data)
	}
}

// want reads the next event and checks its name.
func (r *reader) want(name string) sse {
	r.t.Helper()
	e, ok := r.next()
	if !ok || e.name != name {
		r.t.Fatalf("got %+v, want %s", e, name)
	}
	return e
}

// until reads on until an event of that name.
func (r *reader) until(name string) sse {
	r.t.Helper()
	for {
		e, ok := r.next()
		if e.name == name {
			return e
		}
		if !ok {
			r.t.Fatalf("the stream ended before %s", name)
		}
	}
}

func runningJob(attempt int) event.Job {
	j := queuedJob()
	j.State, j.Reason, j.Until, j.Attempts = event.Running, "", time.Time{}, attempt
	for n := range attempt {
		j.Calls = append(j.Calls, event.Call{ID: fmt.Sprint("call_", n), Attempt: n + 1, Outcome: event.CallUnknown})
	}
	return j
}

func succeededJob(attempt int, text string) event.Job {
	j := runningJob(attempt)
	j.State = event.Succeeded
	j.Calls[attempt-1].Outcome = event.CallOK
	j.Result = &event.Result{Text: text, Model: "claude-haiku-5-5"}
	return j
}

const streamPath = "/v1/jobs/job_02/stream"

func TestStreamFollowsAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(queuedJob())
		s := serve(t, m, nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		if e := r.want("state"); !strings.Contains(e.data, `"reason":"rate_limited"`) || strings.Contains(e.data, `"result"`) {
			t.Errorf("state: %s", e.data)
		}
		m.set(runningJob(1))
		r.want("state")
		m.draft("job_02", 1, "It adds ")
		r.want("delta")
		m.draft("job_02", 1, "It adds t\xe2\x82") // the euro sign has not come in whole
		r.want("delta")
		if r.text != "It adds t" {
			t.Errorf("got %q", r.text)
		}
		m.set(succeededJob(1, "It adds t€sts."))
		r.want("delta")
		done := r.want("done")
		if r.text != "It adds t€sts." || done.id != "1:16:done" || !strings.Contains(done.data, `"text":"It adds t€sts."`) {
			t.Errorf("got %q, done %s %s", r.text, done.id, done.data)
		}
		if e, ok := r.next(); ok {
			t.Errorf("after done came %+v", e)
		}
	})
}

// Whoever cut the stream anywhere and comes back has the same text in the end.
func TestResumeAnywhere(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("Ein Satz mit Umlauten: äöü €, 😀.\n", 40)
	m := newMemory(succeededJob(2, text))
	s := serve(t, m, nil)
	for offset := 0; offset <= len(text); offset += 7 {
		cut := offset
		for !utf8.RuneStart((text + "x")[cut]) {
			cut--
		}
		before := &reader{text: text[:cut], call: 2, last: fmt.Sprintf("2:%d", cut)}
		r := s.public.follow(t, t.Context(), streamPath, before)
		sent := 0
		for e, ok := r.next(); ok; e, ok = r.next() {
			if e.name == "delta" {
				sent++
			}
		}
		if r.text != text {
			t.Fatalf("from %d: the text differs", cut)
		}
		if want := 1; cut == len(text) {
			want = 0
			if sent != want {
				t.Errorf("from the end: %d deltas", sent)
			}
		} else if sent != want {
			t.Errorf("from %d: %d deltas, want %d", cut, sent, want)
		}
	}
}

// An id that is hostile, of another attempt or past the end never gives a wrong
// text.
func TestBadLastEventID(t *testing.T) {
	t.Parallel()
	const text = "a€b"
	s := serve(t, newMemory(succeededJob(2, text)), nil)
	for _, id := range []string{
		"", "garbage", "1:2", "3:1", "2:99", "2:2147483647", "2147483647:1", "-1:-1", "2:3", "2:2",
		strings.Repeat("9", 4000), "2:1:done:", "1:0\u00e9",
	} {
		r := s.public.follow(t, t.Context(), streamPath, &reader{last: id})
		first := r.want("state")
		var state struct {
			Stream struct{ Call, Offset int }
		}
		r.decode(first.data, &state)
		offset := state.Stream.Offset
		if state.Stream.Call != 2 || offset > len(text) || !utf8.ValidString(text[:offset]) {
			t.Errorf("%.20q: state says %+v", id, state.Stream)
			continue
		}
		r.text = text[:offset] // what a client that had sent this id must have
		for _, ok := r.next(); ok; _, ok = r.next() {
		}
		if r.text != text {
			t.Errorf("%.20q: got %q", id, r.text)
		}
	}
}

func TestAnotherAttemptStartsTheTextAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(runningJob(1))
		m.draft("job_02", 1, "first try")
		s := serve(t, m, nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		r.want("state")
		r.want("delta")

		waiting := runningJob(1)
		waiting.State, waiting.Reason = event.Queued, event.RetryBackoff
		m.set(waiting)
		r.want("state")
		if r.text != "first try" {
			t.Errorf("while it waits the text is %q", r.text)
		}
		m.set(runningJob(2)) // the draft of the first attempt is still there
		if e := r.want("state"); !strings.Contains(e.data, `"stream":{"call":2,"offset":0}`) {
			t.Errorf("state: %s", e.data)
		}
		m.draft("job_02", 2, "second")
		r.want("delta")
		m.set(succeededJob(2, "second try"))
		r.want("delta")
		r.want("done")
		if r.text != "second try" {
			t.Errorf("got %q", r.text)
		}
	})
}

// An attempt that does not count may stream again under the same number; and
// the stored answer may differ from what streamed.
func TestATextThatChangesStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(runningJob(1))
		m.draft("job_02", 1, "one thing")
		s := serve(t, m, nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		r.want("state")
		r.want("delta")
		m.draft("job_02", 1, "another thing, and longer")
		r.want("state")
		r.want("delta")
		if r.text != "another thing, and longer" {
			t.Errorf("got %q", r.text)
		}
		free := runningJob(2) // two calls, both of attempt 1
		free.Attempts, free.Calls[1].Attempt = 1, 1
		m.set(free)
		m.draft("job_02", 1, "a third")
		if e := r.want("state"); !strings.Contains(e.data, `"stream":{"call":2,"offset":0}`) {
			t.Errorf("state: %s", e.data)
		}
		r.want("delta")
		free.State, free.Calls[1].Outcome, free.Result = event.Succeeded, event.CallOK, &event.Result{Text: "another end"}
		m.set(free)
		r.want("state")
		r.want("delta")
		r.want("done")
		if r.text != "another end" {
			t.Errorf("got %q", r.text)
		}
	})
}

func TestDeadJobsEndTheStream(t *testing.T) {
	t.Parallel()
	dead := runningJob(1)
	dead.State = event.Dead
	dead.LastError = &event.Failure{Code: "refusal", Message: "the model refused"}
	s := serve(t, newMemory(dead), nil)
	r := s.public.follow(t, t.Context(), streamPath, nil)
	r.want("state")
	if e := r.want("done"); !strings.Contains(e.data, `"refusal"`) {
		t.Errorf("done: %s", e.data)
	}
}

// A browser comes back after every end; 204 tells it to stay away.
func TestAfterDoneThereIsNoMore(t *testing.T) {
	t.Parallel()
	m := newMemory(succeededJob(1, "text"))
	s := serve(t, m, nil)
	if got := s.public.ask(t, "GET", streamPath, "Last-Event-ID", "1:4:done"); got.status != 204 {
		t.Errorf("got %d", got.status)
	}
	m.set(runningJob(2)) // a redelivery queued it again
	resp := s.public.open(t, t.Context(), "GET", streamPath, nil, "Last-Event-ID", "1:4:done")
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("once it runs again: got %d", resp.StatusCode)
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, newMemory(queuedJob()), nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		start := time.Now()
		r.want("state")
		for n := range 4 {
			e, ok := r.next()
			if passed, want := time.Since(start), time.Duration(n+1)*15*time.Second; !ok || !e.comment || passed != want {
				t.Fatalf("got %+v after %v, want a comment after %v", e, passed, want)
			}
		}
	})
}

// A change that nobody signalled is seen all the same.
func TestStreamLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(runningJob(1))
		s := serve(t, m, nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		r.want("state")
		m.mu.Lock()
		m.jobs["job_02"] = succeededJob(1, "text")
		m.mu.Unlock()
		start := time.Now()
		r.want("delta")
		r.want("done")
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// While text streams in, the job itself is not read for every piece of it.
func TestStreamingTextIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(runningJob(1))
		s := serve(t, m, nil)
		r := s.public.follow(t, t.Context(), streamPath, nil)
		r.want("state")
		m.mu.Lock()
		before := m.reads
		m.mu.Unlock()
		for n := range 500 {
			m.draft("job_02", 1, strings.Repeat("word ", n+1))
			r.want("delta")
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if got := m.reads - before; got > 2 {
			t.Errorf("the job was read %d times", got)
		}
	})
}

// A reader that stops reading is let go after the write deadline and holds
// nothing any more.
func TestStalledReaderIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(succeededJob(1, strings.Repeat("long ", 1<<20)))
		s := serve(t, m, nil)
		conn, err := s.public.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", streamPath, testKey)
		if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := m.watching("job_02"); n != 1 {
			t.Fatalf("%d watches, want 1: the stream is not there", n)
		}
		time.Sleep(15 * time.Second)
		synctest.Wait()
		if n := m.watching("job_02"); n != 0 {
			t.Errorf("%d watches are left", n)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && err != net.ErrClosed && err != io.ErrUnexpectedEOF {
			t.Logf("the connection ended: %v", err)
		}
	})
}

func TestStreamsAreCountedAndEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(queuedJob())
		s := serve(t, m, func(o *api.Options) { o.MaxWaiting = 2 })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first := s.public.follow(t, ctx, streamPath, nil)
		first.want("state")
		second := s.public.follow(t, t.Context(), streamPath, nil)
		second.want("state")
		if got := s.public.ask(t, "GET", streamPath); got.status != 503 || got.code(t) != "too_many_waiting" || got.header.Get("Retry-After") == "" {
			t.Errorf("a third: got %d", got.status)
		}
		cancel() // the first reader goes away
		synctest.Wait()
		third := s.public.follow(t, t.Context(), streamPath, nil)
		third.want("state")

		s.api.Drain()
		for _, r := range []*reader{second, third} {
			if e, ok := r.next(); ok {
				t.Errorf("after the drain came %+v", e)
			}
		}
		synctest.Wait()
		if n := m.watching("job_02"); n != 0 {
			t.Errorf("%d watches are left", n)
		}
	})
}

func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, newMemory(queuedJob()), nil)
	if got := s.public.ask(t, "GET", "/v1/jobs/none/stream"); got.status != 404 || got.code(t) != "not_found" {
		t.Errorf("unknown job: got %d", got.status)
	}
	if got := s.public.ask(t, "GET", streamPath, "Authorization", ""); got.status != 401 {
		t.Errorf("no key: got %d", got.status)
	}
	if got := s.public.ask(t, http.MethodHead, streamPath); got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: got %d", got.status)
	}
}

// TestStreamSaysWhy: a stream tells the reason that GET tells, and tells it again
// when it is another one, but not because its time has moved.
func TestStreamSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := queuedJob()
		j.Hook, j.Lane, j.Reason, j.Until = "h", "sonnet", event.WaitingTurn, time.Time{}
		m := newMemory(j)
		m.lanes = []event.Lane{{Name: "sonnet"}}
		s := serve(t, m, func(o *api.Options) { o.Look = looked })
		r := s.public.follow(t, t.Context(), streamPath, nil)
		if e := r.want("state"); !strings.Contains(e.data, `"reason":"cache_warming"`) || strings.Contains(e.data, `"until":null`) {
			t.Errorf("state: %s", e.data)
		}
		time.Sleep(7 * time.Second) // past a second look, by which its time has moved
		j.Hook = "g"
		m.set(j)
		if e := r.want("state"); !strings.Contains(e.data, `"reason":"rate_limited"`) {
			t.Errorf("state: %s", e.data)
		}
		m.set(runningJob(1))
		if e := r.want("state"); !strings.Contains(e.data, `"reason":null`) {
			t.Errorf("state: %s", e.data)
		}
	})
}
