package verify

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"hash/crc32"
	"net/url"
	"path"
	"strings"
	"time"
)

// paypal proves PayPal's webhooks: an RSA signature over transmission id, time,
// webhook id and the CRC-32 of the body. CRC-32 is no cryptographic digest: who
// has seen one delivery can make another body of the same CRC, so that the
// transmission id, which is signed, is what deliveries are told apart by.
// https://developer.paypal.com/api/rest/webhooks/rest/#verify-event-notifications
type paypal struct {
	published
	webhookID string
	tolerance time.Duration
}

const (
	paypalID   = "Paypal-Transmission-Id"
	paypalTime = "Paypal-Transmission-Time"
	paypalSig  = "Paypal-Transmission-Sig"
	paypalCert = "Paypal-Cert-Url"
	paypalAlgo = "Paypal-Auth-Algo"
)

func (p *paypal) prove(r *Request) (proven, *Error) {
	value, err := signatureHeader(r.Header, paypalSig)
	if err != nil {
		return proven{}, err
	}
	var heads [4]string
	for i, name := range [...]string{paypalID, paypalTime, paypalCert, paypalAlgo} {
		if heads[i], err = only(r.Header, name); err != nil {
			return proven{}, err
		}
	}
	id, stamp, certURL, algo := heads[0], heads[1], heads[2], heads[3]
	at, ok := parseTimestamp(stamp, unitRFC3339)
	sig, decodeErr := base64.StdEncoding.Strict().DecodeString(value)
	switch {
	case !ok:
		return proven{}, refuse(CodeTimestampMalformed, "the header "+paypalTime+" is not a time", hintShape)
	case !strings.EqualFold(algo, "SHA256withRSA"):
		return proven{}, refuse(CodeSignatureUnsupported, "the header "+paypalAlgo+" is not SHA256withRSA", hintShape)
	case !paypalURL(certURL):
		return proven{}, refuse(CodeKeyUntrusted, "the certificate is not on a host of PayPal", "only api.paypal.com and api.sandbox.paypal.com sign")
	case decodeErr != nil || len(sig) > maxSignature || strings.ContainsAny(value, "\r\n"):
		return proven{}, refuse(CodeSignatureMalformed, "the signature is not base64", hintShape)
	case len(id) > maxText || !printable(id) || strings.Contains(id, "|"):
		return proven{}, refuse(CodeIDMalformed, "the header "+paypalID+" is no transmission id", hintShape)
	}
	text := p.text(id, stamp, r.Body)
	no, err := p.signed(signature{crypto.SHA256, text, sig}, KeyRef{Sender: "paypal", URL: certURL}, r.Now)
	if err != nil {
		return proven{}, err
	}
	if p.tolerance > 0 && !within(at, r.Now, p.tolerance) {
		return proven{}, stale(at, r.Now, p.tolerance)
	}
	digest := sha256.Sum256(text)
	return proven{digest: digest[:], secretNo: no, id: id, time: at}, nil
}

func (p *paypal) text(id, stamp string, body []byte) []byte {
	return []byte(id + "|" + stamp + "|" + p.webhookID + "|" + itoa(int64(crc32.ChecksumIEEE(body))))
}

func paypalURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.User == nil && (u.Host == "api.paypal.com" || u.Host == "api.sandbox.paypal.com") &&
		strings.HasPrefix(u.Path, "/v1/notifications/certs/") && path.Clean(u.Path) == u.Path && !strings.ContainsAny(text, "?#")
}

// paypalSigners are the names of PayPal's signing certificates.
// https://github.com/paypal/PayPal-Java-SDK, SSLUtil.validateCertificateChain
func paypalSigners(host string) []string {
	const live = "messageverificationcerts.paypal.com"
	if host == "api.sandbox.paypal.com" {
		return []string{live, "messageverificationcerts.sandbox.paypal.com"}
	}
	return []string{live}
}

func newPayPal(s Sender, cfg Config) (*paypal, *ConfigError) {
	if cfg.WebhookID == "" {
		_, remedy := demanded("webhook_id", cfg)
		return nil, &ConfigError{Field: "webhook_id", Message: "PayPal signs it, and it is not set", Remedy: remedy}
	}
	keys, err := newPublished("PayPal", cfg)
	if err != nil {
		return nil, err
	}
	keys.notPinned = refuse(CodeSignatureMismatch, "no pinned certificate made this signature for the configured webhook_id", "check webhook_id; PayPal may also have changed its certificate")
	keys.notNamed = refuse(CodeSignatureMismatch, "the certificate did not make this signature for the configured webhook_id", "check webhook_id and that the body is passed through byte for byte")
	return &paypal{published: keys, webhookID: cfg.WebhookID, tolerance: toleranceOf(s.Proof, cfg)}, nil
}

func (p *paypal) sign(r *Request, in *SignInput) error {
	if in.Key == nil {
		return errNoKey()
	}
	id := orElse(in.ID, "00000000-0000-4000-8000-000000000000")
	stamp := formatTimestamp(in.Now, unitRFC3339)
	sig, err := signWith(in.Key, crypto.SHA256, p.text(id, stamp, r.Body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		paypalID: id, paypalTime: stamp, paypalSig: encode(sig, base64Encoding), paypalAlgo: "SHA256withRSA",
		paypalCert: "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270", "Paypal-Auth-Version": "v2",
	} {
		r.Header.Set(name, value)
	}
	return nil
}
