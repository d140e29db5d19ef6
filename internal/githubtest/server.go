// Package githubtest is the part of GitHub's REST API that Forebay uses, as an
// http.Handler that behaves like the original at the wire: tokens, App
// installations, pages, authors, webhooks and their deliveries, limits, and
// failures by script. Tests, the
// torture runs and the demo serve it.
//
// It must never be served to anybody else: it checks tokens only if told to and
// keeps everything in memory.
package githubtest

import (
	"crypto/rsa"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Server is a fake GitHub. The zero value is ready: it takes any token, which
// is then the user forebay-bot, and knows no repository. It is safe for
// concurrent use; set the fields before the first request.
type Server struct {
	// Tokens says who a bearer token is. Empty: every token is DefaultUser.
	Tokens map[string]User
	// App, if set, answers the endpoints of GitHub Apps.
	App *App
	// HTML is the origin of the addresses that people open; default
	// "https://github.com". The server shows a plain page of the conversation
	// at these paths, so it may be the server's own origin.
	HTML string
	// Client sends webhooks; nil: nobody can be reached.
	Client *http.Client

	mu       sync.Mutex // guards everything below
	router   *http.ServeMux
	repos    map[string]*repository // by lower-case owner/name
	comments map[int64]*comment
	lastID   int64
	minted   map[string]installation // installation tokens
	faults   []*Fault
	requests []Request
	webhooks map[int64]*Webhook
	attempts []*Attempt // oldest first
	sending  sync.WaitGroup
}

// DefaultUser is who every token is when Server.Tokens is empty.
func DefaultUser() User { return User{ID: 41898282, Login: "forebay-bot"} }

// A User is an account.
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
}

// An App is a GitHub App.
type App struct {
	ID    int64
	Slug  string
	Key   *rsa.PublicKey // verifies the App's JWT; nil: any JWT will do
	Repos []string       // "owner/name", where it is installed
}

// A File is one changed file of a pull request, as the API spells it.
type File struct {
	SHA          string `json:"sha"`
	Name         string `json:"filename"`
	Status       string `json:"status"`
	Additions    int    `json:"additions"`
	Deletions    int    `json:"deletions"`
	Changes      int    `json:"changes"`
	Patch        string `json:"patch,omitempty"`
	PreviousName string `json:"previous_filename,omitempty"`
}

// A Comment is what the server holds about one.
type Comment struct {
	ID        int64
	Repo      string // "owner/name"
	Number    int
	Body      string
	User      User
	AppID     int64 // the App that wrote it; 0: a user
	URL       string
	CreatedAt time.Time
	UpdatedAt time.Time
	Edits     int // how often it was changed
}

// A Request is one that the server got.
type Request struct {
	Method string
	Path   string
	Query  string
	Header http.Header
	Body   string
}

// keepRequests bounds the record: the oldest are forgotten.
const keepRequests = 10_000

type repository struct {
	name   string            // as it was added
	issues map[int][]int64   // ids of the comments, by number
	pulls  map[int][]File    // changed files, by number
	files  map[string][]byte // contents of the default branch
}

type comment struct{ Comment }

type installation struct {
	repo    string
	expires time.Time
}

// AddPull makes a pull request with changed files, and the repository if need be.
func (s *Server) AddPull(repo string, number int, files ...File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	r.pulls[number] = files
	if _, ok := r.issues[number]; !ok {
		r.issues[number] = nil
	}
}

// AddIssue makes an issue, and the repository if need be.
func (s *Server) AddIssue(repo string, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	if _, ok := r.issues[number]; !ok {
		r.issues[number] = nil
	}
}

// SetContent puts a file on every branch of a repository.
func (s *Server) SetContent(repo, path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(repo).files[path] = data
}

// AddComment posts a comment as a user.
func (s *Server) AddComment(repo string, number int, by User, body string) Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(repo)
	return s.post(repo, number, author{user: by}, body).Comment
}

// DeleteComment removes a comment, as a person would.
func (s *Server) DeleteComment(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
}

// Comments returns the comments on an issue or pull request, oldest first.
func (s *Server) Comments(repo string, number int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Comment
	if r := s.repos[strings.ToLower(repo)]; r != nil {
		for _, id := range r.issues[number] {
			out = append(out, s.comments[id].Comment)
		}
	}
	return out
}

// AllComments returns every comment, oldest first.
func (s *Server) AllComments() []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Comment
	for _, id := range slices.Sorted(maps.Keys(s.comments)) {
		out = append(out, s.comments[id].Comment)
	}
	return out
}

// Requests returns what the server was asked, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// repo returns a repository, made if need be. The caller holds mu.
func (s *Server) repo(name string) *repository {
	if s.repos == nil {
		s.repos = map[string]*repository{}
	}
	key := strings.ToLower(name)
	if s.repos[key] == nil {
		s.repos[key] = &repository{name: name, issues: map[int][]int64{}, pulls: map[int][]File{}, files: map[string][]byte{}}
	}
	return s.repos[key]
}

type author struct {
	user  User
	appID int64
}

// post adds a comment. The caller holds mu.
func (s *Server) post(repo string, number int, by author, body string) *comment {
	if s.comments == nil {
		s.comments, s.lastID = map[int64]*comment{}, 2_000_000_000 // ids of today do not fit into 31 bits
	}
	s.lastID++
	r, now := s.repo(repo), time.Now().UTC().Truncate(time.Second)
	kind := "issues"
	if _, ok := r.pulls[number]; ok {
		kind = "pull"
	}
	c := &comment{Comment{
		ID: s.lastID, Repo: r.name, Number: number, Body: body, User: by.user, AppID: by.appID, CreatedAt: now, UpdatedAt: now,
		URL: fmt.Sprintf("%s/%s/%s/%d#issuecomment-%d", s.html(), r.name, kind, number, s.lastID),
	}}
	s.comments[c.ID] = c
	r.issues[number] = append(r.issues[number], c.ID)
	return c
}

// remove drops a comment. The caller holds mu.
func (s *Server) remove(id int64) {
	c := s.comments[id]
	if c == nil {
		return
	}
	r := s.repo(c.Repo)
	r.issues[c.Number] = slices.DeleteFunc(r.issues[c.Number], func(x int64) bool { return x == id })
	delete(s.comments, id)
}

func (s *Server) html() string {
	if s.HTML == "" {
		return "https://github.com"
	}
	return strings.TrimRight(s.HTML, "/")
}
