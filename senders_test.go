package forebay_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/verify"
)

const senderHook = `hooks:
  in:
    source: SOURCE
    model: haiku
    prompt: "{{ .event.type }}"
`

// A reply is what a sender reads.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is the code of a refusal.
func (r reply) code() string {
	var doc struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(r.body), &doc)
	return doc.Error.Code
}

// send signs a body as a sender would and posts it to the hook "in".
func (w *world) send(cfg verify.Config, in verify.SignInput) reply {
	w.t.Helper()
	in.Now = time.Now()
	signed, err := verify.Sign(cfg, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.postRaw(signed.Header, string(signed.Body))
}

func (w *world) postRaw(h http.Header, body string) reply {
	w.t.Helper()
	return w.postPath("/hooks/in", h, body)
}

func (w *world) postPath(path string, h http.Header, body string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://forebay.test"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header = h
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(raw)}
}

// want holds a reply against a status and, for a refusal, its code.
func (w *world) want(what string, got reply, status int, code string) {
	w.t.Helper()
	if got.status != status || code != "" && got.code() != code {
		w.t.Errorf("%s: got %d %s, want %d %s", what, got.status, got.body, status, code)
	}
}

// A keyServer publishes what its test says, and counts who asks.
type keyServer struct {
	mu     sync.Mutex
	status int
	doc    []byte
	asked  atomic.Int32
	seen   []string // method and path
	delay  time.Duration
}

func (k *keyServer) publish(status int, doc []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status, k.doc = status, doc
}

func (k *keyServer) set(keys ...map[string]string) {
	doc, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	k.publish(http.StatusOK, doc)
}

func (k *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.asked.Add(1)
	time.Sleep(k.delay)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, r.Method+" "+r.URL.Path)
	w.WriteHeader(k.status)
	_, _ = w.Write(k.doc)
}

// public is how a test says what a private key signs for.
func signingWith(cfg verify.Config, key crypto.Signer) verify.Config {
	cfg.PublicKeys = []string{string(pemOf("signing", key.Public()))}
	return cfg
}

// TestKeySetRotates follows a sender with JSON Web Tokens: its keys are read when
// the first token comes, once for all who wait, and again when it changes them;
// while they cannot be read the sender is told to come back, and a known key
// goes on to be good.
func TestKeySetRotates(t *testing.T) {
	keys := theRSA()
	cfg := verify.Config{Type: "jwt", Issuer: "https://issuer.test", Audience: "forebay"}
	cfg = signingWith(cfg, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: jwt, issuer: "https://issuer.test", audience: forebay, jwks_url: "https://keys.test/jwks"}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		ks := &keyServer{status: http.StatusServiceUnavailable, delay: time.Second}
		w.serveTLS("keys.test", ks)
		event := func(n string) verify.SignInput {
			return verify.SignInput{Body: []byte(`{"type":"order","n":"` + n + `"}`), Key: keys[0], KeyID: "a"}
		}
		got := w.send(cfg, event("1"))
		w.want("no keys", got, 503, "key_unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Error("a 503 without Retry-After")
		}
		w.want("tried a moment ago", w.send(cfg, event("1")), 503, "key_unavailable")
		if n := ks.asked.Load(); n != 1 {
			t.Errorf("asked %d times within the pause after a failure, want once", n)
		}

		time.Sleep(time.Minute)
		ks.set(jwkOf("a", keys[0].Public()))
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { w.want("at once", w.send(cfg, event("n"+strconv.Itoa(i))), 202, "") })
		}
		all.Wait()
		if n := ks.asked.Load(); n != 2 {
			t.Errorf("asked %d times, want one fetch for all who wait", n-1)
		}

		rotated := verify.SignInput{Body: []byte(`{"type":"order","n":"r"}`), Key: keys[1], KeyID: "b"}
		w.want("a key before its time", w.send(cfg, rotated), 503, "key_unavailable")
		time.Sleep(2 * time.Minute)
		w.want("not published", w.send(cfg, rotated), 401, "key_unknown")
		ks.set(jwkOf("a", keys[0].Public()), jwkOf("b", keys[1].Public()))
		time.Sleep(2 * time.Minute)
		w.want("rotated", w.send(cfg, rotated), 202, "")
		rotated.KeyID, rotated.Body = "a", []byte(`{"n":"other"}`)
		w.want("the other key's name", w.send(cfg, rotated), 401, "signature_mismatch")

		ks.publish(http.StatusInternalServerError, nil)
		time.Sleep(3 * time.Hour)
		w.want("the key server is down", w.send(cfg, event("late")), 202, "")
		w.want("an unknown key while it is down", w.send(cfg, verify.SignInput{Body: []byte("{}"), Key: keys[1], KeyID: "c"}), 503, "key_unavailable")
		time.Sleep(24 * time.Hour)
		w.want("for a day", w.send(cfg, event("later")), 503, "key_unavailable")

		ks.set(jwkOf("a", newEC().Public()), map[string]string{"kid": "small", "kty": "RSA", "n": strings.Repeat("q", 86), "e": "AQAB"})
		time.Sleep(10 * time.Minute)
		w.want("a key of another kind", w.send(cfg, event("kind")), 401, "key_unsuitable")
		small := event("small")
		small.KeyID = "small"
		w.want("a key of 512 bits", w.send(cfg, small), 401, "key_unsuitable")
		ks.publish(http.StatusOK, bytes.Repeat([]byte("x"), 300<<10))
		time.Sleep(7 * time.Hour)
		small.KeyID = "d"
		w.want("a set without end", w.send(cfg, small), 503, "key_unavailable")
	})
}

