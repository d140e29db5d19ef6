package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/forebayhq/forebay/event"
)

// A problem is a request that cannot be answered as it wishes:
//
//	{"error":{"code":"not_found","message":"...","hint":"..."}}
type problem struct {
	status int
	body   event.Failure
	header map[string]string
}

// Error returns the code and the message.
func (p *problem) Error() string { return p.body.Code + ": " + p.body.Message }

func notFound(message, hint string) *problem {
	return &problem{status: http.StatusNotFound, body: event.Failure{Code: "not_found", Message: message, Hint: hint}}
}

func badRequest(code, message, hint string) *problem {
	return &problem{status: http.StatusBadRequest, body: event.Failure{Code: code, Message: message, Hint: hint}}
}

func conflict(code, message, hint string) *problem {
	return &problem{status: http.StatusConflict, body: event.Failure{Code: code, Message: message, Hint: hint}}
}

// busy tells the client to come back: the fault is ours, so it is a 503.
func busy(code, message string) *problem {
	return &problem{
		status: http.StatusServiceUnavailable,
		body:   event.Failure{Code: code, Message: message, Hint: "try again after the time in Retry-After"},
		header: map[string]string{"Retry-After": "5"},
	}
}

// refuse answers err in the one shape that all errors have. What is not a
// problem and not an error that callers of a ledger know is a fault of ours: it
// is logged, and its text stays inside.
func (a *API) refuse(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = a.problemOf(err)
	}
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	writeJSON(w, p.status, map[string]event.Failure{"error": p.body})
}

func (a *API) problemOf(err error) *problem {
	switch {
	case errors.Is(err, event.ErrNotFound):
		return notFound("there is no such thing", "it may have been purged: see retention in the configuration")
	case errors.Is(err, event.ErrState):
		return conflict("wrong_state", "that is not possible in the job's state", "look at the job's state first")
	case errors.Is(err, event.ErrClosed):
		return busy("stopping", "the server is stopping")
	case errors.Is(err, event.ErrFull):
		return busy("store_full", "the store takes nothing new for now")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return busy("interrupted", "the request was given up before the store answered")
	default:
		a.log.Error("request failed", "error", err)
		return &problem{status: http.StatusInternalServerError, body: event.Failure{
			Code: "internal", Message: "the server could not read or write its store", Hint: "its log has the cause"}}
	}
}

// JSONErrors gives the answers that an http.ServeMux makes by itself, 404 for
// an unknown path and 405 with Allow for a wrong method, the shape that all
// errors have.
func (a *API) JSONErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &headerOnly{header: http.Header{}}
		mux.ServeHTTP(probe, r)
		if probe.status != http.StatusMethodNotAllowed {
			a.refuse(w, notFound("there is no such page", "see /openapi.json on the admin listener"))
			return
		}
		allow := probe.header.Get("Allow")
		a.refuse(w, &problem{
			status: http.StatusMethodNotAllowed,
			body:   event.Failure{Code: "method_not_allowed", Message: r.Method + " is not possible here", Hint: "use " + allow},
			header: map[string]string{"Allow": allow},
		})
	})
}

// headerOnly is a response whose body nobody wants.
type headerOnly struct {
	header http.Header
	status int
}

func (h *headerOnly) Header() http.Header         { return h.header }
func (h *headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (h *headerOnly) WriteHeader(status int)      { h.status = status }
