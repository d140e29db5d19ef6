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

// A WebhookRef names a webhook: that of a repository, of an organisation, or of
// the App itself.
type WebhookRef struct {
	App   bool   // the App's own webhook
	Owner string // of the repository, or the organisation
	Repo  string // empty: the organisation's
	ID    int64  // 0: not known yet
}

// ParseWebhook reads "app", "ORG" or "OWNER/REPO", the last two with "#ID"
// where there are several webhooks.
func ParseWebhook(text string) (WebhookRef, error) {
	name, id, numbered := strings.Cut(text, "#")
	if name == "app" && !numbered {
		return WebhookRef{App: true}, nil
	}
	owner, repo, ofRepo := strings.Cut(name, "/")
	ref := WebhookRef{Owner: owner, Repo: repo}
	if !ofRepo {
		repo = "x"
	}
	if !ValidRepo(owner, repo) {
		return WebhookRef{}, errors.New("it names neither a repository nor an organisation")
	}
	if numbered {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return WebhookRef{}, errors.New("what follows # is not the number of a webhook")
		}
		ref.ID = n
	}
	return ref, nil
}

// String is what ParseWebhook reads.
func (r WebhookRef) String() string {
	if r.App {
		return "app"
	}
	text := r.Owner
	if r.Repo != "" {
		text += "/" + r.Repo
	}
	if r.ID != 0 {
		text += "#" + strconv.FormatInt(r.ID, 10)
	}
	return text
}

// A Webhook reaches the deliveries of one owner's webhooks and nothing else.
// https://docs.github.com/en/rest/repos/webhooks,
// https://docs.github.com/en/rest/orgs/webhooks,
// https://docs.github.com/en/rest/apps/webhooks
type Webhook struct {
	client *Client
	http   *http.Client
	ref    WebhookRef
	hooks  string // "/repos/OWNER/NAME/hooks", "/orgs/NAME/hooks" or "/app/hook"
}

// Webhook returns the webhook that ref names. It calls nobody.
func (c *Client) Webhook(ref WebhookRef) (*Webhook, error) {
	w := &Webhook{client: c, ref: ref}
	switch {
	case ref.App && c.app == nil:
		return nil, &Error{Code: "github_request", Message: "the webhook of an App needs the App's credential", Permanent: true}
	case ref.App:
		w.hooks = "/app/hook"
	case ref.Repo != "":
		w.hooks = "/repos/" + ref.Owner + "/" + ref.Repo + "/hooks"
	default:
		w.hooks = "/orgs/" + ref.Owner + "/hooks"
	}
	at := c.base + w.hooks
	paths := []string{"GET " + at + "?per_page&page", "GET " + at + "/{id}/deliveries?per_page&cursor", "POST " + at + "/{id}/deliveries/{delivery}/attempts"}
	if ref.App {
		paths = []string{"GET " + at + "/deliveries?per_page&cursor", "POST " + at + "/deliveries/{delivery}/attempts"}
	}
	var err error
	w.http, err = c.client(w.credential, paths...)
	return w, err
}

// credential is the token, the App's own, or the App's token for the
// repository or organisation alone.
func (w *Webhook) credential(ctx context.Context, req *http.Request) (name, value string, err error) {
	switch app := w.client.app; {
	case app == nil:
		return w.client.bearer(ctx, req)
	case w.ref.App:
		return app.jwt(ctx, req)
	default:
		token, err := app.token(ctx, w.ref.Owner, w.ref.Repo)
		return "Authorization", "Bearer " + token, err
	}
}

// account names what GitHub's limits count; see Repo.account.
func (w *Webhook) account() string {
	switch {
	case w.ref.App:
		return "app"
	case w.client.app == nil:
		return ""
	}
	return strings.ToLower(w.ref.Owner)
}

