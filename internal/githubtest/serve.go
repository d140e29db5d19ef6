package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxComment = 65536 // characters
	maxFiles   = 3000
	maxRequest = 1 << 20
)

// ServeHTTP answers as the API does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		problem(w, http.StatusRequestEntityTooLarge, "request too large")
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	router, fault := s.receive(r, body)
	switch {
	case fault == nil:
		router.ServeHTTP(w, r)
	case fault.AfterEffect:
		router.ServeHTTP(discard{http.Header{}}, r) // the work is done, the answer lost
		fault.answer(w)
	default:
		fault.answer(w)
	}
}

// receive records a request and says who answers it.
func (s *Server) receive(r *http.Request, body []byte) (http.Handler, *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(r, body)
	if s.router == nil {
		s.router = s.routes()
	}
	return s.router, s.strike(r)
}

// discard takes an answer that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// record remembers a request. The caller holds mu.
func (s *Server) record(r *http.Request, body []byte) {
	if len(s.requests) >= keepRequests {
		s.requests = s.requests[keepRequests/10:]
	}
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body),
	})
}

func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /user", s.as(s.user))
	m.HandleFunc("GET /repos/{owner}/{name}/pulls/{number}/files", s.in(s.pullFiles))
	m.HandleFunc("GET /repos/{owner}/{name}/contents/{path...}", s.in(s.content))
	m.HandleFunc("/repos/{owner}/{name}/issues/{number}/{id}", s.in(s.conversation))
	m.HandleFunc("GET /app", s.asApp(s.app))
	m.HandleFunc("GET /repos/{owner}/{name}/installation", s.asApp(s.installation))
	m.HandleFunc("POST /app/installations/{id}/access_tokens", s.asApp(s.accessToken))
	s.webhookRoutes(m)
	m.HandleFunc("/", s.page)
	return m
}

// as answers for a known token. The handler holds mu.
func (s *Server) as(h func(http.ResponseWriter, *http.Request, author)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		by, ok := s.author(r)
		if !ok {
			problem(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		h(w, r, by)
	}
}

// in answers about a known repository. The handler holds mu.
func (s *Server) in(h func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return s.as(func(w http.ResponseWriter, r *http.Request, by author) {
		full := r.PathValue("owner") + "/" + r.PathValue("name")
		repo := s.repos[strings.ToLower(full)]
		if repo == nil || !s.covers(r, full) {
			problem(w, http.StatusNotFound, "Not Found")
			return
		}
		number, _ := strconv.Atoi(r.PathValue("number")) // 0 is no number either
		h(w, r, visit{repo: repo, number: number, by: by})
	})
}

// A visit is a request about a repository.
type visit struct {
	repo   *repository
	number int
	by     author
}

func (s *Server) author(r *http.Request) (author, bool) {
	token := bearer(r)
	if in, ok := s.minted[token]; ok {
		if !time.Now().Before(in.expires) {
			return author{}, false
		}
		return author{user: User{ID: 900_000 + s.App.ID, Login: s.App.Slug + "[bot]"}, appID: s.App.ID}, true
	}
	if len(s.Tokens) == 0 && s.App == nil {
		return author{user: DefaultUser()}, token != "" || r.Method == http.MethodGet
	}
	user, ok := s.Tokens[token]
	return author{user: user}, ok
}

// covers reports whether the token reaches the repository.
func (s *Server) covers(r *http.Request, repo string) bool {
	in, ok := s.minted[bearer(r)]
	return !ok || strings.EqualFold(in.repo, repo)
}

func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

func (s *Server) user(w http.ResponseWriter, _ *http.Request, by author) {
	reply(w, http.StatusOK, by.user)
}

func (s *Server) pullFiles(w http.ResponseWriter, r *http.Request, v visit) {
	files, ok := v.repo.pulls[v.number]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	from, to := page(w, r, min(len(files), maxFiles))
	reply(w, http.StatusOK, append([]File{}, files[from:to]...))
}

func (s *Server) content(w http.ResponseWriter, r *http.Request, v visit) {
	data, ok := v.repo.files[r.PathValue("path")]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	w.Header().Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
	_, _ = w.Write(data) // a client that left is its own affair
}

// conversation answers at issues/NUMBER/comments and at issues/comments/ID,
// which a ServeMux cannot tell apart.
func (s *Server) conversation(w http.ResponseWriter, r *http.Request, v visit) {
	about := ""
	switch {
	case r.PathValue("number") == "comments":
		about = " one"
	case r.PathValue("id") != "comments":
		about = " nothing"
	}
	switch r.Method + about {
	case "GET":
		s.listComments(w, r, v)
	case "POST":
		s.createComment(w, r, v)
	case "GET one":
		s.getComment(w, r, v)
	case "PATCH one":
		s.updateComment(w, r, v)
	case "DELETE one":
		s.deleteComment(w, r, v)
	default:
		problem(w, http.StatusNotFound, "Not Found")
	}
}

func (s *Server) listComments(w http.ResponseWriter, r *http.Request, v visit) {
	ids, ok := v.repo.issues[v.number]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	from, to := page(w, r, len(ids))
	out := []map[string]any{}
	for _, id := range ids[from:to] {
		out = append(out, s.comments[id].document())
	}
	reply(w, http.StatusOK, out)
}

func (s *Server) createComment(w http.ResponseWriter, r *http.Request, v visit) {
	body, ok := commentBody(w, r)
	if !ok {
		return
	}
	if _, ok := v.repo.issues[v.number]; !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	reply(w, http.StatusCreated, s.post(v.repo.name, v.number, v.by, body).document())
}

func (s *Server) getComment(w http.ResponseWriter, r *http.Request, v visit) {
	if c, ok := s.find(w, r, v); ok {
		reply(w, http.StatusOK, c.document())
	}
}

func (s *Server) updateComment(w http.ResponseWriter, r *http.Request, v visit) {
	c, ok := s.find(w, r, v)
	if !ok {
		return
	}
	if c.User != v.by.user {
		problem(w, http.StatusForbidden, "Must have admin rights to Repository.")
		return
	}
	body, ok := commentBody(w, r)
	if !ok {
		return
	}
	c.Body, c.UpdatedAt = body, time.Now().UTC().Truncate(time.Second)
	c.Edits++
	reply(w, http.StatusOK, c.document())
}

func (s *Server) deleteComment(w http.ResponseWriter, r *http.Request, v visit) {
	if c, ok := s.find(w, r, v); ok {
		s.remove(c.ID)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) find(w http.ResponseWriter, r *http.Request, v visit) (*comment, bool) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64) // 0 is no comment either
	c := s.comments[id]
	if c == nil || !strings.EqualFold(c.Repo, v.repo.name) {
		problem(w, http.StatusNotFound, "Not Found")
		return nil, false
	}
	return c, true
}

