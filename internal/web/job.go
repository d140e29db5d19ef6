package web

import (
	"net/http"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// Job answers GET /jobs/{id}: one job whole. The event's body and headers are
// not shown.
func (w *Web) Job(rw http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if len(id) > 64 {
		w.fail(rw, event.ErrNotFound)
		return
	}
	job, err := w.reader.Job(r.Context(), id)
	if err != nil {
		w.fail(rw, err)
		return
	}
	w.api.Explain(r.Context(), &job)
	view := api.NewJobView(job)
	w.show(rw, http.StatusOK, "job", frame{Title: view.ID, Refresh: moving(view), Page: view})
}

// moving reports whether anything of the job can change by itself.
func moving(v api.JobView) bool {
	for _, d := range v.Deliveries {
		if d.State == event.DeliveryPending {
			return true
		}
	}
	return !v.State.Terminal()
}
