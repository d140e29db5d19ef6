package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/egresstest"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/githubtest"
)

const repoName = "octo/site"

// serve starts the fake GitHub and returns options that reach it.
func serve(t *testing.T, s *githubtest.Server) github.Options {
	t.Helper()
	e, origin := egresstest.Serve(t, s)
	return github.Options{Egress: e, APIURL: origin, Token: "tok"}
}

func newRepo(t *testing.T, o github.Options) *github.Repo {
	t.Helper()
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	owner, name, _ := strings.Cut(repoName, "/")
	r, err := c.Repo(owner, name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPullFilesGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{}
	files := make([]githubtest.File, 230)
	for i := range files {
		files[i] = githubtest.File{Name: fmt.Sprintf("f%03d.go", i), Status: "modified", Patch: "@@"}
	}
	s.AddPull(repoName, 7, files...)
	r := newRepo(t, serve(t, s))

	var got []string
	for page, more := 1, true; more; page++ {
		var part []github.File
		var err error
		if part, more, err = r.PullFiles(t.Context(), 7, page); err != nil {
			t.Fatal(err)
		}
		for _, f := range part {
			got = append(got, f.Name)
		}
	}
	if len(got) != len(files) || got[0] != "f000.go" || got[229] != "f229.go" {
		t.Errorf("got %d files, want %d in order", len(got), len(files))
	}
}

func TestCommentIsWrittenReadAndChanged(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{}
	s.AddIssue(repoName, 3)
	o := serve(t, s)
	r := newRepo(t, o)
	made, err := r.CreateComment(t.Context(), 3, "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.UpdateComment(t.Context(), made.ID, "two"); err != nil {
		t.Fatal(err)
	}
	list, more, err := r.Comments(t.Context(), 3, 1)
	if err != nil || more || len(list) != 1 || list[0].Body != "two" || list[0].URL == "" {
		t.Errorf("got %+v, %v, %v", list, more, err)
	}
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	self, err := c.Whoami(t.Context())
	if err != nil || !self.Wrote(list[0]) {
		t.Errorf("Whoami = %+v, %v; it should have written the comment", self, err)
	}
	if other := s.AddComment(repoName, 3, githubtest.User{ID: 5, Login: "mallory"}, "two"); self.Wrote(github.Comment{User: github.User{ID: other.User.ID}}) {
		t.Error("a stranger's comment counts as ours")
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{}
	s.SetContent(repoName, ".gitattributes", []byte("*.pb.go linguist-generated\n"))
	r := newRepo(t, serve(t, s))
	got, err := r.Content(t.Context(), ".gitattributes", "main")
	if err != nil || string(got) != "*.pb.go linguist-generated\n" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err = r.Content(t.Context(), "missing", "")
	if e, ok := errors.AsType[*github.Error](err); !ok || e.Code != "github_not_found" || !e.Permanent {
		t.Errorf("got %v, want github_not_found", err)
	}
	if _, err = r.Content(t.Context(), "../../other/secret/contents/key", ""); !errors.Is(err, egress.ErrBlocked) {
		t.Errorf("a path out of the repository: got %v, want ErrBlocked", err)
	}
}

func TestAnswersAreSorted(t *testing.T) {
	t.Parallel()
	reset := fmt.Sprint(time.Now().Add(10 * time.Minute).Unix())
	for name, tc := range map[string]struct {
		fault     githubtest.Fault
		code      string
		permanent bool
		wait      time.Duration // at least, when not zero
	}{
		"bad token":    {githubtest.Fault{Status: 401}, "github_unauthorized", false, 0},
		"forbidden":    {githubtest.Fault{Status: 403, Message: "Resource not accessible by personal access token"}, "github_forbidden", false, 0},
		"locked":       {githubtest.Fault{Status: 403, Message: "Unable to create comment because issue is locked."}, "github_locked", true, 0},
		"not found":    {githubtest.Fault{Status: 404}, "github_not_found", true, 0},
		"gone":         {githubtest.Fault{Status: 410}, "github_gone", true, 0},
		"moved":        {githubtest.Fault{Status: 301, Header: http.Header{"Location": {"https://api.github.com/repositories/1"}}}, "github_moved", true, 0},
		"invalid":      {githubtest.Fault{Status: 422}, "github_invalid", true, 0},
		"down":         {githubtest.Fault{Status: 502}, "github_unavailable", false, 0},
		"cut":          {githubtest.Fault{Cut: true}, "github_unreachable", false, 0},
		"secondary":    {githubtest.Fault{Status: 403, Message: "You have exceeded a secondary rate limit."}, "github_rate_limited", false, time.Minute},
		"retry-after":  {githubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"90"}}}, "github_rate_limited", false, 90 * time.Second},
		"primary":      {githubtest.Fault{Status: 403, Header: http.Header{"X-RateLimit-Remaining": {"0"}, "X-RateLimit-Reset": {reset}}}, "github_rate_limited", false, 9 * time.Minute},
		"absurd":       {githubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"99999999"}}}, "github_rate_limited", false, 2 * time.Hour},
		"garbage":      {githubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"soon"}}}, "github_rate_limited", false, time.Minute},
		"control text": {githubtest.Fault{Status: 422, Message: "a\x1b[31m\u202eb"}, "github_invalid", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &githubtest.Server{}
			s.AddIssue(repoName, 3)
			s.Fail(tc.fault)
			r := newRepo(t, serve(t, s))
			_, err := r.CreateComment(t.Context(), 3, "x")
			e, ok := errors.AsType[*github.Error](err)
			if !ok || e.Code != tc.code || e.Permanent != tc.permanent || e.RetryAfter < tc.wait || e.RetryAfter > 2*time.Hour {
				t.Errorf("got %#v (%v), want code %s, permanent %v, wait %v", e, err, tc.code, tc.permanent, tc.wait)
			}
			if strings.ContainsAny(err.Error(), "\x1b\u202e") || strings.Contains(err.Error(), "tok") && tc.fault.Message == "" {
				t.Errorf("the message shows what it should not: %q", err)
			}
		})
	}
}

