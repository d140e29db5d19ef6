package keys

import (
	"context"
	"crypto"
	"fmt"
	"time"
)

// A shelf holds the keys of one place. The Cache's lock guards it.
type shelf struct {
	keys  map[string]crypto.PublicKey // by id; a certificate's id is empty
	fresh time.Time                   // until then they are used
	end   time.Time                   // until then they may be used if they cannot be fetched
	next  time.Time                   // no fetch before
	used  time.Time                   // by a request
	fails int                         // in a row

	flight *flight // the fetch that is under way
}

// before says whether the shelf is to be forgotten before another.
func (s *shelf) before(other *shelf) bool {
	if mine, theirs := len(s.keys) > 0, len(other.keys) > 0; mine != theirs {
		return theirs
	}
	return s.used.Before(other.used)
}

// A flight is one fetch, and those who wait for it.
type flight struct {
	done chan struct{}
	err  error // valid once done is closed
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A budget bounds how often a sender's places are fetched.
type budget struct {
	tokens int
	at     time.Time // when tokens was right
}

func (b *budget) spend(now time.Time) bool {
	if n := int(now.Sub(b.at) / refill); n > 0 {
		b.tokens, b.at = min(burst, b.tokens+n), b.at.Add(time.Duration(n)*refill)
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

// shelf returns the shelf of a place that may be fetched from now, or that is
// being fetched; nil without an error: it is known that the one key which could
// be there is not.
func (c *Cache) shelf(at place) (*shelf, error) {
	now := c.now()
	sh := c.shelves[at]
	switch {
	case sh != nil && sh.flight != nil:
		return sh, nil
	case sh != nil && at.id != "" && sh.fails == 0 && now.Before(sh.fresh):
		return nil, nil
	case sh != nil && now.Before(sh.next):
		return nil, fmt.Errorf("keys: %w", ErrLater)
	}
	if known := sh != nil && len(sh.keys) > 0; !known && !c.budget(at.sender).spend(now) {
		return nil, fmt.Errorf("keys: too many places of %s at once: %w", at.sender, ErrLater)
	}
	if sh == nil {
		c.makeRoom()
		sh = &shelf{used: now}
		c.shelves[at] = sh
	}
	return sh, nil
}

// budget is for the sender's places that have not brought a key yet. Those that
// have are fetched anew whatever strangers make us look for.
func (c *Cache) budget(sender string) *budget {
	b := c.budgets[sender]
	if b == nil {
		b = &budget{tokens: burst, at: c.now()}
		c.budgets[sender] = b
	}
	return b
}

// makeRoom forgets the place that was not used for the longest time, one that
// never brought a key first: strangers can name many of those.
func (c *Cache) makeRoom() {
	if len(c.shelves) < maxShelves {
		return
	}
	var oldest place
	var found *shelf
	for at, sh := range c.shelves {
		if sh.flight == nil && (found == nil || sh.before(found)) {
			oldest, found = at, sh
		}
	}
	delete(c.shelves, oldest)
}

// put stores what a fetch brought. After a failure what was there is used for
// another while, if it is not too old.
func (c *Cache) put(sh *shelf, got keyset, err error) {
	now := c.now()
	if err == nil {
		sh.keys, sh.fails = got.keys, 0
		sh.next, sh.fresh, sh.end = now.Add(pause), now.Add(got.keep), now.Add(end)
		if !got.until.IsZero() && got.until.Before(sh.end) {
			sh.end = got.until
		}
		if sh.end.Before(sh.fresh) {
			sh.fresh = sh.end
		}
		return
	}
	sh.next = now.Add(min(backoff<<min(sh.fails, 10), maxBackoff))
	sh.fails++
	if now.Before(sh.end) && sh.next.After(sh.fresh) {
		sh.fresh = sh.next
		if sh.end.Before(sh.fresh) {
			sh.fresh = sh.end
		}
	}
}
