package web

import "net/http"

// LoginForm answers GET /login.
func (w *Web) LoginForm(rw http.ResponseWriter, r *http.Request) {
	if !w.sessions.needed() || w.sessions.holds(r, w.now()) {
		http.Redirect(rw, r, "/", http.StatusSeeOther)
		return
	}
	w.show(rw, http.StatusOK, "login", frame{Title: "Log in", Page: ""})
}

// Login answers POST /login: an API key in the form field "key" opens a session
// of twelve hours.
func (w *Web) Login(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 4<<10)
	key := r.PostFormValue("key")
	if !w.sessions.needed() || !w.api.KnowsKey(key) {
		w.log.Warn("login refused")
		w.show(rw, http.StatusUnauthorized, "login", frame{Title: "Log in", Page: "That is not one of the keys in admin.keys."})
		return
	}
	http.SetCookie(rw, w.sessions.open(r, key, w.now()))
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// Logout answers POST /logout.
func (w *Web) Logout(rw http.ResponseWriter, r *http.Request) {
	http.SetCookie(rw, w.sessions.end(r))
	http.Redirect(rw, r, "/login", http.StatusSeeOther)
}