func TestALimitedAccountKeepsQuiet(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{}
	s.AddIssue(repoName, 3)
	s.Fail(githubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"60"}}})
	r := newRepo(t, serve(t, s))
	for range 5 {
		if _, _, err := r.Comments(t.Context(), 3, 1); err == nil {
			t.Fatal("a call left while the account is limited")
		}
	}
	if got := len(s.Requests()); got != 1 {
		t.Errorf("GitHub saw %d requests, want 1", got)
	}
}

func TestAppTokenIsForOneRepositoryAndCached(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &githubtest.Server{App: &githubtest.App{ID: 12, Slug: "forebay", Key: &key.PublicKey, Repos: []string{repoName, "octo/other"}}}
	s.AddIssue(repoName, 3)
	s.AddIssue("octo/other", 1)
	o := serve(t, s)
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	o.Token, o.App = "", &github.App{ID: 12, PrivateKey: string(pemKey)}
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Repo("octo", "site")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := r.CreateComment(t.Context(), 3, "x"); err != nil {
			t.Fatal(err)
		}
	}
	mints := 0
	for _, q := range s.Requests() {
		if strings.HasSuffix(q.Path, "/access_tokens") {
			mints++
			if !strings.Contains(q.Body, `"site"`) || strings.Contains(q.Body, "other") {
				t.Errorf("token asked for %s, want the one repository", q.Body)
			}
		}
	}
	if mints != 1 {
		t.Errorf("minted %d tokens, want 1", mints)
	}
	self, err := c.Whoami(t.Context())
	if err != nil || self.AppID != 12 || !self.Wrote(github.Comment{App: &github.AppRef{ID: 12}}) || self.Wrote(github.Comment{App: &github.AppRef{ID: 13}}) {
		t.Errorf("Whoami = %+v, %v", self, err)
	}
	absent, err := c.Repo("octo", "absent")
	if err != nil {
		t.Fatal(err)
	}
	_, err = absent.CreateComment(t.Context(), 1, "x")
	if e, ok := errors.AsType[*github.Error](err); !ok || e.Code != "github_not_installed" {
		t.Errorf("got %v, want github_not_installed", err)
	}
}

func TestARevokedAppTokenIsMadeAnew(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &githubtest.Server{App: &githubtest.App{ID: 12, Slug: "forebay", Repos: []string{repoName}}}
	s.AddIssue(repoName, 3)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o := serve(t, s)
	o.Token, o.App = "", &github.App{ID: 12, PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	r := newRepo(t, o)
	if _, err := r.CreateComment(t.Context(), 3, "x"); err != nil {
		t.Fatal(err)
	}
	s.Fail(githubtest.Fault{Path: "/issues/3/comments", Status: 401})
	if _, err := r.CreateComment(t.Context(), 3, "x"); err == nil {
		t.Fatal("the scripted 401 did not come through")
	}
	if _, err := r.CreateComment(t.Context(), 3, "x"); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]bool{}
	for _, q := range s.Requests() {
		if q.Method == http.MethodPost && strings.HasSuffix(q.Path, "/comments") {
			tokens[q.Header.Get("Authorization")] = true
		}
	}
	if len(tokens) != 2 {
		t.Errorf("%d tokens were used, want a new one after the 401", len(tokens))
	}
}

func TestNamesThatAreNoRepository(t *testing.T) {
	t.Parallel()
	c, err := github.New(serve(t, &githubtest.Server{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range [][2]string{{"", "r"}, {"o", ""}, {"..", "r"}, {"o", "."}, {"o/x", "r"}, {"o", "r%2f"}, {"o", "r?x"}, {"ö", "r"}, {strings.Repeat("a", 101), "r"}} {
		if _, err := c.Repo(n[0], n[1]); err == nil {
			t.Errorf("Repo(%q, %q) was taken", n[0], n[1])
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := serve(t, &githubtest.Server{})
	for name, o := range map[string]github.Options{
		"no egress":       {},
		"both":            {Egress: good.Egress, Token: "t", App: &github.App{ID: 1, PrivateKey: "x"}},
		"bad url":         {Egress: good.Egress, APIURL: "api.github.com"},
		"bad key":         {Egress: good.Egress, App: &github.App{ID: 1, PrivateKey: "x"}},
		"userinfo in url": {Egress: good.Egress, APIURL: "https://a:b@api.github.com"},
	} {
		if _, err := github.New(o); err == nil {
			t.Errorf("%s: New took it", name)
		}
	}
}
