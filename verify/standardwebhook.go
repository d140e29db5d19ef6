package verify

import (
	"net/http"
	"strings"
	"time"
)

// A StandardWebhook signs outgoing webhooks by the Standard Webhooks
// specification, so that every receiver has a library that verifies them. It is
// immutable and safe for concurrent use.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
type StandardWebhook struct {
	keys []*macKey
	text text
}

// NewStandardWebhook takes secrets in the form whsec_ and base64, as base64
// alone, or as text. With several, each message carries a signature of each,
// so that a receiver can change from one to the next. The error is a
// *[ConfigError].
func NewStandardWebhook(secrets ...string) (*StandardWebhook, error) {
	if len(secrets) == 0 {
		return nil, badSecret("is missing", "write whsec_ and the base64 of 24 to 64 random bytes")
	}
	t, err := parseText(standard().Signed)
	if err != nil {
		return nil, err
	}
	w := &StandardWebhook{text: t}
	for no, secret := range secrets {
		if err := checkSecret(secret); err != nil {
			return nil, err
		}
		keys, err := decodeSecret(secret, "whsec")
		if err != nil {
			return nil, err
		}
		algorithm, _ := algorithmOf("sha256")
		w.keys = append(w.keys, newMACKey(no, keys[0], algorithm))
	}
	return w, nil
}

// Sign returns the headers of a message: webhook-id, webhook-timestamp and
// webhook-signature. The id stays the same for every attempt; now is the time
// of the attempt. The id must not contain a dot: it would blur what is signed.
func (w *StandardWebhook) Sign(id string, now time.Time, body []byte) http.Header {
	in := signing{r: &Request{Body: body}, id: id, timestamp: formatTimestamp(now, unitSeconds)}
	var signatures []string
	for _, key := range w.keys {
		state, sum := key.mac(w.text, &in)
		signatures = append(signatures, "v1,"+encode(sum, base64Encoding))
		key.put(state)
	}
	return http.Header{
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {in.timestamp},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}
}
