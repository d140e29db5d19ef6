//go:debug x509usefallbackroots=1

package forebay_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// An authority is the only root that the servers under test trust, so that
// hosts of senders can be played: sns.us-east-1.amazonaws.com, api.paypal.com.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var theAuthority = sync.OnceValue(func() *authority {
	a := &authority{key: newEC()}
	a.cert = a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, a.key.Public())
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	x509.SetFallbackRoots(pool)
	return a
})

func newEC() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

// theRSA are keys that several tests sign with: [0] is the right one in each.
var theRSA = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return keys
})

// issue makes a certificate that is good through all the time of the tests.
func (a *authority) issue(c *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotBefore.IsZero() {
		c.NotBefore, c.NotAfter = time.Unix(0, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, a.key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// serveTLS plays an https host at port 443.
func (w *world) serveTLS(host string, h http.Handler) {
	key := newEC()
	cert := theAuthority().issue(&x509.Certificate{DNSNames: []string{host}}, key.Public())
	l := tls.NewListener(w.net.listen(host+":443"), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}})
	srv, done := &http.Server{Handler: h}, make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	w.stop = append(w.stop, func() { _ = srv.Close(); <-done })
}

// The names that senders' signing certificates are issued to.
const (
	snsName    = "sns.amazonaws.com"
	paypalName = "messageverificationcerts.paypal.com"
)

// pemOf is the certificate that a sender publishes for a key.
func pemOf(name string, key crypto.PublicKey) []byte {
	cert := theAuthority().issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}}, key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// jwkOf is a public key as a member of a key set.
func jwkOf(kid string, key crypto.PublicKey) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := key.(type) {
	case *rsa.PublicKey:
		return map[string]string{"kid": kid, "kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	case *ecdsa.PublicKey:
		raw, err := k.Bytes()
		if err != nil {
			panic(err)
		}
		return map[string]string{"kid": kid, "kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])}
	}
	return nil
}
