package claude

import (
	"context"
	"fmt"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
)

// A ModelInfo is what the API says about a model
// (https://platform.claude.com/docs/en/api/models/retrieve).
type ModelInfo struct {
	ID           string
	DisplayName  string
	Lifecycle    string    // "active", "deprecated", "retired"; empty if not told
	DeprecatedAt time.Time // zero: it is not
	RetiresAt    time.Time // zero: not scheduled
	MaxInput     int64
	MaxOutput    int64
}

// CountTokens asks the API how many input tokens a request has. It is free, has
// a rate limit of its own, knows nothing of caching, and is an estimate.
func (c *Client) CountTokens(ctx context.Context, r Request) (int64, error) {
	params, err := messageParams(r)
	if err != nil {
		return 0, &Error{Verdict: GiveUp, Code: CodeInvalidRequest, Message: oneLine(err.Error())}
	}
	var tokens int64
	err = c.short(ctx, r.Model, func(ctx context.Context, o option.RequestOption) error {
		got, err := c.api.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{
			Model:        params.Model,
			System:       anthropic.MessageCountTokensParamsSystemUnion{OfTextBlockArray: params.System},
			Messages:     params.Messages,
			Thinking:     params.Thinking,
			OutputConfig: params.OutputConfig,
		}, o)
		if err == nil {
			tokens = got.InputTokens
		}
		return err
	})
	if err == nil && tokens <= 0 {
		return 0, &Error{Verdict: GiveUp, Code: CodeInvalidOutput, Message: "the answer holds no count"}
	}
	return tokens, err
}

// Model asks the API about one model; an unknown one is an *Error with
// CodeModelNotFound.
func (c *Client) Model(ctx context.Context, id string) (ModelInfo, error) {
	var info ModelInfo
	err := c.short(ctx, id, func(ctx context.Context, o option.RequestOption) error {
		got, err := c.api.Models.Get(ctx, id, anthropic.ModelGetParams{}, o)
		if err == nil {
			info = modelInfo(*got)
		}
		return err
	})
	return info, err
}

// Models lists the models that the account may call, newest first, one
// thousand at most.
func (c *Client) Models(ctx context.Context) ([]ModelInfo, error) {
	var all []ModelInfo
	err := c.short(ctx, "", func(ctx context.Context, o option.RequestOption) error {
		page, err := c.api.Models.List(ctx, anthropic.ModelListParams{Limit: anthropic.Int(1000)}, o)
		if err != nil {
			return err
		}
		for _, m := range page.Data {
			all = append(all, modelInfo(m))
		}
		return nil
	})
	return all, err
}

// short makes a request whose answer is one document. Its errors are those of
// Call.
func (c *Client) short(ctx context.Context, model string, do func(context.Context, option.RequestOption) error) error {
	watched, w := c.watch(ctx)
	defer w.stop()
	err := do(watched, option.WithMiddleware(w.middleware))
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("request to Claude interrupted: %w", context.Cause(ctx))
	}
	p := newReply(Request{Model: model}, nil)
	return p.failed(w.explain(err), w.resp, time.Now())
}

func modelInfo(m anthropic.ModelInfo) ModelInfo {
	return ModelInfo{
		ID: m.ID, DisplayName: m.DisplayName, Lifecycle: string(m.Lifecycle),
		DeprecatedAt: m.DeprecatedAt, RetiresAt: m.RetiresAt,
		MaxInput: m.MaxInputTokens, MaxOutput: m.MaxTokens,
	}
}
