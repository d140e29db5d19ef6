package verify

import (
	"net/http"
	"testing"
	"time"
)

// fuzz throws hostile bytes at one sender. Whatever it is sent, it must answer
// with a verdict; what it accepts must be what it signed, and stay within
// bounds.
func fuzz(f *testing.F, name string) {
	s, ok := Lookup(name)
	if !ok {
		f.Fatal("no sender " + name)
	}
	cfg, key := sample(s)
	v := mustNew(f, cfg)
	s = chosenRow(f, cfg)
	for _, vec := range loadVectors(f) {
		c, _ := vec.config()
		if c.Type != name {
			continue
		}
		r := vec.request()
		sig := ""
		for _, header := range proofHeaders(s, r) {
			sig = r.Header.Get(header)
		}
		f.Add(r.Body, r.Header.Get("Content-Type"), sig, r.URL, int64(0))
	}
	f.Add([]byte(`{"id":"1","type":"t"}`), "application/json", "", "/?challenge=x&bodySHA256=00", int64(10))
	f.Fuzz(func(t *testing.T, body []byte, contentType, proof, url string, skew int64) {
		in := SignInput{Body: body, Header: http.Header{"Content-Type": {contentType}}, Now: testNow, ID: "id-1", Type: "t", Key: key}
		r, err := Sign(cfg, in)
		if err != nil {
			r = Request{Method: "POST", Header: in.Header, Body: body}
		}
		r.Now = testNow
		if _, verifyErr := v.Verify(r); err == nil && verifyErr != nil && s.signsBody() && verifyErr.(*Error).Code != CodeBodyMalformed {
			t.Fatalf("its own signature was refused: %v", verifyErr)
		}
		hostile := clone(r)
		hostile.URL, hostile.Now = url, time.Unix(skew, 0)
		for _, header := range proofHeaders(s, r) {
			hostile.Header.Set(header, proof)
		}
		d, hostileErr := v.Verify(hostile)
		if hostileErr == nil {
			checkBounds(t, d)
		} else {
			codeOf(t, hostileErr)
		}
		if g, ok := v.(Greeter); ok {
			if a := g.Greet(hostile); a != nil && len(a.Body) > 4*maxEcho {
				t.Fatalf("an unsigned request has %d bytes repeated to it", len(a.Body))
			}
		}
	})
}

func checkBounds(t *testing.T, d Delivery) {
	t.Helper()
	for _, text := range []string{d.ID, d.Type, d.Subject} {
		if len(text) > maxText || text != clean(text) {
			t.Fatalf("%q is out of bounds", text)
		}
	}
}

func FuzzGitHub(f *testing.F)           { fuzz(f, "github") }
func FuzzStripe(f *testing.F)           { fuzz(f, "stripe") }
func FuzzShopify(f *testing.F)          { fuzz(f, "shopify") }
func FuzzTwilio(f *testing.F)           { fuzz(f, "twilio") }
func FuzzSlack(f *testing.F)            { fuzz(f, "slack") }
func FuzzStandardWebhooks(f *testing.F) { fuzz(f, "standardwebhooks") }
func FuzzHMAC(f *testing.F)             { fuzz(f, "hmac") }
func FuzzToken(f *testing.F)            { fuzz(f, "token") }
func FuzzBasic(f *testing.F)            { fuzz(f, "basic") }
