package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A RawEventView is the event of a job as its sender sent it, without the
// headers that carry credentials. Body is base64 in JSON, and so is Payload: the
// JSON that the sender wrapped in a form, null where the body is the document.
type RawEventView struct {
	EventView
	Hook        string            `json:"hook"`
	Time        *time.Time        `json:"time,omitempty"`
	Method      string            `json:"method"`
	Query       string            `json:"query,omitempty"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers"`
	Payload     []byte            `json:"payload"`
	Body        []byte            `json:"body"`
}

// Event returns the event that v shows.
func (v RawEventView) Event() event.Event {
	e := event.Event{
		ID: v.ID, Hook: v.Hook, Source: v.Source, Type: v.Type, DeliveryID: v.DeliveryID, Subject: v.Subject,
		Method: v.Method, Query: v.Query, ContentType: v.ContentType, Header: v.Headers,
		Body: v.Body, Payload: v.Payload, Duplicates: v.Duplicates,
	}
	if v.Time != nil {
		e.Time = *v.Time
	}
	if v.ReceivedAt != nil {
		e.ReceivedAt = *v.ReceivedAt
	}
	return e
}

// Event answers GET /v1/jobs/{id}/event: the job's event, bytes and all, for
// operators: what a sender wrote may be secret.
func (a *API) Event(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := bare(r, id); err != nil {
		a.refuse(w, err)
		return
	}
	j, err := a.reader.Job(r.Context(), id)
	if err != nil {
		a.refuse(w, jobError(id, err))
		return
	}
	if j.Event == nil || j.Event.Body == nil {
		a.refuse(w, notFound("the event of job "+strconv.Quote(id)+" has been forgotten", "retention.events says how long bodies are kept"))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, newRawEvent(j))
}

func newRawEvent(j event.Job) RawEventView {
	e := *j.Event
	return RawEventView{
		EventView: newEventView(j), Hook: e.Hook, Time: at(e.Time),
		Method: e.Method, Query: e.Query, ContentType: e.ContentType, Headers: e.Header,
		Payload: e.Payload, Body: e.Body,
	}
}
