package verify

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxCertificates bounds the certificates of one document.
const maxCertificates = 10

// ParseCertificates reads the certificate that a sender signs with and those
// that come after it, in PEM. It is for the [KeySource] that fetches them, which
// has yet to see that they lead to an authority that it trusts. It is strict: the
// first must be good now and be issued to the sender, and nothing may stand
// before it, since a sender's host may repeat what others have written.
func ParseCertificates(ref KeyRef, doc []byte, now time.Time) ([]*x509.Certificate, error) {
	if !bytes.HasPrefix(doc, []byte("-----BEGIN CERTIFICATE-----")) {
		return nil, errors.New("no PEM certificate")
	}
	var all []*x509.Certificate
	for len(all) < maxCertificates {
		var block *pem.Block
		if block, doc = pem.Decode(doc); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		all = append(all, cert)
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("no PEM certificate")
	case now.Before(all[0].NotBefore) || now.After(all[0].NotAfter):
		return nil, errors.New("the certificate is not valid now")
	case !issuedTo(all[0], signerNames(ref)):
		return nil, errors.New("the certificate is issued to somebody else")
	}
	return all, nil
}

// issuedTo looks for a name among those of a certificate, or in its subject:
// PayPal's are named there alone. There are no wildcards.
func issuedTo(cert *x509.Certificate, names []string) bool {
	for _, has := range append(slices.Clone(cert.DNSNames), cert.Subject.CommonName) {
		if has != "" && slices.Contains(names, strings.ToLower(has)) {
			return true
		}
	}
	return false
}

// signerNames are the names that a sender's signing certificate may be issued
// to, by the host that publishes it.
func signerNames(ref KeyRef) []string {
	u, err := url.Parse(ref.URL)
	if err != nil {
		return nil
	}
	switch ref.Sender {
	case "aws-sns":
		return snsSigners(u.Host)
	case "paypal":
		return paypalSigners(u.Host)
	}
	return nil
}
