package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/internal/github"
	"github.com/forebayhq/forebay/internal/githubtest"
)

// TestWebhookDeliveries: the deliveries of a repository's, an organisation's and
// an App's webhook are listed page by page and sent again, with a token or as an
// App.
func TestWebhookDeliveries(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for _, tt := range []struct {
		webhook string
		app     bool
	}{{repoName, false}, {"octo", false}, {repoName, true}, {"octo", true}, {"app", true}} {
		name := tt.webhook + " with a token"
		if tt.app {
			name = tt.webhook + " as an App"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &githubtest.Server{}
			s.AddIssue(repoName, 1)
			o := serve(t, s)
			if tt.app {
				s.App = &githubtest.App{ID: 12, Slug: "forebay", Key: &key.PublicKey, Repos: []string{repoName}}
				o.Token, o.App = "", &github.App{ID: 12, PrivateKey: text}
			}
			sent := map[string]bool{}
			s.Client = &http.Client{Transport: receiver(func(r *http.Request) int {
				sent[r.Header.Get("X-GitHub-Delivery")] = true
				return http.StatusBadGateway
			})}
			id := s.AddWebhook(githubtest.Webhook{Owner: tt.webhook, URL: "https://example.com/hooks/pr", Secret: "s"})
			for range 230 {
				s.Send(t.Context(), id, "push", "{}")
			}
			c, err := github.New(o)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := github.ParseWebhook(tt.webhook)
			if err != nil {
				t.Fatal(err)
			}
			w, err := c.Webhook(ref)
			if err != nil {
				t.Fatal(err)
			}
			if ends, err := w.Endpoints(t.Context()); !ref.App && (err != nil || len(ends) != 1 || ends[0].ID != id || ends[0].URL != "https://example.com/hooks/pr") {
				t.Errorf("got %v, %v", ends, err)
			}
			all := listAll(t, w, id)
			if len(all) != 230 || all[0].ID <= all[229].ID || all[0].StatusCode != 502 || all[0].DeliveredAt.IsZero() {
				t.Fatalf("got %d attempts, first %+v", len(all), all[0])
			}
			if err := w.Redeliver(t.Context(), id, all[229].ID); err != nil {
				t.Fatal(err)
			}
			s.Wait()
			if again := listAll(t, w, id)[0]; !again.Redelivery || again.GUID != all[229].GUID || len(sent) != 230 {
				t.Errorf("got %+v, want a redelivery of %s", again, all[229].GUID)
			}
		})
	}
}

func listAll(t *testing.T, w *github.Webhook, id int64) []github.Attempt {
	t.Helper()
	var all []github.Attempt
	for cursor := ""; ; {
		page, next, err := w.Deliveries(t.Context(), id, cursor)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		cursor = next
	}
}

// TestWebhookPermission: the hint names what the credential lacks.
func TestWebhookPermission(t *testing.T) {
	t.Parallel()
	s := &githubtest.Server{}
	s.AddIssue(repoName, 1)
	c, err := github.New(serve(t, s))
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Webhook(github.WebhookRef{Owner: "octo", Repo: "site"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.Deliveries(context.Background(), 4, "")
	e, ok := errors.AsType[*github.Error](err)
	if !ok || e.Status != http.StatusNotFound || !strings.Contains(e.Hint, "admin:repo_hook") {
		t.Errorf("got %v, want a 404 with the permission", err)
	}
	if _, err := c.Webhook(github.WebhookRef{App: true}); err == nil {
		t.Error("the webhook of an App was made without its credential")
	}
}

// A receiver answers webhooks with a status.
type receiver func(*http.Request) int

func (f receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f(r), Body: http.NoBody, Request: r}, nil
}
