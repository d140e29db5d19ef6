package api

import (
	"errors"
	"net/http"

	"github.com/forebayhq/forebay/event"
)

// A VerbView is what redeliver, rerun and cancel answer. Billed says whether
// the verb calls Claude again.
type VerbView struct {
	Status     string `json:"status"` // queued, cancelled
	Job        string `json:"job"`    // of a rerun: the new one
	RerunOf    string `json:"rerun_of,omitempty"`
	Deliveries *int   `json:"deliveries,omitempty"` // of a redelivery: how many go out again
	Billed     bool   `json:"billed"`
	StatusURL  string `json:"status_url"`
}

// Redeliver answers POST /v1/jobs/{id}/redeliver: the deliveries of a succeeded
// job go out again, 202. It is free.
func (a *API) Redeliver(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := bare(r, id); err != nil {
		a.refuse(w, err)
		return
	}
	n, err := a.admin.Redeliver(r.Context(), id, a.now().UTC())
	if err != nil {
		a.refuse(w, stateError(id, err, "only a succeeded job has a result to deliver", "rerun calls Claude again, and is billed"))
		return
	}
	a.log.Info("redelivering", "job_id", id, "deliveries", n)
	writeJSON(w, http.StatusAccepted, VerbView{Status: "queued", Job: id, Deliveries: &n, StatusURL: statusURL(id)})
}

// Cancel answers POST /v1/jobs/{id}/cancel: a job that is not over ends, 200.
func (a *API) Cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := bare(r, id); err != nil {
		a.refuse(w, err)
		return
	}
	if err := a.admin.Cancel(r.Context(), id, a.now().UTC()); err != nil {
		a.refuse(w, stateError(id, err, "the job is over already", "look at its state"))
		return
	}
	a.log.Info("cancelled", "job_id", id)
	writeJSON(w, http.StatusOK, VerbView{Status: "cancelled", Job: id, StatusURL: statusURL(id)})
}

// Rerun answers POST /v1/jobs/{id}/rerun: a new job for the same event, with
// the hook as it is configured now, 202. It calls Claude again and is billed.
func (a *API) Rerun(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := bare(r, id); err != nil {
		a.refuse(w, err)
		return
	}
	fresh, err := a.rerun(r, id)
	if err != nil {
		a.refuse(w, err)
		return
	}
	a.log.Info("rerunning", "job_id", fresh, "rerun_of", id)
	w.Header().Set("Location", statusURL(fresh))
	writeJSON(w, http.StatusAccepted, VerbView{
		Status: "queued", Job: fresh, RerunOf: id, Billed: true, StatusURL: statusURL(fresh)})
}

func (a *API) rerun(r *http.Request, id string) (fresh string, err error) {
	if a.respec == nil {
		return "", conflict("rerun_unavailable", "this server runs no jobs", "ask one with the role work or all")
	}
	old, err := a.reader.Job(r.Context(), id)
	if err != nil {
		return "", jobError(id, err)
	}
	spec, err := a.respec(old)
	if err != nil {
		return "", conflict("rerun_impossible", err.Error(), "the hook must be configured to run its events again")
	}
	if spec.ID == "" {
		spec.ID = event.NewID(event.PrefixJob, a.now().UTC())
	}
	err = a.admin.Rerun(r.Context(), id, spec, a.now().UTC())
	return spec.ID, stateError(id, err, "the job is not over, or the body of its event has been forgotten",
		"cancel it first; or let the sender send the event again, and see retention.events")
}

// bare wants a possible job id and no query: a verb with a mistyped parameter
// must not run.
func bare(r *http.Request, id string) error {
	if !plausibleID(id) {
		return noJob(id)
	}
	_, err := query(r)
	return err
}

func stateError(id string, err error, message, hint string) error {
	if errors.Is(err, event.ErrState) {
		return conflict("wrong_state", message, hint)
	}
	return jobError(id, err)
}

func statusURL(id string) string { return "/v1/jobs/" + id }
