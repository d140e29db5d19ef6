package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Repo reaches one repository and no other: its requests are held to the
// repository's own paths where the credential is attached.
type Repo struct {
	client *Client
	http   *http.Client
	owner  string
	name   string
	path   string // "/repos/OWNER/NAME"
}

var repoPart = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// ValidRepo reports whether owner and name can name a repository.
func ValidRepo(owner, name string) bool {
	return repoPart.MatchString(owner) && repoPart.MatchString(name) && strings.Trim(owner, ".") != "" && strings.Trim(name, ".") != ""
}

// Repo returns the repository owner/name. It calls nobody; the error says that
// these are no names.
func (c *Client) Repo(owner, name string) (*Repo, error) {
	if !ValidRepo(owner, name) {
		return nil, &Error{Code: "github_request", Message: "owner and name are not those of a repository", Permanent: true}
	}
	r := &Repo{client: c, owner: owner, name: name, path: "/repos/" + owner + "/" + name}
	at := c.base + r.path
	client, err := c.client(r.credential,
		"GET "+at+"/pulls/{number}/files?per_page&page",
		"GET "+at+"/contents/{path...}?ref",
		"GET "+at+"/issues/{number}/comments?per_page&page",
		"POST "+at+"/issues/{number}/comments",
		"GET "+at+"/issues/comments/{id}",
		"PATCH "+at+"/issues/comments/{id}",
	)
	if err != nil {
		return nil, err
	}
	r.http = client
	return r, nil
}

// credential is the token, or the App's token for this repository alone.
func (r *Repo) credential(ctx context.Context, req *http.Request) (name, value string, err error) {
	if r.client.app == nil {
		return r.client.bearer(ctx, req)
	}
	token, err := r.client.app.token(ctx, r.owner, r.name)
	if err != nil {
		return "", "", err
	}
	return "Authorization", "Bearer " + token, nil
}

// do carries out a call about the repository.
func (r *Repo) do(ctx context.Context, k call) (answer, error) {
	k.path = r.path + k.path
	k.key = r.account()
	a, err := r.client.do(ctx, r.http, k)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized && r.client.app != nil {
		r.client.app.forget(r.owner, r.name) // revoked before its time: the next try makes a new one
	}
	return a, err
}

// account names what GitHub's limits count: the token's user, or the App's
// installation, of which an owner has one.
func (r *Repo) account() string {
	if r.client.app == nil {
		return ""
	}
	return strings.ToLower(r.owner)
}

// Ready reports whether GitHub's rate limits leave room for a comment now; the
// error's RetryAfter says when to come back. It calls nobody.
func (r *Repo) Ready() error {
	if wait := r.client.pace.peek(r.account(), time.Now()); wait > 0 {
		return waiting(wait)
	}
	return nil
}

// A File is one changed file of a pull request.
type File struct {
	Name         string `json:"filename"`
	Status       string `json:"status"` // added, removed, modified, renamed, copied, changed, unchanged
	Additions    int    `json:"additions"`
	Deletions    int    `json:"deletions"`
	Changes      int    `json:"changes"`
	Patch        string `json:"patch"` // empty: binary, or too large for GitHub to show
	PreviousName string `json:"previous_filename"`
	SHA          string `json:"sha"`
}

// PullFiles returns one page, from 1, of up to 100 changed files, and whether
// there are more. GitHub gives at most 3,000 files.
// https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
func (r *Repo) PullFiles(ctx context.Context, number, page int) (files []File, more bool, err error) {
	a, err := r.do(ctx, call{
		method: http.MethodGet,
		path:   fmt.Sprintf("/pulls/%d/files", number),
		query:  pageQuery(page),
		into:   &files,
	})
	return files, a.more, err
}

// Content returns the bytes of a file at a commit or branch (ref; empty: the
// default branch). The path may have letters, digits, and "._-/" only.
// https://docs.github.com/en/rest/repos/contents#get-repository-content
func (r *Repo) Content(ctx context.Context, path, ref string) ([]byte, error) {
	k := call{method: http.MethodGet, path: "/contents/" + path, accept: "application/vnd.github.raw+json"}
	if ref != "" {
		k.query = url.Values{"ref": {ref}}
	}
	var raw []byte
	k.into = &raw
	_, err := r.do(ctx, k)
	return raw, err
}

// A Comment is one on an issue or a pull request.
type Comment struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	URL       string    `json:"html_url"` // where people read it
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	User      User      `json:"user"`
	App       *AppRef   `json:"performed_via_github_app"`
}

// A User wrote something.
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
}

// An AppRef is the App through which something was written.
type AppRef struct {
	ID int64 `json:"id"`
}

// Comments returns one page, from 1, of up to 100 comments in the order of
// their making, and whether there are more.
// https://docs.github.com/en/rest/issues/comments#list-issue-comments
func (r *Repo) Comments(ctx context.Context, number, page int) (comments []Comment, more bool, err error) {
	a, err := r.do(ctx, call{
		method: http.MethodGet,
		path:   fmt.Sprintf("/issues/%d/comments", number),
		query:  pageQuery(page),
		into:   &comments,
	})
	return comments, a.more, err
}

// Comment returns one comment by its id.
func (r *Repo) Comment(ctx context.Context, id int64) (Comment, error) {
	var c Comment
	_, err := r.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("/issues/comments/%d", id), into: &c})
	return c, err
}

// CreateComment posts a comment. After an error without a Status it may exist
// all the same.
func (r *Repo) CreateComment(ctx context.Context, number int, body string) (Comment, error) {
	return r.writeComment(ctx, call{method: http.MethodPost, path: fmt.Sprintf("/issues/%d/comments", number)}, body)
}

// UpdateComment replaces the text of a comment.
func (r *Repo) UpdateComment(ctx context.Context, id int64, body string) (Comment, error) {
	return r.writeComment(ctx, call{method: http.MethodPatch, path: fmt.Sprintf("/issues/comments/%d", id)}, body)
}

func (r *Repo) writeComment(ctx context.Context, k call, body string) (Comment, error) {
	var c Comment
	k.send, k.into, k.paced = map[string]string{"body": body}, &c, true
	if _, err := r.do(ctx, k); err != nil {
		return Comment{}, err
	}
	if c.ID == 0 {
		return Comment{}, &Error{Code: "github_bad_answer", Message: "GitHub's answer does not name the comment"}
	}
	return c, nil
}

func pageQuery(page int) url.Values {
	return url.Values{"per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
}
