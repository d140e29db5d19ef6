package reconcile_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/egresstest"
	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/githubtest"
	"github.com/forebayhq/forebay/internal/reconcile"
)

// The whole of it, in fake time against a whole server, is tested at the root:
// reconcile_test.go there.

// TestCheck is what the doctor looks at: which webhook is meant, and whether its
// deliveries can be listed.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{Client: &http.Client{Transport: answers(http.StatusServiceUnavailable)}}
	s.AddIssue("octo/site", 1)
	s.AddIssue("octo/empty", 1)
	one := s.AddWebhook(githubtest.Webhook{Owner: "octo/site", URL: "https://a.example/hooks/pr"})
	s.AddWebhook(githubtest.Webhook{Owner: "octo/site", URL: "https://a.example/hooks/other-pr"})
	s.AddWebhook(githubtest.Webhook{Owner: "octo/site", URL: "https://a.example/hooks/twice"})
	two := s.AddWebhook(githubtest.Webhook{Owner: "octo/site", URL: "https://b.example/hooks/twice/"})
	for range 3 {
		s.Send(t.Context(), one, "push", "{}")
	}
	for name, c := range map[string]struct {
		repo   string
		target reconcile.Target
		missed int
		says   string
	}{
		"by path":        {"site", reconcile.Target{Path: "/hooks/pr"}, 3, ""},
		"by URL":         {"site", reconcile.Target{Path: "/hooks/twice", URL: "https://b.example/hooks/twice"}, 0, ""},
		"by number":      {"site", reconcile.Target{Path: "/hooks/twice", ID: two}, 0, ""},
		"ambiguous":      {"site", reconcile.Target{Path: "/hooks/twice"}, 0, "2 webhooks"},
		"none":           {"site", reconcile.Target{Path: "/hooks/none"}, 0, "none of the 4 webhooks"},
		"no webhooks":    {"empty", reconcile.Target{Path: "/hooks/pr"}, 0, "none of the 0 webhooks"},
		"a wrong number": {"site", reconcile.Target{ID: 7}, 0, "404"},
		"no repository":  {"gone", reconcile.Target{Path: "/hooks/pr"}, 0, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWebhook(t, s, c.repo)
			missed, err := reconcile.Check(t.Context(), w, c.target)
			if missed != c.missed || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %d, %v; want %d, %q", missed, err, c.missed, c.says)
			}
			if strings.Contains(c.says, "webhooks") && !errors.Is(err, reconcile.ErrNoEndpoint) {
				t.Errorf("got %v, want ErrNoEndpoint", err)
			}
		})
	}
}

func newWebhook(t *testing.T, s *githubtest.Server, repo string) *github.Webhook {
	t.Helper()
	e, origin := egresstest.Serve(t, s)
	c, err := github.New(github.Options{Egress: e, APIURL: origin, Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Webhook(github.WebhookRef{Owner: "octo", Repo: repo})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// answers is a receiver with one answer.
type answers int

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(a), Body: http.NoBody, Request: r}, nil
}