// page shows the conversation at /OWNER/NAME/pull/NUMBER to a person.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	if r.Method != http.MethodGet || len(parts) != 5 || (parts[3] != "pull" && parts[3] != "issues") {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	number, _ := strconv.Atoi(parts[4]) // 0 is no number either
	name := parts[1] + "/" + parts[2]
	fmt.Fprintf(w, "%s#%d (simulated GitHub)\n", name, number)
	for _, c := range s.Comments(name, number) {
		fmt.Fprintf(w, "\n--- %s, %s, comment %d\n\n%s\n", c.User.Login, c.UpdatedAt.Format(time.RFC3339), c.ID, c.Body)
	}
}

// document is a comment as the API spells it.
func (c *comment) document() map[string]any {
	doc := map[string]any{
		"id": c.ID, "body": c.Body, "html_url": c.URL, "user": c.User,
		"created_at": c.CreatedAt, "updated_at": c.UpdatedAt, "performed_via_github_app": nil,
	}
	if c.AppID != 0 {
		doc["performed_via_github_app"] = map[string]int64{"id": c.AppID}
	}
	return doc
}

func commentBody(w http.ResponseWriter, r *http.Request) (string, bool) {
	var doc struct {
		Body string `json:"body"`
	}
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
		problem(w, http.StatusBadRequest, "Problems parsing JSON")
		return "", false
	}
	if n := len([]rune(doc.Body)); n == 0 || n > maxComment {
		problem(w, http.StatusUnprocessableEntity, "Body is too long (maximum is 65536 characters), or blank")
		return "", false
	}
	return doc.Body, true
}

// page returns the bounds of the page that was asked for, and says in Link
// whether there is another.
func page(w http.ResponseWriter, r *http.Request, n int) (from, to int) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	from = min((number-1)*size, n)
	to = min(from+size, n)
	if to < n {
		w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com%s?page=%d&per_page=%d>; rel="next"`, r.URL.Path, number+1, size))
	}
	return from, to
}

func reply(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // a client that left is its own affair
}

func problem(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
}
