package verify

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strings"
)

// braintree proves Braintree's notifications: a form with bt_payload and with
// bt_signature, a list of PUBLIC_KEY|SIGNATURE joined by &.
// https://developer.paypal.com/braintree/docs/guides/webhooks/parse
type braintree struct {
	secrets []string
	keyID   string
}

func newBraintree(cfg Config) (*braintree, *ConfigError) {
	if value, remedy := demanded("key_id", cfg); value == "" {
		return nil, &ConfigError{Field: "key_id", Message: "Braintree signs by the name of its public key, and it is not set", Remedy: remedy}
	}
	return &braintree{secrets: cfg.Secrets, keyID: cfg.KeyID}, nil
}

func (b *braintree) prove(r *Request) (proven, *Error) {
	if !isForm(r.Header) {
		return proven{}, refuse(CodeContentTypeUnsupported, "the body is not a form", hintShape)
	}
	list, ok := formField(r.Body, "bt_signature")
	payload, ok2 := formField(r.Body, "bt_payload")
	if !ok || !ok2 || len(list) > maxHeader {
		return proven{}, refuse(CodeSignatureMissing, "the form has no bt_signature and bt_payload, or more than one", hintSetup)
	}
	var sig [sha1.Size]byte
	found := false
	n := 0
	for pair := range strings.SplitSeq(string(list), "&") {
		if n++; n > maxCandidates {
			return proven{}, tooMany()
		}
		id, text, _ := strings.Cut(pair, "|")
		if size, ok := decodeInto(sig[:], text, hexEncoding); id != b.keyID || !ok || size != len(sig) {
			continue
		}
		found = true
		for no, secret := range b.secrets {
			if subtle.ConstantTimeCompare(braintreeMAC(secret, string(payload)), sig[:]) == 1 {
				digest := sha256.Sum256(payload)
				return proven{digest: digest[:], secretNo: no}, nil
			}
		}
	}
	if !found {
		return proven{}, refuse(CodeSignatureMalformed, "bt_signature has no signature of the configured key_id", hintSecret)
	}
	return proven{}, refuse(CodeSignatureMismatch, "no configured private key made this signature", hintSecret)
}

func (b *braintree) sign(r *Request, _ *SignInput) error {
	payload := string(r.Body)
	sig := encode(braintreeMAC(b.secrets[0], payload), hexEncoding)
	r.Body = []byte(url.Values{"bt_payload": {payload}, "bt_signature": {b.keyID + "|" + sig}}.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// braintreeElement reads the first element of a name in the document that
// bt_payload holds in base64. Such elements hold text alone: a kind, a time, the
// id of what the notification is about, which comes first.
// https://developer.paypal.com/braintree/docs/guides/webhooks/overview
func braintreeElement(body []byte, name string) string {
	payload, ok := formField(body, "bt_payload")
	if !ok {
		return ""
	}
	doc, err := base64.StdEncoding.DecodeString(string(payload)) // it is written in lines
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(doc, []byte("<"+name))
	attributes, rest, _ := bytes.Cut(rest, []byte(">"))
	text, _, ok := bytes.Cut(rest, []byte("</"+name+">"))
	if !ok || len(text) > maxText || len(attributes) > 0 && attributes[0] != ' ' || bytes.ContainsAny(text, "<>&") {
		return ""
	}
	return string(text)
}
