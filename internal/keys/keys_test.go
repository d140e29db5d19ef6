package keys

import (
	"crypto"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
)

func TestKeep(t *testing.T) {
	t.Parallel()
	for control, want := range map[string]time.Duration{
		"": usual, "no-store": usual, "max-age=0": shortest, "public, max-age=3600, must-revalidate": time.Hour, "MAX-AGE=7200": 2 * time.Hour,
		"max-age=99999999": longest, "max-age=99999999999999999999": usual, "max-age=-1": usual, "max-age=x": usual,
	} {
		if got := keep(control); got != want {
			t.Errorf("%q: got %v, want %v", control, got, want)
		}
	}
}

// TestBudget: a sender's places cost it, another sender's do not.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t)
		take := func(sender string, n int) (ok int) {
			for i := range n {
				if _, err := c.shelf(place{sender: sender, url: strconv.Itoa(i) + time.Now().String()}); err == nil {
					ok++
				}
			}
			return ok
		}
		if got := take("a", 50); got != burst {
			t.Errorf("got %d fetches at once, want %d", got, burst)
		}
		if got := take("b", 1); got != 1 {
			t.Error("one sender spent the budget of another")
		}
		time.Sleep(3*refill + refill/2)
		if got := take("a", 50); got != 3 {
			t.Errorf("got %d fetches after a while, want 3", got)
		}
		time.Sleep(time.Hour)
		if got := take("a", 50); got != burst {
			t.Errorf("got %d fetches after an hour, want %d", got, burst)
		}
	})
}

// TestShelvesAreBounded: what was not used for the longest time goes first, but
// what has keys and what is being fetched stays.
func TestShelvesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t)
		c.shelves[place{url: "flying"}] = &shelf{flight: &flight{}}
		c.shelves[place{url: "has a key"}] = &shelf{keys: map[string]crypto.PublicKey{"": nil}}
		for i := range 2 * maxShelves {
			c.makeRoom()
			c.shelves[place{url: strconv.Itoa(i)}] = &shelf{used: time.Now()}
			time.Sleep(time.Second)
			c.shelves[place{url: "0"}].used = time.Now()
		}
		if len(c.shelves) != maxShelves {
			t.Errorf("got %d shelves, want %d", len(c.shelves), maxShelves)
		}
		for _, kept := range []string{"flying", "has a key", "0", strconv.Itoa(2*maxShelves - 1)} {
			if c.shelves[place{url: kept}] == nil {
				t.Errorf("%s was forgotten", kept)
			}
		}
	})
}

func newCache(t *testing.T) *Cache {
	t.Helper()
	e, err := egress.New(egress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	c, err := New(Options{Egress: e})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