func (w *Webhook) do(ctx context.Context, k call) (answer, error) {
	k.key = w.account()
	a, err := w.client.do(ctx, w.http, k)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return a, err
	}
	if e.Status == http.StatusUnauthorized && w.client.app != nil {
		w.client.app.forget(w.ref.Owner, w.ref.Repo)
	}
	if e.Status == http.StatusForbidden && e.Code == "github_forbidden" || e.Status == http.StatusNotFound {
		e.Hint = w.permission()
	}
	return a, err
}

// permission says what the credential lacks when it may not see a webhook.
func (w *Webhook) permission() string {
	switch {
	case w.ref.App:
		return "check github.app: the App must have a webhook of its own"
	case w.ref.Repo == "":
		return "give the credential the organisation permission Webhooks, read and write (classic tokens: admin:org_hook), and check the name and number of the webhook"
	}
	return "give the credential the repository permission Webhooks, read and write (classic tokens: admin:repo_hook), and check the name and number of the webhook"
}

// An Endpoint is where a webhook sends to.
type Endpoint struct {
	ID     int64
	URL    string
	Active bool
}

// maxHooks bounds the webhooks that are looked through; a repository has at
// most 20 for each event.
const maxHooks = 500

// Endpoints lists the owner's webhooks. The App has one, which is not listed.
func (w *Webhook) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var all []Endpoint
	for page := 1; len(all) < maxHooks; page++ {
		var part []struct {
			ID     int64 `json:"id"`
			Active bool  `json:"active"`
			Config struct {
				URL string `json:"url"`
			} `json:"config"`
		}
		a, err := w.do(ctx, call{method: http.MethodGet, path: w.hooks, query: pageQuery(page), into: &part})
		if err != nil {
			return nil, err
		}
		for _, h := range part {
			all = append(all, Endpoint{ID: h.ID, URL: h.Config.URL, Active: h.Active})
		}
		if !a.more {
			break
		}
	}
	return all, nil
}

// An Attempt is one try of GitHub to deliver an event. Attempts at the same
// event share its GUID, which is the X-GitHub-Delivery of each.
type Attempt struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	DeliveredAt time.Time `json:"delivered_at"`
	Redelivery  bool      `json:"redelivery"`
	Status      string    `json:"status"`
	StatusCode  int       `json:"status_code"` // what the receiver answered; 0 or 5xx where it did not
	Event       string    `json:"event"`
}

// Deliveries returns one page of up to 100 attempts of the webhook with the id,
// newest first, and the cursor of the next page; empty: there is none.
func (w *Webhook) Deliveries(ctx context.Context, id int64, cursor string) (page []Attempt, next string, err error) {
	query := url.Values{"per_page": {strconv.Itoa(perPage)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	a, err := w.do(ctx, call{method: http.MethodGet, path: w.at(id), query: query, into: &page})
	return page, a.cursor, err
}

// Redeliver asks GitHub to send the event of an attempt again. GitHub does so
// after it has answered.
func (w *Webhook) Redeliver(ctx context.Context, id, attempt int64) error {
	_, err := w.do(ctx, call{method: http.MethodPost, path: fmt.Sprintf("%s/%d/attempts", w.at(id), attempt), paced: true})
	return err
}

func (w *Webhook) at(id int64) string {
	if w.ref.App {
		return w.hooks + "/deliveries"
	}
	return fmt.Sprintf("%s/%d/deliveries", w.hooks, id)
}

var cursorText = regexp.MustCompile(`^[A-Za-z0-9_.=+/-]{1,200}$`)

// nextCursor takes from a Link header the cursor of the next page. The rest of
// the address is not used.
func nextCursor(link string) string {
	for item := range strings.SplitSeq(link, ",") {
		target, params, _ := strings.Cut(item, ";")
		if !strings.Contains(params, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
		if err != nil {
			return ""
		}
		if cursor := u.Query().Get("cursor"); cursorText.MatchString(cursor) {
			return cursor
		}
	}
	return ""
}
