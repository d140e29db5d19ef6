package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/egresstest"
)

// TestTrusted: a certificate that comes alone is followed to a root, by way of
// the places where its issuers say that theirs are, and no further than a few.
func TestTrusted(t *testing.T) {
	t.Parallel()
	published, asked := map[string][]byte{}, atomic.Int32{}
	e, origin := egresstest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = w.Write(published[r.URL.Path])
	}))
	root := issue(t, "root", "", nil)
	one := issue(t, "one", "", root)
	two := issue(t, "two", origin+"/one", one)
	published["/one"], published["/two"] = one.cert.Raw, two.cert.Raw
	stranger := issue(t, "stranger", "", nil)
	published["/stranger"] = stranger.cert.Raw
	again := issue(t, "again", origin+"/again", stranger)
	published["/again"] = again.cert.Raw
	published["/text"] = []byte("no certificate")
	stolen := issue(t, "stolen", origin+"/two", stranger)

	c, err := New(Options{Egress: e})
	if err != nil {
		t.Fatal(err)
	}
	c.roots = x509.NewCertPool()
	c.roots.AddCert(root.cert)
	for name, tt := range map[string]struct {
		chain []*x509.Certificate
		asks  int32
		want  string
	}{
		"by the root":                  {[]*x509.Certificate{issue(t, "leaf", "", root).cert}, 0, ""},
		"with its issuers":             {[]*x509.Certificate{issue(t, "leaf", origin+"/two", two).cert, two.cert, one.cert}, 0, ""},
		"alone":                        {[]*x509.Certificate{issue(t, "leaf", origin+"/two", two).cert}, 2, ""},
		"half of it":                   {[]*x509.Certificate{issue(t, "leaf", "", two).cert, two.cert}, 1, ""},
		"by a stranger":                {[]*x509.Certificate{issue(t, "leaf", origin+"/stranger", stranger).cert}, 1, "unknown authority"},
		"by a stranger, with a detour": {[]*x509.Certificate{stolen.cert}, 2, "unknown authority"},
		"by itself":                    {[]*x509.Certificate{stranger.cert}, 0, "unknown authority"},
		"with nothing to follow":       {[]*x509.Certificate{issue(t, "leaf", origin+"/text", two).cert}, 1, "no certificate there"},
		"with no place to look":        {[]*x509.Certificate{issue(t, "leaf", "file:///etc/passwd", two).cert}, 0, "does not say where"},
		"with a private place":         {[]*x509.Certificate{issue(t, "leaf", "http://127.0.0.1:1/x", two).cert}, 0, "blocked"},
		"for ever":                     {[]*x509.Certificate{again.cert}, maxIssuers, "within"},
	} {
		before := asked.Load()
		err := c.trusted(t.Context(), tt.chain)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
		if n := asked.Load() - before; n != tt.asks {
			t.Errorf("%s: %d certificates were fetched, want %d", name, n, tt.asks)
		}
	}
	c.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	if err := c.trusted(t.Context(), []*x509.Certificate{issue(t, "leaf", "", root).cert}); err == nil {
		t.Error("a certificate that has run out is trusted")
	}
}

type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate that may issue others; by nil: by itself.
func issue(t *testing.T, name, at string, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	me := &issued{key: key}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if at != "" {
		c.IssuingCertificateURL = []string{at}
	}
	parent := c
	if by == nil {
		by = me
	} else {
		parent = by.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if me.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return me
}
