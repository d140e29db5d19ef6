package claude

import (
	"context"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
)

// A RateLimit is what the organisation may use of one class of models, per
// minute. Zero: the API names no limit.
type RateLimit struct {
	Models       []string // ids and aliases
	Requests     int64
	InputTokens  int64
	OutputTokens int64
}

// maxRateLimits bounds the list: there are about a dozen classes.
const maxRateLimits = 500

// RateLimits asks for the organisation's limits, class by class. Only an Admin
// API key may ask, so the client must be one whose HTTP client sends that
// (https://platform.claude.com/docs/en/api/rate-limits-api). Its errors are
// those of Call.
func (c *Client) RateLimits(ctx context.Context) ([]RateLimit, error) {
	var all []RateLimit
	err := c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
		pages := c.api.Organization.RateLimits.ListAutoPaging(ctx, anthropic.OrganizationRateLimitListParams{
			GroupType: anthropic.OrganizationRateLimitListParamsGroupTypeModelGroup,
		}, o)
		for len(all) < maxRateLimits && pages.Next() {
			if entry := pages.Current(); entry.Group.Type == "model_group" {
				all = append(all, rateLimit(entry))
			}
		}
		return pages.Err()
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &Error{Verdict: GiveUp, Code: CodeInvalidOutput, Message: "the answer names no model's limits"}
	}
	return all, nil
}

// rateLimit takes what the governor counts by. A limit that counts cache reads
// too is left out, and so is one of a kind that is not known here.
func rateLimit(entry anthropic.OrganizationRateLimit) RateLimit {
	l := RateLimit{Models: entry.Models}
	for _, v := range entry.Limits {
		switch v.Type {
		case "requests_per_minute":
			l.Requests = max(v.Value, 0)
		case "input_tokens_per_minute_cache_aware":
			l.InputTokens = max(v.Value, 0)
		case "output_tokens_per_minute":
			l.OutputTokens = max(v.Value, 0)
		}
	}
	return l
}
