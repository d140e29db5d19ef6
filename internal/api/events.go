package api

import (
	"net/http"
	"time"

	"github.com/forebayhq/forebay/event"
)

// A VerdictView is what the receiver decided about one request. Refused ones
// are sampled and capped: the list is for people who look for a mistake, not a
// count (metrics count).
type VerdictView struct {
	At         time.Time `json:"at"`
	Hook       string    `json:"hook"`
	Outcome    string    `json:"outcome"` // accepted, duplicate, requeued, ignored, handshake, refused
	Code       string    `json:"code,omitempty"`
	Source     string    `json:"source,omitempty"`
	Type       string    `json:"type,omitempty"`
	DeliveryID string    `json:"delivery_id,omitempty"`
	Event      string    `json:"event,omitempty"`
	Job        string    `json:"job,omitempty"`
	Bytes      int64     `json:"bytes"`
}

// Events answers GET /v1/events?limit= with {"events":[...]}, newest first.
// limit is 1 to 500, by default 100.
func (a *API) Events(w http.ResponseWriter, r *http.Request) {
	values, err := query(r, "limit")
	if err != nil {
		a.refuse(w, err)
		return
	}
	limit, err := limitOf(values, 100, 500)
	if err != nil {
		a.refuse(w, err)
		return
	}
	verdicts, err := a.reader.Verdicts(r.Context(), limit)
	if err != nil {
		a.refuse(w, err)
		return
	}
	views := make([]VerdictView, 0, len(verdicts))
	for _, v := range verdicts {
		views = append(views, newVerdictView(v))
	}
	writeJSON(w, http.StatusOK, map[string][]VerdictView{"events": views})
}

func newVerdictView(v event.Verdict) VerdictView {
	return VerdictView{
		At: v.At.UTC(), Hook: v.Hook, Outcome: v.Outcome, Code: v.Code, Source: v.Source, Type: v.Type,
		DeliveryID: v.DeliveryID, Event: v.EventID, Job: v.JobID, Bytes: v.Bytes,
	}
}
