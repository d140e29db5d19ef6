package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/forebayhq/forebay/internal/github"
)

// ErrNoEndpoint: no webhook, or more than one, sends to the hook.
var ErrNoEndpoint = errors.New("the webhook is not known")

// A Target says which of an owner's webhooks is meant.
type Target struct {
	App  bool   // the App's own, which needs no number
	ID   int64  // its number; 0: found by where it sends to
	Path string // "/hooks/NAME", the end of its URL's path
	URL  string // its whole URL, where that is configured
}

// find looks for the one webhook that sends to the hook.
func (t Target) find(ctx context.Context, w Webhook) (int64, error) {
	list, err := w.Endpoints(ctx)
	if err != nil {
		return 0, err
	}
	var found []github.Endpoint
	for _, e := range list {
		if e.Active && t.meets(e.URL) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0].ID, nil
	case 0:
		return 0, fmt.Errorf("%w: none of the %d webhooks sends to a URL that ends in %s", ErrNoEndpoint, len(list), t.Path)
	}
	return 0, fmt.Errorf("%w: %d webhooks send to URLs that end in %s; add #%d, or the number of another, to source.webhooks",
		ErrNoEndpoint, len(found), t.Path, found[0].ID)
}

func (t Target) meets(endpoint string) bool {
	if t.URL != "" {
		return strings.TrimSuffix(endpoint, "/") == strings.TrimSuffix(t.URL, "/")
	}
	u, err := url.Parse(endpoint)
	return err == nil && strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), t.Path)
}

// Check looks whether the webhook can be found and its deliveries be listed,
// and returns how many of the newest were missed. It asks for none.
func Check(ctx context.Context, w Webhook, t Target) (missed int, err error) {
	id := t.ID
	if id == 0 && !t.App {
		if id, err = t.find(ctx, w); err != nil {
			return 0, err
		}
	}
	list, _, err := w.Deliveries(ctx, id, "")
	if err != nil {
		return 0, err
	}
	h := &history{events: map[string]*sent{}}
	for _, a := range list {
		h.add(a)
	}
	return len(h.missed()), nil
}