// TestPinnedKeys: a hook with pinned keys calls nobody, here for a whole key set.
func TestPinnedKeys(t *testing.T) {
	keys := theRSA()
	set, err := json.Marshal(map[string]any{"keys": []any{jwkOf("x", newEC().Public()), jwkOf("a", keys[0].Public())}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := signingWith(verify.Config{Type: "google-pubsub", Audience: "forebay", Email: "push@p.iam.gserviceaccount.com"}, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: google-pubsub, audience: forebay, email: push@p.iam.gserviceaccount.com, public_keys: ['`+string(set)+`']}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		ks := &keyServer{}
		w.serveTLS("www.googleapis.com", ks)
		in := verify.SignInput{Body: []byte(`{"message":{"messageId":"1","attributes":{"eventType":"OBJECT_FINALIZE"}},"subscription":"s"}`), Key: keys[0]}
		w.want("pinned", w.send(cfg, in), 200, "")
		in.Key = keys[1]
		w.want("another key", w.send(cfg, in), 401, "signature_mismatch")
		if n := ks.asked.Load(); n != 0 {
			t.Errorf("asked for keys %d times, want never", n)
		}
	})
}

// TestPubSub: Google's keys come from Google's host, and a token of somebody
// else's service account is none of ours.
func TestPubSub(t *testing.T) {
	keys := theRSA()
	cfg := signingWith(verify.Config{Type: "google-pubsub", Audience: "forebay", Email: "push@p.iam.gserviceaccount.com"}, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: google-pubsub, audience: forebay, email: push@p.iam.gserviceaccount.com}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		ks := &keyServer{}
		ks.set(jwkOf("key-1", keys[0].Public()))
		w.serveTLS("www.googleapis.com", ks)
		in := verify.SignInput{Body: []byte(`{"message":{"messageId":"1","attributes":{"eventType":"OBJECT_FINALIZE"}},"subscription":"s"}`), Key: keys[0]}
		w.want("good", w.send(cfg, in), 200, "")
		other := cfg
		other.Email = "evil@p.iam.gserviceaccount.com"
		w.want("another account", w.send(other, in), 401, "jwt_claim")
		other = cfg
		other.Audience = "elsewhere"
		w.want("another audience", w.send(other, in), 401, "jwt_claim")
		if len(ks.seen) != 1 || ks.seen[0] != "GET /oauth2/v3/certs" || w.jobs() != 1 {
			t.Errorf("got fetches %v and %d jobs, want one of each", ks.seen, w.jobs())
		}
	})
}

const snsTopic = "arn:aws:sns:us-east-1:123456789012:Orders"

