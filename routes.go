package forebay

import (
	"errors"
	"io"
	"net/http"
	"runtime/debug"
)

// publicRoutes are the URLs of the public listener.
func (s *Server) publicRoutes() http.Handler {
	mux := http.NewServeMux()
	if s.opts.Role != RoleWork {
		mux.Handle("/hooks/{hook}", s.receiver)
	}
	mux.Handle("GET /v1/jobs/{id}", s.api.Public(s.api.Job))
	mux.Handle("GET /v1/jobs/{id}/stream", s.api.Public(s.api.Stream))
	mux.Handle("GET /healthz", s.api.Open(s.api.Health))
	mux.Handle("GET /readyz", s.api.Open(s.api.Ready))
	return s.recovered(s.api.JSONErrors(mux))
}

// adminRoutes are the URLs of the admin listener.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/jobs", s.api.Operator(s.api.Jobs))
	mux.Handle("GET /v1/jobs/{id}", s.api.Operator(s.api.Job))
	mux.Handle("GET /v1/jobs/{id}/stream", s.api.Operator(s.api.Stream))
	mux.Handle("GET /v1/jobs/{id}/event", s.api.Operator(s.api.Event))
	mux.Handle("POST /v1/jobs/{id}/redeliver", s.api.Operator(s.api.Redeliver))
	mux.Handle("POST /v1/jobs/{id}/rerun", s.api.Operator(s.api.Rerun))
	mux.Handle("POST /v1/jobs/{id}/cancel", s.api.Operator(s.api.Cancel))
	mux.Handle("GET /v1/events", s.api.Operator(s.api.Events))
	mux.Handle("GET /v1/lanes", s.api.Operator(s.api.Lanes))
	mux.Handle("POST /v1/lanes/{lane}/pause", s.api.Operator(s.api.PauseLane))
	mux.Handle("POST /v1/lanes/{lane}/resume", s.api.Operator(s.api.ResumeLane))
	mux.Handle("GET /v1/costs", s.api.Operator(s.api.Costs))
	mux.Handle("GET /metrics", s.api.Operator(s.api.Metrics))
	mux.Handle("GET /healthz", s.api.Open(s.api.Health))
	mux.Handle("GET /readyz", s.api.Operator(s.api.ReadyDetail))
	mux.Handle("GET /openapi.json", s.api.Open(s.api.OpenAPI))

	mux.Handle("GET /{$}", s.web.Guard(s.web.Status))
	mux.Handle("GET /jobs/{id}", s.web.Guard(s.web.Job))
	mux.Handle("GET /login", s.web.Open(s.web.LoginForm))
	mux.Handle("POST /login", s.web.Open(s.web.Login))
	mux.Handle("POST /logout", s.web.Open(s.web.Logout))
	mux.Handle("GET /static/{file}", s.web.Open(s.web.Static))
	return s.recovered(s.api.JSONErrors(mux))
}

// recovered answers 500 for a handler that panicked; the stack goes to the log.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way of giving up on a client
			}
			s.log.Error("handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"error":{"code":"internal","message":"the request failed in an unforeseen way","hint":"the server's log has the cause"}}`+"\n")
		}()
		next.ServeHTTP(w, r)
	})
}
