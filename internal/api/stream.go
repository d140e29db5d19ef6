package api

import (
	"net/http"
	"time"

	"github.com/forebayhq/forebay/event"
)

const (
	// writeTimeout is how long a reader may take for one piece of a stream
	// before the connection is given up: a stalled one holds nothing for longer.
	writeTimeout = 15 * time.Second
	// heartbeat keeps proxies from closing a stream on which nothing happens.
	heartbeat = 15 * time.Second
	// recheckLive is how soon a stream that just sent text looks at the job
	// itself again.
	recheckLive = time.Second
)

// Stream answers GET /v1/jobs/{id}/stream with server-sent events:
//
//	event: state   the job without its result, and where its text goes on:
//	               "stream": {"call": 1, "offset": 0}
//	event: delta   {"text": "..."}, the next piece of the answer
//	event: done    the whole job; the last event
//
// The first event is a state; another comes when the job's state or reason is
// another one, except at its end. A text that has begun may have to begin anew, on
// another call to the same or another model: then a state says so, with another
// stream.call or a smaller stream.offset. A client that keeps the text cuts what
// it has to stream.offset bytes of UTF-8 whenever a state comes, or to nothing
// when stream.call is another one.
//
// The id of an event is "CALL:OFFSET": how much of which call's text the client
// has after it, call 1 being the first in the job's list. Sent back as Last-Event-ID it resumes exactly there, from
// the store, on any server. After done the id ends in ":done"; whoever comes
// back with it is answered 204, which ends the reconnecting of a browser's
// EventSource. An id that says nothing starts the stream anew.
func (a *API) Stream(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := bare(r, id); err != nil {
		a.refuse(w, err)
		return
	}
	leave, err := a.enter()
	if err != nil {
		a.refuse(w, err)
		return
	}
	defer leave()

	changed, stop := a.signals.Watch(id) // before the first read: nothing is missed in between
	defer stop()
	job, err := a.reader.Job(r.Context(), id)
	if err != nil {
		a.refuse(w, jobError(id, err))
		return
	}
	from, done := parsePosition(r.Header.Get("Last-Event-ID"))
	if done && job.State.Terminal() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s := a.newStreamer(w, from)
	s.begin()
	if r.Method == http.MethodHead {
		return
	}
	a.follow(r, s, job, changed)
}

// follow sends what is new until the job is done or the reader is gone. Errors
// end the stream; the client resumes.
func (a *API) follow(r *http.Request, s *streamer, job event.Job, changed <-chan struct{}) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	again := time.NewTicker(recheck)
	defer again.Stop()

	over, err := s.show(r.Context(), job)
	for err == nil && !over {
		select {
		case <-r.Context().Done():
			return
		case <-a.drain:
			return
		case <-beat.C:
			err = s.comment()
			continue
		case <-changed:
			var more bool
			if more, err = s.more(r.Context(), job.ID); more || err != nil {
				again.Reset(recheckLive)
				continue
			}
		case <-again.C:
		}
		again.Reset(recheck)
		over, err = s.look(r.Context(), job.ID)
	}
	if err != nil && r.Context().Err() == nil {
		a.log.Debug("stream ended", "job_id", job.ID, "error", err)
	}
}