// TestSNS: the certificate and the confirmation are fetched from the host of SNS
// and from nowhere else, and only for what holds.
func TestSNS(t *testing.T) {
	keys := theRSA()
	cfg := signingWith(verify.Config{Type: "aws-sns", Topics: []string{snsTopic}}, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: aws-sns, topics: ["`+snsTopic+`"]}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		var mu sync.Mutex
		var calls []string
		down := true
		w.serveTLS("sns.us-east-1.amazonaws.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, r.Method+" "+r.URL.RequestURI())
			if strings.HasSuffix(r.URL.Path, ".pem") {
				_, _ = rw.Write(pemOf(snsName, keys[0].Public()))
				return
			}
			if down {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		}))
		evil := &keyServer{}
		evil.publish(200, pemOf(snsName, keys[1].Public()))
		w.serveTLS("evil.test", evil)
		w.serveTLS("sns.us-east-1.amazonaws.com.evil.test", evil)

		const url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
		confirmation := func(url string) []byte {
			body, err := json.Marshal(map[string]string{"Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "t", "Message": "m"})
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		in := verify.SignInput{Body: confirmation(url), Key: keys[1], ID: "c-1"}
		w.want("confirmation by another key", w.send(cfg, in), 401, "signature_mismatch")
		in.Key = keys[0]
		w.want("confirmation while SNS is down", w.send(cfg, in), 503, "confirmation_failed")
		mu.Lock()
		down = false
		mu.Unlock()
		w.want("confirmation", w.send(cfg, in), 200, "")
		w.want("the same again", w.send(cfg, in), 200, "")
		in.Body = confirmation("https://evil.test/?Action=ConfirmSubscription")
		w.want("confirmation elsewhere", w.send(cfg, in), 200, "") // signed, so answered; but nobody is called

		note := verify.SignInput{Body: []byte(`{"order":7}`), Key: keys[0], ID: "m-1"}
		w.want("notification", w.send(cfg, note), 202, "")
		w.want("notification again", w.send(cfg, note), 200, "")
		other := cfg
		other.Topics = []string{"arn:aws:sns:us-east-1:666666666666:Evil"}
		w.want("another topic", w.send(other, note), 401, "topic_unknown")

		signed, err := verify.Sign(cfg, verify.SignInput{Body: []byte(`{}`), Key: keys[1], Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		for name, host := range map[string]string{
			"foreign host": "https://evil.test/", "foreign suffix": "https://sns.us-east-1.amazonaws.com.evil.test/", "bucket": "https://sns.s3.amazonaws.com/",
			"user": "https://sns.us-east-1.amazonaws.com@evil.test/", "plain": "http://sns.us-east-1.amazonaws.com/", "port": "https://sns.us-east-1.amazonaws.com:444/",
			"query": "https://sns.us-east-1.amazonaws.com/x.pem?Action=GetTopicAttributes&y=",
		} {
			body := strings.Replace(string(signed.Body), "https://sns.us-east-1.amazonaws.com/", host, 1)
			w.want(name, w.postRaw(signed.Header, body), 401, "key_untrusted")
		}
		if n := evil.asked.Load(); n != 0 {
			t.Errorf("foreign hosts were asked %d times, want never", n)
		}
		want := []string{"GET /SimpleNotificationService.pem", "GET /?Action=ConfirmSubscription&Token=t", "GET /?Action=ConfirmSubscription&Token=t"}
		mu.Lock()
		if strings.Join(calls, "\n") != strings.Join(want, "\n") {
			t.Errorf("got calls %q, want %q", calls, want)
		}
		mu.Unlock()
		if w.jobs() != 1 {
			t.Errorf("got %d jobs, want 1", w.jobs())
		}
		_, doc := w.admin(http.MethodGet, "/v1/events")
		handshakes := 0
		for _, e := range doc["events"].([]any) {
			if e.(map[string]any)["outcome"] == "handshake" {
				handshakes++
			}
		}
		if handshakes != 3 {
			t.Errorf("got %d handshakes among the verdicts, want 3", handshakes)
		}
	})
}

// TestPayPal: the certificate comes from PayPal's host alone.
func TestPayPal(t *testing.T) {
	keys := theRSA()
	cfg := signingWith(verify.Config{Type: "paypal", WebhookID: "WH-1"}, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: paypal, webhook_id: WH-1}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		ks, evil := &keyServer{}, &keyServer{}
		ks.publish(404, nil)
		evil.publish(200, pemOf(paypalName, keys[1].Public()))
		w.serveTLS("api.paypal.com", ks)
		w.serveTLS("evil.test", evil)
		in := verify.SignInput{Body: []byte(`{"id":"WH-x","event_type":"PAYMENT.CAPTURE.COMPLETED"}`), Key: keys[0], ID: "t-1"}
		w.want("no certificate", w.send(cfg, in), 503, "key_unavailable")
		ks.publish(200, append([]byte("<Attribute>"), pemOf(paypalName, keys[0].Public())...))
		time.Sleep(time.Minute)
		w.want("a certificate inside something else", w.send(cfg, in), 503, "key_unavailable")
		ks.publish(200, pemOf("another.example", keys[0].Public()))
		time.Sleep(2 * time.Minute)
		w.want("a certificate of somebody else", w.send(cfg, in), 503, "key_unavailable")
		nobody := &authority{key: newEC()}
		nobody.cert = nobody.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true}, nobody.key.Public())
		forged := nobody.issue(&x509.Certificate{Subject: pkix.Name{CommonName: paypalName}}, keys[0].Public())
		ks.publish(200, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: forged.Raw}))
		time.Sleep(5 * time.Minute)
		w.want("a certificate of an authority that nobody knows", w.send(cfg, in), 503, "key_unavailable")
		ks.publish(200, pemOf(paypalName, keys[0].Public()))
		time.Sleep(5 * time.Minute)
		w.want("good", w.send(cfg, in), 202, "")
		in.Key, in.ID = keys[1], "t-2"
		w.want("another key", w.send(cfg, in), 401, "signature_mismatch")
		in.Now = time.Now()
		signed, err := verify.Sign(cfg, in)
		if err != nil {
			t.Fatal(err)
		}
		signed.Header.Set("Paypal-Cert-Url", "https://evil.test/v1/notifications/certs/CERT-1")
		w.want("foreign certificate", w.postRaw(signed.Header, string(signed.Body)), 401, "key_untrusted")
		signed.Header.Set("Paypal-Cert-Url", "https://api.paypal.com/v1/notifications/certs/../../oauth2/token")
		w.want("another path", w.postRaw(signed.Header, string(signed.Body)), 401, "key_untrusted")
		if evil.asked.Load() != 0 {
			t.Error("a foreign host was asked")
		}
	})
}

