package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/verify"
)

const (
	// timeout bounds one fetch. Senders wait 10 seconds and more for an answer
	// where keys are fetched at all.
	timeout = 5 * time.Second
	// maxBytes bounds a key set or certificate.
	maxBytes = 256 << 10
	// maxShelves bounds the places whose keys are kept.
	maxShelves = 512

	// Between fresh and the end keys are used only if they cannot be fetched
	// anew: RFC 5861 calls that stale-if-error.
	shortest, usual, longest = 5 * time.Minute, time.Hour, 6 * time.Hour
	end                      = 24 * time.Hour

	// pause is the least time between two fetches from one place that worked: an
	// unknown key id makes a set be read again no sooner. After a failure it is
	// backoff, doubled for every further one up to maxBackoff.
	pause               = time.Minute
	backoff, maxBackoff = 5 * time.Second, 5 * time.Minute

	// A sender's new places are fetched at once up to burst, then one every
	// refill: certificates have URLs that strangers choose.
	burst  = 10
	refill = 2 * time.Second
)

// ErrLater is what errors wrap that say: no fetch now. The sender may try again.
var ErrLater = errors.New("fetched or tried a moment ago")

// Options configure a Cache.
type Options struct {
	Egress *egress.Egress   // required; makes the clients
	Log    *slog.Logger     // default: none
	Now    func() time.Time // default time.Now
}

// A Cache keeps the keys of all hooks. It is safe for concurrent use.
type Cache struct {
	egress *egress.Egress
	log    *slog.Logger
	now    func() time.Time
	roots  *x509.CertPool // that certificates must lead to; nil: the system's

	mu      sync.Mutex // guards what follows, and the fields of every shelf
	shelves map[place]*shelf
	budgets map[string]*budget // by sender
}

// New makes an empty Cache. It fetches nothing.
func New(o Options) (*Cache, error) {
	if o.Egress == nil {
		return nil, errors.New("keys: an egress is required")
	}
	c := &Cache{egress: o.Egress, log: o.Log, now: o.Now, shelves: map[place]*shelf{}, budgets: map[string]*budget{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// A Login is the account that keys are fetched with, where the sender asks for
// one.
type Login struct{ ClientID, ClientSecret string }

// A Source is the Cache as one hook uses it.
type Source struct {
	cache *Cache
	login Login
}

// Source returns the keys for one hook.
func (c *Cache) Source(l Login) *Source { return &Source{cache: c, login: l} }

// A place is where keys are fetched from, for which sender, since that says how
// they are read, and as whom. id is empty where a whole set is fetched.
type place struct{ sender, url, client, id string }

func (s *Source) place(ref verify.KeyRef) place {
	p := place{sender: ref.Sender, url: ref.URL}
	if ref.Sender == plaid {
		p.client, p.id = s.login.ClientID, ref.ID
	}
	return p
}

// Key implements [verify.KeySource].
func (s *Source) Key(ref verify.KeyRef, now time.Time) (crypto.PublicKey, bool) {
	c := s.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	sh, ok := c.shelves[s.place(ref)]
	if !ok {
		return nil, false
	}
	sh.used = now
	if !now.Before(sh.fresh) {
		return nil, false
	}
	key, ok := sh.keys[ref.ID]
	return key, ok
}

// Fetch reads the keys at the place that ref names. Those who ask for the same
// place at the same time share one fetch; ctx ends only the waiting. An error
// means that nobody knows whether the key is good: the sender should try again.
// Without one, a key that is still unknown is not the sender's.
func (s *Source) Fetch(ctx context.Context, ref verify.KeyRef) error {
	err := s.fetch(ctx, ref)
	if _, known := s.Key(ref, s.cache.now()); known {
		return nil // by now, or still: what could not be fetched anew is kept for a while
	}
	return err
}

func (s *Source) fetch(ctx context.Context, ref verify.KeyRef) error {
	c, at := s.cache, s.place(ref)
	c.mu.Lock()
	sh, err := c.shelf(at)
	if err != nil || sh == nil {
		c.mu.Unlock()
		return err
	}
	if f := sh.flight; f != nil {
		c.mu.Unlock()
		return f.wait(ctx)
	}
	f := &flight{done: make(chan struct{})}
	sh.flight = f
	c.mu.Unlock()

	got, err := s.get(context.WithoutCancel(ctx), ref) // others may wait for it
	c.mu.Lock()
	c.put(sh, got, err)
	sh.flight = nil
	c.mu.Unlock()
	f.err = err
	close(f.done)
	c.report(ref, len(got.keys), err)
	return err
}

func (c *Cache) report(ref verify.KeyRef, n int, err error) {
	host := ""
	if u, bad := url.Parse(ref.URL); bad == nil {
		host = u.Host
	}
	if err != nil {
		c.log.Warn("a sender's keys could not be fetched", "sender", ref.Sender, "host", host, "error", egress.Detail(err))
		return
	}
	c.log.Info("a sender's keys were fetched", "sender", ref.Sender, "host", host, "keys", n)
}

// client makes the client for one place: its origin alone, without redirects.
func (c *Cache) client(raw string, p egress.Policy) (*http.Client, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("no URL")
	}
	p.Origin, p.MaxConnsPerHost = u.Scheme+"://"+u.Host, 4
	client, err := c.egress.Client(p)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return client, nil
}
