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
)

// pace keeps an account's requests off GitHub while it is limited: whoever
// goes on calling then may be banned.
type pace struct {
	mu     sync.Mutex // guards the maps
	until  map[string]time.Time
	writes map[string]*rate.Limiter
}

func newPace() *pace {
	return &pace{until: map[string]time.Time{}, writes: map[string]*rate.Limiter{}}
}

// enter lets a request of the account leave, or answers until when it must not.
func (p *pace) enter(ctx context.Context, account string, paced bool) error {
	wait := p.reserve(account, paced, time.Now())
	switch {
	case wait <= 0:
		return nil
	case wait > patience:
		return &Error{Code: codeRateLimited, RetryAfter: wait, Message: fmt.Sprintf("waiting %s for GitHub's rate limit", wait.Round(time.Second))}
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

// reserve returns how long the request has to wait. A wait beyond patience
// takes no place in the line.
func (p *pace) reserve(account string, paced bool, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.until[account].Sub(now); wait > 0 {
		return wait
	}
	delete(p.until, account)
	if !paced {
		return 0
	}
	l := p.writes[account]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(writesPerHour)/3600, writeBurst)
		p.writes[account] = l
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > patience {
		r.CancelAt(now)
	}
	return wait
}

// hold keeps the account's requests back until then.
func (p *pace) hold(account string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.until[account]) {
		p.until[account] = until
	}
}
