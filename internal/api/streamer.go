package api

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/event"
)

// pieceSize bounds the text of one delta, so that each write is small and has a
// deadline of its own.
const pieceSize = 16 << 10

// A streamer writes one stream. It belongs to one request's goroutine. It keeps
// no text, only how much was sent and a hash of it.
type streamer struct {
	reader  Reader
	explain func(context.Context, ...*event.Job) // why a job waits, as GET tells it
	w       http.ResponseWriter
	rc      *http.ResponseController

	at    position
	seed  maphash.Seed
	sum   uint64 // of the bytes before at.Offset; checked once known is true
	known bool

	drafted int    // the attempt of the draft that was last shown
	said    string // the last state, in the words that clients look at
}

func (a *API) newStreamer(w http.ResponseWriter, from position) *streamer {
	return &streamer{reader: a.reader, explain: a.Explain, w: w, rc: http.NewResponseController(w), at: from, seed: maphash.MakeSeed()}
}

// A StateView is the data of a state event.
type StateView struct {
	JobHead
	Event  EventView `json:"event"`
	Stream position  `json:"stream"`
}

// begin sends the headers.
func (s *streamer) begin() {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	s.w.WriteHeader(http.StatusOK)
}

// look reads the job and shows it.
func (s *streamer) look(ctx context.Context, id string) (over bool, err error) {
	job, err := s.reader.Job(ctx, id)
	if err != nil {
		return false, err
	}
	return s.show(ctx, job)
}

// show sends what the client does not have yet and reports whether that was
// all.
func (s *streamer) show(ctx context.Context, job event.Job) (over bool, err error) {
	call, text, err := s.textOf(ctx, job)
	if err != nil {
		return false, err
	}
	s.align(call, text)
	if err := s.state(ctx, job); err != nil {
		return false, err
	}
	if err := s.send(text); err != nil {
		return false, err
	}
	if !job.State.Terminal() {
		return false, nil
	}
	return true, s.event("done", s.at.String()+doneSuffix, NewJobView(job))
}

// more sends text that the call under way has added. It reports false when
// the job itself must be looked at.
func (s *streamer) more(ctx context.Context, id string) (bool, error) {
	draft, err := s.draft(ctx, id)
	goesOn := s.known && draft.Attempt == s.drafted && len(draft.Text) > s.at.Offset && s.continues(draft.Text)
	if err != nil || !goesOn {
		return false, err
	}
	return true, s.send(draft.Text)
}

// textOf is the text that a client of job should have, as far as it has come,
// and the call that it belongs to: 1 for the job's first. Calls number a text
// better than attempts do, because an attempt that does not count is made again
// under the same number. A job that waits keeps what was sent.
func (s *streamer) textOf(ctx context.Context, job event.Job) (call int, text string, err error) {
	call = len(job.Calls)
	switch {
	case job.Result != nil:
		return answerCall(job), job.Result.Text, nil
	case job.State != event.Running:
		return call, "", nil
	}
	draft, err := s.draft(ctx, job.ID)
	if call > 0 && draft.Attempt < job.Calls[call-1].Attempt {
		return call, "", err // what is there belongs to an attempt that is over
	}
	s.drafted = draft.Attempt
	return call, draft.Text, err
}

// answerCall is the call that gave the result.
func answerCall(job event.Job) int {
	for i := len(job.Calls) - 1; i >= 0; i-- {
		if job.Calls[i].Outcome == event.CallOK {
			return i + 1
		}
	}
	return len(job.Calls)
}

func (s *streamer) draft(ctx context.Context, id string) (event.Draft, error) {
	draft, err := s.reader.Draft(ctx, id)
	if errors.Is(err, event.ErrNotFound) {
		return event.Draft{}, nil
	}
	draft.Text = draft.Text[:wholeRunes(draft.Text)]
	return draft, err
}

// align moves the position back to where the client's text and text agree: to
// the beginning, if text is of another call or does not go on from what was
// sent.
func (s *streamer) align(call int, text string) {
	if text == "" && call == s.at.Call {
		return // nothing new is known; keep what was sent
	}
	if call != s.at.Call || len(text) < s.at.Offset || !s.continues(text) {
		s.at = position{Call: call}
		s.said = "" // a state tells the client
	}
	if !s.known {
		s.at.Offset = runeFloor(text, s.at.Offset)
	}
	s.mark(text)
}

// continues reports whether text begins with what was sent.
func (s *streamer) continues(text string) bool {
	return !s.known || s.sum == maphash.String(s.seed, text[:s.at.Offset])
}

// mark remembers what of text the client has.
func (s *streamer) mark(text string) {
	s.sum, s.known = maphash.String(s.seed, text[:s.at.Offset]), true
}

// state tells where the job stands, if that is news. Of the end done tells,
// unless the client does not know yet where its text goes on. A reason that was
// worked out is news when it is another one, and not whenever its time moves.
func (s *streamer) state(ctx context.Context, job event.Job) error {
	if job.State.Terminal() && s.said != "" {
		return nil
	}
	until := job.Until.UnixNano()
	s.explain(ctx, &job)
	now := fmt.Sprint(job.State, job.Reason, until, job.Attempts, s.at.Call)
	if now == s.said {
		return nil
	}
	s.said = now
	return s.event("state", s.at.String(), StateView{JobHead: NewJobHead(job), Event: newEventView(job), Stream: s.at})
}

// send sends what text has beyond the position, in pieces.
func (s *streamer) send(text string) error {
	for s.at.Offset < len(text) {
		end := len(text)
		if end-s.at.Offset > pieceSize {
			end = runeFloor(text, s.at.Offset+pieceSize)
		}
		piece := text[s.at.Offset:end]
		next := position{Call: s.at.Call, Offset: end}
		if err := s.event("delta", next.String(), map[string]string{"text": piece}); err != nil {
			return err
		}
		s.at = next
	}
	if text != "" {
		s.mark(text)
	}
	return nil
}

// event writes one event. JSON has no line breaks, so its data is one line.
func (s *streamer) event(name, id string, data any) error {
	body, err := encode(data)
	if err != nil {
		return err
	}
	return s.write("event: %s\nid: %s\ndata: %s\n", name, id, body) // body ends in the first of the two line breaks
}

func (s *streamer) comment() error { return s.write(": still here\n\n") }

func (s *streamer) write(format string, args ...any) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return err
	}
	return s.rc.Flush()
}
