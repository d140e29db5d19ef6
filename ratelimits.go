package forebay

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/claude"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/governor"
)

// How often the account's limits are asked for.
const (
	rateLimitsEach  = 5 * time.Minute
	rateLimitsAgain = time.Minute // after a failure
)

// newAdminClaude makes a client that sends the Admin API key, and may do nothing
// with it but read the account's limits. Without a key there is none.
func newAdminClaude(cfg *config.Config, e *egress.Egress) (*claude.Client, error) {
	if cfg.Claude.AdminKey.Empty() {
		return nil, nil
	}
	c, err := e.Client(egress.Policy{
		Origin:    origin(cfg.Claude.BaseURL),
		Header:    http.Header{"X-Api-Key": {cfg.Claude.AdminKey.Reveal()}},
		Paths:     []string{"GET /v1/organizations/rate_limits?group_type&limit&page"},
		Timeout:   30 * time.Second,
		MaxBytes:  1 << 20,
		HTTPSOnly: true,
	})
	if err != nil {
		return nil, err
	}
	return claude.New(claude.Options{HTTP: c, BaseURL: cfg.Claude.BaseURL, IdleTimeout: 10 * time.Second, Timeout: 30 * time.Second})
}

// followRateLimits keeps the lanes' limits in step with the account's: at the
// start and every few minutes. Nobody waits for it: without an answer the lanes
// go by what they know, and learn from responses.
func (s *Server) followRateLimits(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(rateLimitsEach)
		if err := s.readRateLimits(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the account's rate limits are not known: lanes go by the configuration and by response headers", "error", err)
			timer.Reset(rateLimitsAgain)
		}
	}
}

// readRateLimits asks once and tells the lanes.
func (s *Server) readRateLimits(ctx context.Context) error {
	all, err := s.adminClaude.RateLimits(ctx)
	if err != nil {
		return err
	}
	for lane, l := range s.lanes.limits(all) {
		now := time.Now().UTC()
		if err := s.store.UpdateLane(ctx, lane, now, s.governor.Announced(l, now)); err != nil {
			return fmt.Errorf("lane %s: %w", lane, err)
		}
	}
	return nil
}

// limits sorts the account's limits by lane; those of models that no tier leads
// to are left out. Where several entries are one lane's, the lower limit holds.
func (l lanes) limits(all []claude.RateLimit) map[string]governor.Limits {
	found := map[string]governor.Limits{}
	for _, entry := range all {
		for _, model := range entry.Models {
			lane, ok := l[class(model)]
			if !ok {
				continue
			}
			was := found[lane]
			found[lane] = governor.Limits{
				Requests:     lower(was.Requests, entry.Requests),
				InputTokens:  lower(was.InputTokens, entry.InputTokens),
				OutputTokens: lower(was.OutputTokens, entry.OutputTokens),
			}
		}
	}
	return found
}

// lower returns the lower of two limits, of which zero is none.
func lower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// rateLimits is the doctor's look at the Admin API key.
func (d *doctor) rateLimits(ctx context.Context, offline bool) Finding {
	if offline {
		return Finding{Status: "skipped", Detail: "the API was not asked"}
	}
	all, err := d.server.adminClaude.RateLimits(ctx)
	if err != nil {
		return warn("check claude.admin_key, which must be an Admin API key of an organisation, or leave it out: limits are then learned from responses",
			"the account's rate limits cannot be read: %v", err)
	}
	var words []string
	found := d.server.lanes.limits(all)
	for _, lane := range sortedKeys(found) {
		l := found[lane]
		words = append(words, fmt.Sprintf("%s %d requests, %d input and %d output tokens a minute", lane, l.Requests, l.InputTokens, l.OutputTokens))
	}
	if len(words) == 0 {
		return warn("compare claude.models with the models of the account", "the account has no limits for any configured model")
	}
	return ok("%s", strings.Join(words, "; "))
}
