package keys

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/internal/egress"
	"github.com/forebayhq/forebay/verify"
)

const (
	// maxIssuers bounds the certificates that are fetched to reach an authority.
	maxIssuers = 3
	// maxIssuer bounds one of them.
	maxIssuer = 16 << 10
)

// certificate reads a signing certificate. It is not enough that it lies on the
// sender's host: it must be issued to the sender, by an authority that this
// machine trusts.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
func (s *Source) certificate(ctx context.Context, ref verify.KeyRef, doc []byte) (keyset, error) {
	certs, err := verify.ParseCertificates(ref, doc, s.cache.now())
	if err != nil {
		return keyset{}, err
	}
	if err := s.cache.trusted(ctx, certs); err != nil {
		return keyset{}, err
	}
	return keyset{keys: map[string]crypto.PublicKey{"": certs[0].PublicKey}, until: certs[0].NotAfter}, nil
}

// trusted follows a certificate to a root that the system trusts. Senders publish
// the certificate alone, so that its issuer's is fetched from where it says that
// one is (RFC 5280, 4.2.2.1). That place is plain http as a rule, and need not be
// believed: the signatures of the chain are checked.
func (c *Cache) trusted(ctx context.Context, certs []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, cert := range certs[1:] {
		between.AddCert(cert)
	}
	last := certs[len(certs)-1]
	for n := 0; ; n++ {
		_, err := certs[0].Verify(x509.VerifyOptions{
			Roots: c.roots, Intermediates: between, CurrentTime: c.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
			return err
		}
		if n == maxIssuers {
			return fmt.Errorf("the certificate leads to no authority within %d steps: %w", maxIssuers, err)
		}
		issuer, bad := c.issuer(ctx, last)
		if bad != nil {
			return fmt.Errorf("%w; its issuer: %w", err, bad)
		}
		between.AddCert(issuer)
		last = issuer
	}
}

// issuer fetches the certificate of a certificate's issuer.
func (c *Cache) issuer(ctx context.Context, cert *x509.Certificate) (*x509.Certificate, error) {
	if len(cert.IssuingCertificateURL) == 0 || !strings.HasPrefix(cert.IssuingCertificateURL[0], "http") {
		return nil, errors.New("it does not say where that is")
	}
	client, err := c.client(cert.IssuingCertificateURL[0], egress.Policy{Timeout: timeout / 2, MaxBytes: maxIssuer})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cert.IssuingCertificateURL[0], nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	der, err := io.ReadAll(resp.Body) // bounded by the client
	switch {
	case err != nil:
		return nil, fmt.Errorf("read: %w", err)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("answered with status %d", resp.StatusCode)
	}
	issuer, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("no certificate there: %w", err)
	}
	return issuer, nil
}
