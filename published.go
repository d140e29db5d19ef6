package forebay

import (
	"context"
	"errors"
	"fmt"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/internal/keys"
	"github.com/forebayhq/forebay/verify"
)

// WithPublishedKeys returns source with the keys that the sender of r publishes,
// fetched through the guarded client as a server with that configuration would.
// Where r needs no such key, nothing is fetched.
func WithPublishedKeys(ctx context.Context, cfg *config.Config, source verify.Config, r verify.Request) (verify.Config, error) {
	v, err := verify.New(source)
	if err != nil {
		return source, err
	}
	_, err = v.Verify(r)
	refusal, ok := errors.AsType[*verify.Error](err)
	if !ok || refusal == nil || refusal.Need == nil {
		return source, nil
	}
	out, err := egress.New(egress.Options{Allow: cfg.Egress.Allow, Proxy: cfg.Egress.Proxy})
	if err != nil {
		return source, fmt.Errorf("egress: %w", err)
	}
	defer out.Close()
	cache, err := keys.New(keys.Options{Egress: out})
	if err != nil {
		return source, err
	}
	published := cache.Source(keys.Login{ClientID: source.ClientID, ClientSecret: source.ClientSecret})
	if err := published.Fetch(ctx, *refusal.Need); err != nil {
		return source, fmt.Errorf("the sender's keys could not be fetched: %s", egress.Detail(err))
	}
	source.Keys = published
	return source, nil
}
