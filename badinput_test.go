package forebay_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/verify"
)

// badHooks are hooks whose senders prove themselves in different ways.
const badHooks = `hooks:
  in:
    source: {type: jwt, issuer: "https://issuer.test", audience: forebay, jwks_url: "https://keys.test/jwks"}
    model: haiku
    prompt: p
  stripe:
    source: {type: stripe, secrets: [whsec_the_secret]}
    model: haiku
    prompt: p
  slack:
    source: {type: slack, secrets: [the-secret]}
    model: haiku
    prompt: p
  svix:
    source: {type: standardwebhooks, secrets: [whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=]}
    model: haiku
    prompt: p
  pager:
    source: {type: pagerduty, secrets: [the-secret]}
    model: haiku
    prompt: p
  github:
    source: {type: github, secrets: [the-secret]}
    model: haiku
    prompt: p
  discord:
    source: {type: discord, public_keys: ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]}
    model: haiku
    prompt: p
  sns:
    source: {type: aws-sns, topics: ["arn:aws:sns:us-east-1:123456789012:Orders"]}
    model: haiku
    prompt: p
`

// rawToken signs any head and claims.
func rawToken(key *rsa.PrivateKey, head, claims map[string]any) string {
	segment := func(v any) string {
		doc, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(doc)
	}
	text := segment(head) + "." + segment(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// with returns a copy of m with one member changed; nil takes it away.
func with(m map[string]any, name string, value any) map[string]any {
	out := maps.Clone(m)
	out[name] = value
	if value == nil {
		delete(out, name)
	}
	return out
}

// TestBadTokens: what is wrong with a token is refused with 401 and a code that
// says it, and no foreign key is ever looked at.
func TestBadTokens(t *testing.T) {
	keys := theRSA()
	bubble(t, badHooks, claudetest.Options{}, func(w *world) {
		ks, evil := &keyServer{}, &keyServer{}
		ks.set(jwkOf("a", keys[0].Public()))
		evil.set(jwkOf("a", keys[1].Public()), jwkOf("evil", keys[1].Public()))
		w.serveTLS("keys.test", ks)
		w.serveTLS("evil.test", evil)
		now := time.Now().Unix()
		head := map[string]any{"alg": "RS256", "kid": "a"}
		claims := map[string]any{"iss": "https://issuer.test", "aud": "forebay", "exp": now + 300, "iat": now}
		none := strings.Join(strings.Split(rawToken(keys[0], with(head, "alg", "none"), claims), ".")[:2], ".") + "."
		for _, c := range []struct{ name, token, want string }{
			{"good", rawToken(keys[0], head, claims), ""},
			{"alg none", rawToken(keys[0], with(head, "alg", "none"), claims), "jwt_algorithm"},
			{"alg none without a signature", none, "jwt_algorithm"},
			{"alg HS256", rawToken(keys[0], with(head, "alg", "HS256"), claims), "jwt_algorithm"},
			{"no alg", rawToken(keys[0], with(head, "alg", nil), claims), "jwt_algorithm"},
			{"another issuer", rawToken(keys[0], head, with(claims, "iss", "https://evil.test")), "jwt_issuer"},
			{"no issuer", rawToken(keys[0], head, with(claims, "iss", nil)), "jwt_issuer"},
			{"no expiry", rawToken(keys[0], head, with(claims, "exp", nil)), "jwt_no_expiry"},
			{"expiry as text", rawToken(keys[0], head, with(claims, "exp", strconv.FormatInt(now+300, 10))), "jwt_no_expiry"},
			{"negative expiry", rawToken(keys[0], head, with(claims, "exp", -1)), "jwt_no_expiry"},
			{"huge expiry", rawToken(keys[0], head, with(claims, "exp", 1e300)), "jwt_no_expiry"},
			{"expired", rawToken(keys[0], head, with(claims, "exp", now-120)), "jwt_expired"},
			{"not yet", rawToken(keys[0], head, with(claims, "nbf", now+3600)), "jwt_not_yet_valid"},
			{"another audience", rawToken(keys[0], head, with(claims, "aud", []string{"a", "b"})), "jwt_claim"},
			{"jku", rawToken(keys[1], with(head, "jku", "https://evil.test/jwks"), claims), "jwt_foreign_key"},
			{"x5u", rawToken(keys[1], with(head, "x5u", "https://evil.test/cert"), claims), "jwt_foreign_key"},
			{"x5c", rawToken(keys[1], with(head, "x5c", []string{"MII"}), claims), "jwt_foreign_key"},
			{"jwk", rawToken(keys[1], with(head, "jwk", jwkOf("a", keys[1].Public())), claims), "jwt_foreign_key"},
			{"crit", rawToken(keys[0], with(head, "crit", []string{"x"}), claims), "jwt_foreign_key"},
			{"another key", rawToken(keys[1], head, claims), "signature_mismatch"},
			{"no kid", rawToken(keys[0], with(head, "kid", nil), claims), "jwt_malformed"},
			{"kid of 10 kB", "x." + strings.Repeat("y", 10_000) + ".z", "signature_malformed"},
			{"no token", "nonsense", "jwt_malformed"},
		} {
			got := w.postTo("in", http.Header{"Authorization": {"Bearer " + c.token}, "Content-Type": {"application/json"}}, `{"case":"`+c.name+`"}`)
			if c.want == "" {
				w.want(c.name, got, 202, "")
				continue
			}
			w.want(c.name, got, 401, c.want)
		}
		token := "Bearer " + rawToken(keys[0], head, claims)
		w.want("two tokens", w.postTo("in", http.Header{"Authorization": {token, token}}, "{}"), 401, "signature_repeated")
		if evil.asked.Load() != 0 || ks.asked.Load() != 1 {
			t.Errorf("got %d foreign and %d own fetches, want 0 and 1", evil.asked.Load(), ks.asked.Load())
		}
		if got := w.jobs(); got != 1 {
			t.Errorf("got %d jobs, want that of the good token alone", got)
		}
		w.explained("jwt_foreign_key", "jwt_no_expiry", "jwt_issuer", "jwt_algorithm")
	})
}

// postTo is postRaw for a hook of another name.
func (w *world) postTo(hook string, h http.Header, body string) reply {
	w.t.Helper()
	return w.postPath("/hooks/"+hook, h, body)
}

// explained holds the verdicts that people see against codes that must be there.
func (w *world) explained(codes ...string) {
	w.t.Helper()
	_, doc := w.admin(http.MethodGet, "/v1/events?limit=100")
	seen := map[any]bool{}
	for _, e := range doc["events"].([]any) {
		seen[e.(map[string]any)["code"]] = true
	}
	for _, code := range codes {
		if !seen[code] {
			w.t.Errorf("no verdict says %s", code)
		}
	}
}

// TestBadStamps: timestamps that are none, far off, or there twice, and more
// signatures than anybody sends.
func TestBadStamps(t *testing.T) {
	bubble(t, badHooks, claudetest.Options{}, func(w *world) {
		stripe := verify.Config{Type: "stripe", Secrets: []string{"whsec_the_secret"}}
		body := `{"id":"evt_1","type":"x"}`
		at := func(d time.Duration) string {
			r, err := verify.Sign(stripe, verify.SignInput{Body: []byte(body), Now: time.Now().Add(d)})
			if err != nil {
				t.Fatal(err)
			}
			return r.Header.Get("Stripe-Signature")
		}
		good := at(0)
		stamp, sig, _ := strings.Cut(good, ",")
		for _, c := range []struct{ name, value, want string }{
			{"ten minutes old", at(-10 * time.Minute), "timestamp_out_of_tolerance"},
			{"ten minutes ahead", at(10 * time.Minute), "timestamp_out_of_tolerance"},
			{"a century ahead", at(100 * 365 * 24 * time.Hour), "timestamp_out_of_tolerance"},
			{"negative", "t=-1," + sig, "timestamp_malformed"},
			{"with a plus", strings.Replace(stamp, "=", "=+", 1) + "," + sig, "timestamp_malformed"},
			{"of 20 digits", "t=" + strings.Repeat("9", 20) + "," + sig, "timestamp_malformed"},
			{"of 5,000 digits", "t=" + strings.Repeat("9", 5000) + "," + sig, "timestamp_malformed"},
			{"no number", "t=now," + sig, "timestamp_malformed"},
			{"twice", stamp + "," + good, "timestamp_repeated"},
			{"none", sig, "timestamp_missing"},
			{"another second", "t=" + strconv.FormatInt(time.Now().Unix()-1, 10) + "," + sig, "signature_mismatch"},
			{"33 signatures", stamp + strings.Repeat(",v1="+strings.Repeat("0", 64), 33) + "," + sig, "signature_too_many"},
			{"of another size", stamp + ",v1=" + strings.Repeat("0", 62), "signature_malformed"},
			{"a retired scheme alone", stamp + ",v0=" + strings.Repeat("0", 64), "signature_unsupported"},
		} {
			w.want(c.name, w.postTo("stripe", http.Header{"Stripe-Signature": {c.value}, "Content-Type": {"application/json"}}, body), 401, c.want)
		}
		w.want("the header twice", w.postTo("stripe", http.Header{"Stripe-Signature": {good, good}}, body), 401, "signature_repeated")
		w.want("good", w.postTo("stripe", http.Header{"Stripe-Signature": {good}, "Content-Type": {"application/json"}}, body), 202, "")

		slack, err := verify.Sign(verify.Config{Type: "slack", Secrets: []string{"the-secret"}}, verify.SignInput{Body: []byte("{}"), Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		const name = "X-Slack-Request-Timestamp"
		for _, c := range []struct {
			name   string
			values []string
			want   string
		}{
			{"twice", []string{slack.Header.Get(name), slack.Header.Get(name)}, "timestamp_repeated"},
			{"none", nil, "timestamp_missing"},
			{"hexadecimal", []string{"0x5f5e100"}, "timestamp_malformed"},
			{"two in one", []string{slack.Header.Get(name) + ", 1"}, "timestamp_malformed"},
		} {
			h := slack.Header.Clone()
			h[name] = c.values
			w.want("slack "+c.name, w.postTo("slack", h, "{}"), 401, c.want)
		}
		list := strings.Repeat("v1,"+strings.Repeat("A", 43)+"= ", 40)
		w.want("40 signatures", w.postTo("svix", http.Header{"Webhook-Id": {"m"}, "Webhook-Timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "Webhook-Signature": {list}}, "{}"), 401, "signature_too_many")
		w.want("10,000 bytes of them", w.postTo("pager", http.Header{"X-Pagerduty-Signature": {strings.Repeat("v1=ab,", 1700)}}, "{}"), 401, "signature_malformed")
		w.want("two bytes", w.postTo("github", http.Header{"X-Hub-Signature-256": {"sha256=00"}}, "{}"), 401, "signature_malformed")
		w.want("SHA-1 alone", w.postTo("github", http.Header{"X-Hub-Signature": {"sha1=" + strings.Repeat("0", 40)}}, "{}"), 401, "signature_downgraded")
		w.want("Ed25519 of 63 bytes", w.postTo("discord", http.Header{"X-Signature-Ed25519": {strings.Repeat("0", 126)}, "X-Signature-Timestamp": {fmt.Sprint(time.Now().Unix())}}, "{}"), 401, "signature_mismatch")
		w.want("SNS of version 3", w.postTo("sns", http.Header{}, `{"SignatureVersion":"3","Signature":"AA==","Type":"Notification"}`), 401, "signature_unsupported")
		w.want("SNS raw delivery", w.postTo("sns", http.Header{}, `{"order":7}`), 401, "signature_missing")
		if got := w.jobs(); got != 1 {
			t.Errorf("got %d jobs, want that of the good signature alone", got)
		}
	})
}