// TestPlaid: keys are asked for one by one, with the account's credentials.
func TestPlaid(t *testing.T) {
	key := newEC()
	cfg := signingWith(verify.Config{Type: "plaid"}, key)
	hook := strings.Replace(senderHook, "SOURCE", `{type: plaid, client_id: an-id, client_secret: a-secret}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		var asked []map[string]string
		var mu sync.Mutex
		w.serveTLS("production.plaid.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			var q map[string]string
			_ = json.NewDecoder(r.Body).Decode(&q)
			mu.Lock()
			asked = append(asked, q)
			mu.Unlock()
			if q["key_id"] != "key-1" {
				rw.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(rw, `{"error_code":"INVALID_WEBHOOK_VERIFICATION_KEY_ID"}`)
				return
			}
			_ = json.NewEncoder(rw).Encode(map[string]any{"key": jwkOf("key-1", key.Public()), "request_id": "r"})
		}))
		in := verify.SignInput{Body: []byte(`{"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"i"}`), Key: key}
		w.want("good", w.send(cfg, in), 200, "")
		w.want("again", w.send(cfg, in), 200, "")
		in.KeyID = "key-2"
		w.want("no such key", w.send(cfg, in), 401, "key_unknown")
		w.want("no such key, remembered", w.send(cfg, in), 401, "key_unknown")
		mu.Lock()
		defer mu.Unlock()
		if len(asked) != 2 || asked[0]["client_id"] != "an-id" || asked[0]["secret"] != "a-secret" {
			t.Errorf("got %v, want two questions with the account's credentials", asked)
		}
	})
}

// TestStrangersFetchLittle: whoever invents names of certificates makes the
// server fetch a bounded number of them, and no others wait for that.
func TestStrangersFetchLittle(t *testing.T) {
	keys := theRSA()
	cfg := signingWith(verify.Config{Type: "aws-sns", Topics: []string{snsTopic}}, keys[0])
	hook := strings.Replace(senderHook, "SOURCE", `{type: aws-sns, topics: ["`+snsTopic+`"]}`, 1)
	bubble(t, hook, claudetest.Options{}, func(w *world) {
		ks := &keyServer{}
		ks.publish(200, pemOf(snsName, keys[0].Public()))
		w.serveTLS("sns.us-east-1.amazonaws.com", ks)
		w.want("a known certificate", w.send(cfg, verify.SignInput{Body: []byte(`{"n":1}`), Key: keys[0], ID: "1"}), 202, "")
		ks.publish(404, nil)
		signed, err := verify.Sign(cfg, verify.SignInput{Body: []byte(`{}`), Key: keys[1], Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		strangers := func(round string) {
			for i := range 200 {
				body := strings.Replace(string(signed.Body), "Service.pem", "Service-"+round+strconv.Itoa(i)+".pem", 1)
				w.want("an invented one", w.postRaw(signed.Header, body), 503, "key_unavailable")
			}
		}
		strangers("a")
		if n := ks.asked.Load(); n > 12 {
			t.Errorf("fetched %d certificates for a stranger, want 12 at most", n)
		}
		w.want("still known", w.send(cfg, verify.SignInput{Body: []byte(`{"n":2}`), Key: keys[0], ID: "2"}), 202, "")
		time.Sleep(2 * time.Hour) // it is not fresh any more
		strangers("b")
		ks.publish(200, pemOf(snsName, keys[0].Public()))
		w.want("fetched anew for all that", w.send(cfg, verify.SignInput{Body: []byte(`{"n":3}`), Key: keys[0], ID: "3"}), 202, "")
		synctest.Wait()
	})
}
