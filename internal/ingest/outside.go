package ingest

import (
	"context"
	"errors"
	"net/http"

	"github.com/forebayhq/forebay/verify"
)

// Keys fetches the keys that a sender publishes.
type Keys interface {
	// Fetch brings the key that ref names to where the hook's verifier looks for
	// it. An error means that nobody knows whether the key is good.
	Fetch(ctx context.Context, ref verify.KeyRef) error
}

// Confirmer tells a sender that its subscription is wanted.
type Confirmer interface {
	// Confirm fetches a URL of the sender's, once.
	Confirm(ctx context.Context, url string) error
}

// Offers keeps the secrets that senders bring in a handshake, for an operator to
// take into the configuration.
type Offers interface {
	// Keep stores a secret and returns where. Its error wraps ErrOfferRefused if
	// the offer is to blame.
	Keep(hook, secret string) (where string, err error)
}

// ErrOfferRefused means that an offered secret is none, or one of too many.
var ErrOfferRefused = errors.New("the offer is refused")

// verify checks the signature. If the sender's key is not known, it is fetched
// while the sender waits, and the check is made once more. A key that could not
// be had is our fault (503); one that the sender does not publish is not.
func (v *visit) verify() (verify.Delivery, error) {
	d, err := v.hook.Verifier.Verify(v.request())
	need := needed(err)
	if need == nil || v.hook.Keys == nil {
		return d, err
	}
	if bad := v.hook.Keys.Fetch(v.r.Context(), *need); bad != nil {
		return d, err
	}
	d, err = v.hook.Verifier.Verify(v.request())
	if needed(err) != nil {
		return d, &verify.Error{
			Code: verify.CodeKeyUnknown, Message: "the sender publishes no key of the name that the request gives",
			Hint: "check that the hook's type and jwks_url are those of the service that sends",
		}
	}
	return d, err
}

// needed is the key that a check lacked; nil: none.
func needed(err error) *verify.KeyRef {
	if e, ok := errors.AsType[*verify.Error](err); ok && e != nil && e.Code == verify.CodeKeyUnavailable {
		return e.Need
	}
	return nil
}

// confirm tells the sender that its subscription is wanted, where it asks for
// that. If that fails, the sender asks again.
func (v *visit) confirm(g *verify.Answer) (answer, bool) {
	log := v.rc.opts.Log.With("hook", v.name, "handshake", g.Name)
	if v.rc.opts.Confirm == nil {
		log.Warn("the sender waits for a confirmation that is not sent by itself: open the URL to begin the subscription", "url", g.Confirm)
		return answer{}, true
	}
	if err := v.rc.opts.Confirm.Confirm(v.r.Context(), g.Confirm); err != nil {
		log.Warn("subscription not confirmed", "error", err)
		return v.unavailable("confirmation_failed", "the subscription could not be confirmed"), false
	}
	log.Info("subscription confirmed")
	return answer{}, true
}

// offered keeps the secret that a handshake brings: unproven, so not used, and a
// secret, so not for the log. What is not kept is not answered: the sender would
// take the answer for a promise to know the secret.
func (v *visit) offered(g *verify.Answer) (answer, bool) {
	log := v.rc.opts.Log.With("hook", v.name, "handshake", g.Name, "remote", v.r.RemoteAddr)
	if v.rc.opts.Offers == nil {
		log.Warn("somebody offered a secret for this hook: take the secret from the sender's console into the configuration")
		return answer{}, true
	}
	where, err := v.rc.opts.Offers.Keep(v.name, g.Offer)
	if errors.Is(err, ErrOfferRefused) {
		log.Warn("somebody offered a secret for this hook, and it was refused", "error", err)
		return refuse(http.StatusUnauthorized, problem{"offer_refused", "the offered secret is none, or too many others wait",
			"the operator removes the files of offers that are not wanted, or takes one into the configuration"}), false
	}
	if err != nil {
		log.Error("somebody offered a secret for this hook, and it was not kept", "error", err)
		return v.unavailable("offer_not_kept", "the offered secret could not be kept"), false
	}
	log.Warn("somebody offered a secret for this hook. If that was the sender, while you set the webhook up, write it into the hook's source: "+
		"secrets: [\"${file:"+where+"}\"]", "file", where)
	return answer{}, true
}
