// Package web is the status page: lanes and their pauses, what waits and why,
// the newest jobs, what today cost, and one job whole.
//
// It must never change anything, run a script that is not its own, or take a
// word of a sender or of the model for markup: all of it is text. It sees the
// ledger through the API alone.
package web

import (
	"bytes"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/api"
)

// Options configure a Web.
type Options struct {
	Reader api.Reader // required
	API    *api.API   // required: lanes, costs and access
	// Keys are the API keys; one of them opens a session. Without any, the page
	// answers to requests for a loopback host alone.
	Keys []string
	// Log gets faults of ours. Default: none.
	Log *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Web answers the pages of the admin listener. Its methods of the form
// func(http.ResponseWriter, *http.Request) are the handlers of one URL each.
type Web struct {
	reader   api.Reader
	api      *api.API
	sessions sessions
	log      *slog.Logger
	now      func() time.Time

	pages map[string]*template.Template
}

// New checks the options and parses the pages. It starts nothing.
func New(o Options) (*Web, error) {
	if o.Reader == nil || o.API == nil {
		return nil, errors.New("web: Reader and API are required")
	}
	w := &Web{reader: o.Reader, api: o.API, sessions: newSessions(o.Keys), log: o.Log, now: o.Now}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.now == nil {
		w.now = time.Now
	}
	var err error
	w.pages, err = parsePages()
	return w, err
}

// policy lets the pages load this server's own style and script, and nothing
// else from anywhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Guard wraps all pages. With keys a session is needed, and whoever has none is
// sent to the login. Without, the request must name a loopback host.
func (w *Web) Guard(next http.HandlerFunc) http.Handler {
	if !w.sessions.needed() {
		return protect(w.api.RequireLoopback(next))
	}
	return protect(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.sessions.holds(r, w.now()) {
			http.Redirect(rw, r, "/login", http.StatusSeeOther)
			return
		}
		next(rw, r)
	}))
}

// Open wraps the pages that need no session: the login and the static files.
func (w *Web) Open(next http.HandlerFunc) http.Handler {
	if !w.sessions.needed() {
		return protect(w.api.RequireLoopback(next))
	}
	return protect(next)
}

// protect sets the headers of all pages and refuses forms of other sites.
func protect(next http.Handler) http.Handler {
	next = api.SameOrigin(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// A frame is what all pages have.
type frame struct {
	Title    string
	Now      time.Time
	LoggedIn bool // there is a session to end
	Open     bool // nobody has to log in
	Refresh  bool
	Page     any
}

// show renders a page. It is rendered whole before anything is sent, so that a
// mistake is an error page and not half a page.
func (w *Web) show(rw http.ResponseWriter, status int, name string, f frame) {
	f.Now = w.now().UTC()
	f.Open = !w.sessions.needed()
	f.LoggedIn = !f.Open && name != "login"
	var b bytes.Buffer
	if err := w.pages[name].ExecuteTemplate(&b, "frame", f); err != nil {
		w.log.Error("page failed", "page", name, "error", err)
		http.Error(rw, "the page could not be made; the server's log has the cause", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = b.WriteTo(rw) // the browser may have gone; nothing depends on it
}

// fail shows why there is no page.
func (w *Web) fail(rw http.ResponseWriter, err error) {
	status, message := http.StatusInternalServerError, "The store could not be read. The server's log has the cause."
	switch {
	case errors.Is(err, event.ErrNotFound):
		status, message = http.StatusNotFound, "There is no such job. Old ones are purged as retention says."
	case errors.Is(err, event.ErrCursor):
		status, message = http.StatusBadRequest, "That is not a page of the list."
	default:
		w.log.Error("page failed", "error", err)
	}
	w.show(rw, status, "failure", frame{Title: http.StatusText(status), Page: message})
}
