package verify

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

var snsRef = KeyRef{Sender: "aws-sns", URL: "https://sns.eu-south-1.amazonaws.com/SimpleNotificationService-1.pem"}

// FuzzParseCertificate: what is no certificate that is good now yields none.
func FuzzParseCertificate(f *testing.F) {
	f.Add(certificate(f, "sns.amazonaws.com", testNow.Add(time.Hour)))
	f.Add(certificate(f, "sns.amazonaws.com", testNow.Add(-time.Hour)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		certs, err := ParseCertificates(snsRef, doc, testNow)
		if err == nil && (len(certs) == 0 || len(certs) > maxCertificates || certs[0].NotAfter.Before(testNow)) {
			t.Fatalf("got %d certificates", len(certs))
		}
	})
}

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	good := certificate(t, "sns.amazonaws.com", testNow.Add(time.Hour))
	expired := certificate(t, "sns.amazonaws.com", testNow.Add(-time.Hour))
	for name, c := range map[string]struct {
		doc  []byte
		want string
	}{
		"good":             {good, ""},
		"a chain":          {append(append([]byte{}, good...), expired...), ""},
		"expired":          {expired, "not valid now"},
		"a foreign first":  {append(certificate(t, "evil.example", testNow.Add(time.Hour)), good...), "somebody else"},
		"inside an answer": {append([]byte("<Value>"), good...), "no PEM certificate"},
		"a public key":     {[]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), "no PEM certificate"},
		"cut":              {good[:len(good)/2], "no PEM certificate"},
		"empty":            {nil, "no PEM certificate"},
	} {
		certs, err := ParseCertificates(snsRef, c.doc, testNow)
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) || (certs == nil) != (err != nil) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// TestCertificatesAreTheSenders: a certificate that is good, and lies where the
// sender's do, must be issued to it.
func TestCertificatesAreTheSenders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sender, host, name string
		want               bool
	}{
		{"aws-sns", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com", true},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "SNS.amazonaws.com", true},
		{"aws-sns", "sns.af-south-1.amazonaws.com", "sns-signing.af-south-1.amazonaws.com", true},
		{"aws-sns", "sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com", true},
		{"aws-sns", "sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn", true},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "sns-signing.af-south-1.amazonaws.com", false},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "s3.amazonaws.com", false},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "*.amazonaws.com", false},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "", false},
		{"aws-sns", "sns.cn-north-1.amazonaws.com.cn", "sns.amazonaws.com", false},
		{"aws-sns", "sns.us-east-1.amazonaws.com", "messageverificationcerts.paypal.com", false},
		{"paypal", "api.paypal.com", "messageverificationcerts.paypal.com", true},
		{"paypal", "api.sandbox.paypal.com", "messageverificationcerts.sandbox.paypal.com", true},
		{"paypal", "api.paypal.com", "messageverificationcerts.sandbox.paypal.com", false},
		{"paypal", "api.paypal.com", "www.paypal.com", false},
		{"jwt", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com", false},
	} {
		ref := KeyRef{Sender: c.sender, URL: "https://" + c.host + "/x.pem"}
		_, err := ParseCertificates(ref, certificate(t, c.name, testNow.Add(time.Hour)), testNow)
		if (err == nil) != c.want {
			t.Errorf("%s at %s, issued to %q: got %v, want %v", c.sender, c.host, c.name, err, c.want)
		}
	}
}

func certificate(tb testing.TB, name string, until time.Time) []byte {
	tb.Helper()
	key := testKeys()["ecdsa"]
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: testNow.Add(-24 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
