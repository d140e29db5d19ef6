// Package confirm tells a sender that its subscription is wanted: it fetches the
// URL that Amazon SNS puts into a signed SubscriptionConfirmation.
//
// It must only be given URLs whose message is proven and whose host package
// verify has checked; it keeps to that origin, follows no redirect, and reads no
// more of the answer than its status.
package confirm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
)

// timeout bounds one confirmation. SNS waits 15 seconds for the answer to the
// request that asks for it.
const timeout = 8 * time.Second

// maxDone bounds what is remembered.
const maxDone = 1024

// A Confirmer confirms subscriptions. It is safe for concurrent use.
type Confirmer struct {
	egress *egress.Egress

	mu   sync.Mutex // guards done
	done map[[sha256.Size]byte]bool
}

// New makes a Confirmer that calls through e.
func New(e *egress.Egress) (*Confirmer, error) {
	if e == nil {
		return nil, errors.New("confirm: an egress is required")
	}
	return &Confirmer{egress: e, done: map[[sha256.Size]byte]bool{}}, nil
}

// Confirm fetches the URL. One that has been confirmed is not fetched again: a
// captured message that is sent twice makes no second request. The error does
// not repeat the URL, which carries a token.
func (c *Confirmer) Confirm(ctx context.Context, raw string) error {
	sum := sha256.Sum256([]byte(raw))
	if c.known(sum) {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("confirm: no URL")
	}
	client, err := c.egress.Client(egress.Policy{
		Origin: u.Scheme + "://" + u.Host, Timeout: timeout, MaxBytes: 64 << 10, MaxConnsPerHost: 4, HTTPSOnly: true,
	})
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, raw, nil)
	if err != nil {
		return errors.New("confirm: no URL")
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("confirm: %s", egress.Detail(err))
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("confirm: answered with status %d", resp.StatusCode)
	}
	c.remember(sum)
	return nil
}

func (c *Confirmer) known(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done[sum]
}

func (c *Confirmer) remember(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.done) >= maxDone {
		clear(c.done)
	}
	c.done[sum] = true
}
