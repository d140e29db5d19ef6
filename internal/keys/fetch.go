package keys

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/verify"
)

// Senders whose keys are not a key set.
const (
	plaid  = "plaid"
	sns    = "aws-sns"
	paypal = "paypal"
)

// A keyset is what one fetch brought.
type keyset struct {
	keys  map[string]crypto.PublicKey
	keep  time.Duration // how long it is fresh
	until time.Time     // when its certificate ends; zero: it has none
}

// get fetches and reads the keys at a place.
func (s *Source) get(ctx context.Context, ref verify.KeyRef) (keyset, error) {
	req, err := s.request(ctx, ref)
	if err != nil {
		return keyset{}, err
	}
	client, err := s.cache.client(ref.URL, egress.Policy{Timeout: timeout, MaxBytes: maxBytes, HTTPSOnly: true})
	if err != nil {
		return keyset{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return keyset{}, err
	}
	defer resp.Body.Close()
	doc, err := io.ReadAll(resp.Body) // bounded by the client
	if err != nil {
		return keyset{}, fmt.Errorf("read: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return s.refused(ref, resp.StatusCode, doc)
	}
	got, err := s.read(ctx, ref, doc)
	got.keep = keep(resp.Header.Get("Cache-Control"))
	return got, err
}

func (s *Source) request(ctx context.Context, ref verify.KeyRef) (*http.Request, error) {
	if ref.Sender != plaid {
		return http.NewRequestWithContext(ctx, http.MethodGet, ref.URL, nil)
	}
	// https://plaid.com/docs/api/webhooks/webhook-verification/#get-webhook-verification-key
	body, err := json.Marshal(map[string]string{"client_id": s.login.ClientID, "secret": s.login.ClientSecret, "key_id": ref.ID})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ref.URL, bytes.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// refused sorts an answer that is not 200. Plaid says in so many words that it
// has no key of that id; anything else may pass.
func (s *Source) refused(ref verify.KeyRef, status int, doc []byte) (keyset, error) {
	var answer struct {
		Code string `json:"error_code"`
	}
	if ref.Sender == plaid && status == http.StatusBadRequest && json.Unmarshal(doc, &answer) == nil && answer.Code == "INVALID_WEBHOOK_VERIFICATION_KEY_ID" {
		return keyset{keys: map[string]crypto.PublicKey{}, keep: shortest}, nil
	}
	return keyset{}, fmt.Errorf("answered with status %d", status)
}

// read reads what the sender publishes in the form that it uses.
func (s *Source) read(ctx context.Context, ref verify.KeyRef, doc []byte) (keyset, error) {
	switch ref.Sender {
	case sns, paypal:
		return s.certificate(ctx, ref, doc)
	case plaid:
		for _, key := range verify.ParseJWKS(doc) {
			return keyset{keys: map[string]crypto.PublicKey{ref.ID: key}}, nil
		}
		return keyset{}, errors.New("no key in the answer")
	}
	set := verify.ParseJWKS(doc)
	if len(set) == 0 {
		return keyset{}, errors.New("no key set (RFC 7517) there")
	}
	return keyset{keys: set}, nil
}

// keep is how long a Cache-Control header lets keys be kept, within bounds: a
// key that the sender has withdrawn must not be trusted for long.
func keep(control string) time.Duration {
	for part := range strings.SplitSeq(control, ",") {
		seconds, ok := strings.CutPrefix(strings.TrimSpace(strings.ToLower(part)), "max-age=")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(seconds, 10, 31)
		if err != nil {
			break
		}
		return max(shortest, min(time.Duration(n)*time.Second, longest))
	}
	return usual
}
