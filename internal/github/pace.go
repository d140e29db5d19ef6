package github

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// GitHub asks for at most 80 content-creating requests a minute and 500 an hour
// per account (secondary rate limits); what is left over is for people who
// share the credential.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	writesPerHour = 420
	writeBurst    = 60
	patience      = 2 * time.Second // a wait that is shorter is waited for
	maxTurn       = 12 * time.Hour  // the longest that a write is sent away for
)

// pace keeps an account's requests off GitHub while it is limited: whoever
// goes on calling then may be banned.
type pace struct {
	mu       sync.Mutex // guards accounts and what is in them
	accounts map[string]*account
}

// An account is what GitHub's limits count.
type account struct {
	until  time.Time // GitHub said: not before
	writes *rate.Limiter
	turn   time.Time // when the next write that is sent away may come back
}

func newPace() *pace { return &pace{accounts: map[string]*account{}} }

// of returns an account, made if need be. The caller holds mu.
func (p *pace) of(name string) *account {
	a := p.accounts[name]
	if a == nil {
		a = &account{writes: rate.NewLimiter(rate.Limit(writesPerHour)/3600, writeBurst)}
		p.accounts[name] = a
	}
	return a
}

// enter lets a request of the account leave, or answers when to come back.
func (p *pace) enter(ctx context.Context, name string, paced bool) error {
	wait := p.reserve(name, paced, time.Now())
	switch {
	case wait <= 0:
		return nil
	case wait > patience:
		return waiting(wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return unreachable(ctx, ctx.Err())
	}
}

func waiting(d time.Duration) *Error {
	return &Error{Code: codeRateLimited, RetryAfter: d, Message: fmt.Sprintf("waiting %s for GitHub's rate limit", d.Round(time.Second))}
}

// reserve returns how long the request has to wait. A wait beyond patience
// takes no place: it is sent away.
func (p *pace) reserve(name string, paced bool, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.of(name)
	if wait := a.until.Sub(now); wait > 0 || !paced {
		return wait
	}
	r := a.writes.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait <= patience {
		return wait
	}
	r.CancelAt(now)
	return a.away(wait, now)
}

// peek returns how long a write would have to wait, and takes no place.
func (p *pace) peek(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.of(name)
	if wait := a.until.Sub(now); wait > 0 {
		return wait
	}
	r := a.writes.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	r.CancelAt(now)
	if wait <= patience {
		return 0
	}
	return a.away(wait, now)
}

// away says when a write that must wait may come back: one after the other,
// not all at once when there is room for one.
func (a *account) away(wait time.Duration, now time.Time) time.Duration {
	back := now.Add(wait)
	if a.turn.After(back) {
		back = a.turn
	}
	a.turn = back.Add(time.Hour / writesPerHour)
	return min(back.Sub(now), maxTurn)
}

// hold keeps the account's requests back until then.
func (p *pace) hold(name string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.of(name); until.After(a.until) {
		a.until = until
	}
}
