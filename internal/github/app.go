package github

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// App is the credential of a GitHub App. Its installation tokens are made for
// one repository at a time and last an hour.
type App struct {
	ID         int64
	PrivateKey string // PEM, PKCS #1 or PKCS #8, RSA
}

const (
	renewBefore = 5 * time.Minute // of a token's end
	maxTokens   = 1024            // tokens remembered
)

// app mints installation tokens.
// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
type app struct {
	client *Client
	http   *http.Client
	id     int64
	key    *rsa.PrivateKey

	mu     sync.Mutex        // guards tokens, not what is in the slots
	tokens map[string]*token // by lower-case owner/name
}

// A token is one repository's. Whoever holds turn may look and renew.
type token struct {
	turn    chan struct{} // capacity 1
	text    string
	expires time.Time
}

func newApp(c *Client, o App) (*app, error) {
	key, err := parseKey(o.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("github app: private key: %w", err)
	}
	if o.ID <= 0 {
		return nil, errors.New("github app: the id is missing")
	}
	a := &app{client: c, id: o.ID, key: key, tokens: map[string]*token{}}
	a.http, err = c.client(a.jwt,
		"GET "+c.base+"/app",
		"GET "+c.base+"/repos/{owner}/{name}/installation",
		"GET "+c.base+"/orgs/{org}/installation",
		"POST "+c.base+"/app/installations/{id}/access_tokens",
	)
	return a, err
}

func parseKey(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("neither PKCS #1 nor PKCS #8")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

// jwt is the App's own credential, which can do nothing but mint tokens. It
// starts a minute in the past, as GitHub advises, for clocks that differ.
func (a *app) jwt(context.Context, *http.Request) (name, value string, err error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-time.Minute).Unix(),
		"exp": now.Add(9 * time.Minute).Unix(),
		"iss": strconv.FormatInt(a.id, 10),
	})
	if err != nil {
		return "", "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc.EncodeToString(claims)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", "", fmt.Errorf("sign: %w", err)
	}
	return "Authorization", "Bearer " + signed + "." + enc.EncodeToString(sig), nil
}

func (a *app) whoami(ctx context.Context) (Identity, error) {
	var self struct {
		ID   int64  `json:"id"`
		Slug string `json:"slug"`
	}
	_, err := a.client.do(ctx, a.http, call{method: http.MethodGet, path: "/app", into: &self, key: "app"})
	if err != nil {
		return Identity{}, err
	}
	if self.ID != a.id {
		return Identity{}, &Error{Code: "github_bad_answer", Message: "the private key belongs to another App"}
	}
	return Identity{AppID: self.ID, Login: self.Slug}, nil
}

// token returns a token that reaches owner/name alone, or without a name the
// organisation's webhooks alone, and is good for at least renewBefore. One caller at a time renews it; the others wait for that.
func (a *app) token(ctx context.Context, owner, name string) (string, error) {
	t := a.slot(owner, name)
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", unreachable(ctx, ctx.Err())
	}
	if t.text != "" && time.Now().Before(t.expires.Add(-renewBefore)) {
		return t.text, nil
	}
	text, expires, err := a.mint(ctx, owner, name)
	if err != nil {
		return "", err
	}
	t.text, t.expires = text, expires
	return text, nil
}

func (a *app) slot(owner, name string) *token {
	key := strings.ToLower(owner + "/" + name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.tokens[key]; t != nil {
		return t
	}
	if len(a.tokens) >= maxTokens {
		clear(a.tokens) // minting again is cheap, a map without a bound is not
	}
	t := &token{turn: make(chan struct{}, 1)}
	a.tokens[key] = t
	return t
}

// forget drops the repository's token.
func (a *app) forget(owner, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tokens, strings.ToLower(owner+"/"+name))
}

// mint asks for a token of the repository's installation.
// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
func (a *app) mint(ctx context.Context, owner, name string) (string, time.Time, error) {
	var installation struct {
		ID int64 `json:"id"`
	}
	path, scope := "/repos/"+owner+"/"+name+"/installation", map[string]any{"repositories": []string{name}}
	if name == "" {
		path, scope = "/orgs/"+owner+"/installation", map[string]any{"permissions": map[string]string{"organization_hooks": "write"}}
	}
	_, err := a.client.do(ctx, a.http, call{method: http.MethodGet, path: path, into: &installation, key: "app"})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound {
		return "", time.Time{}, &Error{Code: "github_not_installed", Message: "the GitHub App is not installed there", Hint: "install it on the repository or organisation", Permanent: true, Err: err}
	}
	if err != nil {
		return "", time.Time{}, err
	}
	var minted struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	_, err = a.client.do(ctx, a.http, call{
		method: http.MethodPost,
		path:   fmt.Sprintf("/app/installations/%d/access_tokens", installation.ID),
		send:   scope,
		into:   &minted,
		key:    "app",
	})
	if err != nil {
		return "", time.Time{}, err
	}
	if minted.Token == "" || minted.ExpiresAt.IsZero() {
		return "", time.Time{}, &Error{Code: "github_bad_answer", Message: "GitHub's answer holds no token"}
	}
	return minted.Token, minted.ExpiresAt, nil
}
