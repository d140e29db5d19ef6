package deliver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// minSecret is the least length of a signing key, after Standard Webhooks.
const minSecret = 24

// A signer signs callbacks.
type signer struct{ hook *standardwebhooks.Webhook }

// newSigner reads "whsec_" and base64, or takes any other text as it is.
func newSigner(secret string) (signer, error) {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return signer{}, errors.New("what follows whsec_ is not base64")
		}
	}
	if len(key) < minSecret {
		return signer{}, fmt.Errorf("it has %d bytes, the least is %d", len(key), minSecret)
	}
	hook, err := standardwebhooks.NewWebhookRaw(key)
	return signer{hook: hook}, err
}

// sign sets the three headers.
func (s signer) sign(h http.Header, id string, at time.Time, body []byte) error {
	signature, err := s.hook.Sign(id, at, body)
	if err != nil {
		return err
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
