package verify

import (
	"crypto"
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
		attempt(t, s, cfg, v, assault{body: body, contentType: contentType, proof: proof, url: url, skew: skew, key: key})
	})
}

// An assault is what the fuzzer made up.
type assault struct {
	body                    []byte
	contentType, proof, url string
	skew                    int64
	key                     crypto.Signer
}

// attempt verifies the body as signed, and with a hostile proof, URL and clock.
func attempt(t *testing.T, s Sender, cfg Config, v Verifier, a assault) {
	t.Helper()
	in := SignInput{Body: a.body, Header: http.Header{"Content-Type": {a.contentType}}, Now: testNow, ID: "id-1", Type: "t", Key: a.key}
	r, err := Sign(cfg, in)
	if err != nil {
		r = Request{Method: "POST", Header: in.Header, Body: a.body}
	}
	r.Now = testNow
	if _, verifyErr := v.Verify(r); err == nil && verifyErr != nil && s.signsBody() && verifyErr.(*Error).Code != CodeBodyMalformed {
		t.Fatalf("%s: its own signature was refused: %v", s.Name, verifyErr)
	}
	hostile := clone(r)
	hostile.URL, hostile.Now = a.url, time.Unix(a.skew, 0)
	for _, header := range proofHeaders(s, r) {
		hostile.Header.Set(header, a.proof)
	}
	d, hostileErr := v.Verify(hostile)
	if hostileErr == nil {
		checkBounds(t, d)
		_ = d.Content(hostile.Body)
	} else {
		codeOf(t, hostileErr)
	}
	if g, ok := v.(Greeter); ok {
		if answer := g.Greet(hostile); answer != nil && len(answer.Body) > 4*maxEcho {
			t.Fatalf("%s: an unsigned request has %d bytes repeated to it", s.Name, len(answer.Body))
		}
	}
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

func FuzzPaddle(f *testing.F)      { fuzz(f, "paddle") }
func FuzzGitea(f *testing.F)       { fuzz(f, "gitea") }
func FuzzGitLab(f *testing.F)      { fuzz(f, "gitlab") }
func FuzzBox(f *testing.F)         { fuzz(f, "box") }
func FuzzHubSpot(f *testing.F)     { fuzz(f, "hubspot") }
func FuzzContentful(f *testing.F)  { fuzz(f, "contentful") }
func FuzzCoinbaseCDP(f *testing.F) { fuzz(f, "coinbase-cdp") }
func FuzzPlivo(f *testing.F)       { fuzz(f, "plivo") }
func FuzzDropboxSign(f *testing.F) { fuzz(f, "dropbox-sign") }
func FuzzMailgun(f *testing.F)     { fuzz(f, "mailgun") }
func FuzzAdyen(f *testing.F)       { fuzz(f, "adyen") }
func FuzzBraintree(f *testing.F)   { fuzz(f, "braintree") }
func FuzzSNS(f *testing.F)         { fuzz(f, "aws-sns") }
func FuzzPayPal(f *testing.F)      { fuzz(f, "paypal") }
func FuzzDiscord(f *testing.F)     { fuzz(f, "discord") }
func FuzzSendGrid(f *testing.F)    { fuzz(f, "sendgrid") }
func FuzzJWTShared(f *testing.F)   { fuzz(f, "upstash-qstash") }
func FuzzJWTPublic(f *testing.F)   { fuzz(f, "google-pubsub") }
func FuzzFigma(f *testing.F)       { fuzz(f, "figma") }

// FuzzEverySender goes through the whole table with the same checks as the
// targets above, which spend more time on the schemes that differ most.
func FuzzEverySender(f *testing.F) {
	senders := Senders()
	type prepared struct {
		cfg Config
		key crypto.Signer
		v   Verifier
	}
	var all []prepared
	for i, s := range senders {
		cfg, key := sample(s)
		all = append(all, prepared{cfg, key, mustNew(f, cfg)})
		f.Add(uint8(i), []byte(`{"id":"1","type":"t"}`), "application/json", "", "/?challenge=x", int64(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte, contentType, proof, url string, skew int64) {
		p, s := all[int(which)%len(all)], senders[int(which)%len(all)]
		attempt(t, s, p.cfg, p.v, assault{body: body, contentType: contentType, proof: proof, url: url, skew: skew, key: p.key})
	})
}

// FuzzExplain: the operator's tool takes captured requests of any kind.
func FuzzExplain(f *testing.F) {
	for _, v := range loadVectors(f) {
		if len(v.Body) < 2000 {
			f.Add([]byte(v.Body), "sha256=00", "X-Hub-Signature-256")
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, value, header string) {
		h := http.Header{}
		h.Set(header, value)
		for _, cfg := range []Config{{Type: "github", Secrets: []string{"s"}}, {Type: "stripe", Secrets: []string{"whsec_s"}}, {Type: "twilio", Secrets: []string{"s"}, PublicURL: testURL}} {
			if _, err := Explain(cfg, Request{Method: "POST", Header: h, Body: body, Now: testNow}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
