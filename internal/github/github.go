// Package github is the small part of GitHub's REST API that Forebay uses: the
// files of a pull request, a file's content, comments on issues and pull
// requests, and the deliveries of webhooks.
//
// A credential goes to the configured API alone, and a [Repo] can reach the
// paths of its own repository alone. The package must never follow a URL that
// came over the wire, a payload's or an answer's: every address is built from a
// name and a number. Pages are asked for by number, or by a cursor that is taken
// out of an answer and checked.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
)

const (
	defaultAPI = "https://api.github.com"
	apiVersion = "2022-11-28" // https://docs.github.com/en/rest/about-the-rest-api/api-versions
	timeout    = 30 * time.Second
	maxAnswer  = 32 << 20 // a page of 100 files with their patches
	perPage    = 100      // the most that GitHub gives
)

// Options configure a Client. With neither Token nor App it reads public
// repositories without a credential.
type Options struct {
	// Egress makes the HTTP clients. Required.
	Egress *egress.Egress
	// APIURL is the API's root: "https://api.github.com" (the default), or
	// "https://HOST/api/v3" for an Enterprise server.
	APIURL string
	// Token is a personal access token.
	Token string
	// App authenticates as a GitHub App instead.
	App *App
}

// A Client calls one GitHub with one credential. It is safe for concurrent use.
type Client struct {
	egress *egress.Egress
	origin string // of the API
	base   string // path of the API's root: "" or "/api/v3"
	token  string
	app    *app
	pace   *pace

	mu   sync.Mutex // guards self
	self *Identity
}

// New checks the options. It calls nobody.
func New(o Options) (*Client, error) {
	if o.Egress == nil {
		return nil, errors.New("github: no egress")
	}
	if o.Token != "" && o.App != nil {
		return nil, errors.New("github: both a token and an app are set; keep one")
	}
	origin, base, err := splitAPI(o.APIURL)
	if err != nil {
		return nil, err
	}
	c := &Client{egress: o.Egress, origin: origin, base: base, token: o.Token, pace: newPace()}
	if o.App == nil {
		return c, nil
	}
	if c.app, err = newApp(c, *o.App); err != nil {
		return nil, err
	}
	return c, nil
}

// splitAPI splits the API's root into origin and path.
func splitAPI(root string) (origin, base string, err error) {
	if root == "" {
		root = defaultAPI
	}
	u, err := url.Parse(root)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", errors.New("github: the API's URL is not one: write https://api.github.com or https://HOST/api/v3")
	}
	return u.Scheme + "://" + u.Host, strings.TrimRight(u.EscapedPath(), "/"), nil
}

// An Identity is who the credential is.
type Identity struct {
	UserID int64  // of the token's user; 0 for an App
	Login  string // of the user, or the App's slug
	AppID  int64  // 0 for a token
}

// Wrote reports whether the identity wrote a comment. What the comment itself
// says does not matter: anybody can copy a text.
func (i Identity) Wrote(c Comment) bool {
	switch {
	case i.AppID != 0 && c.App != nil:
		return c.App.ID == i.AppID
	case i.AppID != 0: // GitHub may leave the App out; nobody else's name has brackets
		return i.Login != "" && c.User.Login == i.Login+"[bot]"
	}
	return i.UserID != 0 && c.User.ID == i.UserID
}

// Whoami asks who the credential is, once.
// https://docs.github.com/en/rest/users/users#get-the-authenticated-user,
// https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
func (c *Client) Whoami(ctx context.Context) (Identity, error) {
	c.mu.Lock()
	known := c.self
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	self, err := c.ask(ctx)
	if err != nil {
		return Identity{}, err
	}
	c.mu.Lock()
	c.self = &self
	c.mu.Unlock()
	return self, nil
}

func (c *Client) ask(ctx context.Context) (Identity, error) {
	if c.app != nil {
		return c.app.whoami(ctx)
	}
	client, err := c.client(c.bearer, "GET "+c.base+"/user")
	if err != nil {
		return Identity{}, err
	}
	var user struct {
		ID    int64  `json:"id"`
		Login string `json:"login"`
	}
	if _, err := c.do(ctx, client, call{method: http.MethodGet, path: "/user", into: &user}); err != nil {
		return Identity{}, err
	}
	if user.ID == 0 {
		return Identity{}, &Error{Code: "github_bad_answer", Message: "GitHub did not say whose token it is"}
	}
	return Identity{UserID: user.ID, Login: user.Login}, nil
}

type credential = func(ctx context.Context, r *http.Request) (name, value string, err error)

// bearer is the credential of a personal access token.
func (c *Client) bearer(context.Context, *http.Request) (name, value string, err error) {
	if c.token == "" {
		return "", "", nil
	}
	return "Authorization", "Bearer " + c.token, nil
}

// client returns an HTTP client that can reach these paths of the API alone.
func (c *Client) client(cred credential, paths ...string) (*http.Client, error) {
	client, err := c.egress.Client(egress.Policy{
		Origin:     c.origin,
		Paths:      paths,
		Credential: cred,
		HTTPSOnly:  true,
		Timeout:    timeout,
		MaxBytes:   maxAnswer,
	})
	if err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	return client, nil
}
