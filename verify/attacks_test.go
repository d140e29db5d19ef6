package verify

import (
	"bytes"
	"crypto"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// token builds a JWT for the tests, from raw parts.
func rawJWT(head, claims, secret string) string {
	text := encode([]byte(head), base64URLEncoding) + "." + encode([]byte(claims), base64URLEncoding)
	return text + "." + encode(hmac256(secret, text), base64URLEncoding)
}

func TestJWTAttacks(t *testing.T) {
	t.Parallel()
	const secret = "sig_current"
	cfg := Config{Type: "upstash-qstash", Secrets: []string{secret}, PublicURL: "https://example.com/hooks/q"}
	const head = `{"alg":"HS256"}`
	const body = `{"hello":"world"}`
	const sum = "k6I5cakU5erL8KjSUVTNownDwccvu5kU1Hxg88toFYg"
	claims := func(change string) string {
		base := map[string]any{"iss": "Upstash", "sub": cfg.PublicURL, "exp": 1760000300, "nbf": 1760000000, "body": sum}
		var more map[string]any
		if err := json.Unmarshal([]byte(change), &more); err != nil {
			t.Fatal(err)
		}
		for k, v := range more {
			base[k] = v
			if v == nil {
				delete(base, k)
			}
		}
		out, err := json.Marshal(base)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for name, c := range map[string]struct {
		token string
		want  string
	}{
		"good":           {rawJWT(head, claims(`{}`), secret), ""},
		"alg none":       {rawJWT(`{"alg":"none"}`, claims(`{}`), secret), CodeJWTAlgorithm},
		"alg None":       {rawJWT(`{"alg":"None"}`, claims(`{}`), secret), CodeJWTAlgorithm},
		"no alg":         {rawJWT(`{}`, claims(`{}`), secret), CodeJWTAlgorithm},
		"alg RS256":      {rawJWT(`{"alg":"RS256"}`, claims(`{}`), secret), CodeJWTAlgorithm},
		"foreign jku":    {rawJWT(`{"alg":"HS256","jku":"https://evil.example/k"}`, claims(`{}`), secret), CodeJWTForeignKey},
		"own key":        {rawJWT(`{"alg":"HS256","jwk":{}}`, claims(`{}`), secret), CodeJWTForeignKey},
		"critical":       {rawJWT(`{"alg":"HS256","crit":["x"]}`, claims(`{}`), secret), CodeJWTForeignKey},
		"other issuer":   {rawJWT(head, claims(`{"iss":"Evil"}`), secret), CodeJWTIssuer},
		"other subject":  {rawJWT(head, claims(`{"sub":"https://example.com/other"}`), secret), CodeJWTClaim},
		"no expiry":      {rawJWT(head, claims(`{"exp":null}`), secret), CodeJWTNoExpiry},
		"expired":        {rawJWT(head, claims(`{"exp":1759999900}`), secret), CodeJWTExpired},
		"text expiry":    {rawJWT(head, claims(`{"exp":"1760000300"}`), secret), CodeJWTNoExpiry},
		"not yet":        {rawJWT(head, claims(`{"nbf":1760000400}`), secret), CodeJWTNotYetValid},
		"other body":     {rawJWT(head, claims(`{"body":"AAAA"}`), secret), CodeBodyMismatch},
		"no body":        {rawJWT(head, claims(`{"body":null}`), secret), CodeBodyMismatch},
		"other secret":   {rawJWT(head, claims(`{}`), "sig_next"), CodeSignatureMismatch},
		"no signature":   {strings.TrimRight(rawJWT(head, claims(`{}`), secret), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), CodeSignatureMismatch},
		"two parts":      {"a.b", CodeJWTMalformed},
		"four parts":     {rawJWT(head, claims(`{}`), secret) + ".x", CodeJWTMalformed},
		"padded":         {rawJWT(head, claims(`{}`), secret) + "=", CodeJWTMalformed},
		"claims a list":  {rawJWT(head, `[]`, secret), CodeJWTMalformed},
		"header no JSON": {rawJWT(`x`, claims(`{}`), secret), CodeJWTMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Request{Method: "POST", Header: http.Header{"Upstash-Signature": {c.token}}, Body: []byte(body), Now: testNow}
			if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// keyring is a KeySource that knows one key.
type keyring struct {
	ref KeyRef
	key crypto.PublicKey
}

func (k keyring) Key(ref KeyRef, _ time.Time) (crypto.PublicKey, bool) {
	return k.key, ref == k.ref
}

func TestPublishedKeys(t *testing.T) {
	t.Parallel()
	key := testKeys()["rsa"]
	cfg := Config{Type: "google-pubsub", Audience: "https://example.com", Email: "push@x.iam.gserviceaccount.com", Keys: keyring{}}
	signing := cfg
	signing.PublicKeys = []string{publicText(key)}
	r := mustSign(t, signing, SignInput{Body: []byte(`{"message":{"messageId":"1"}}`), Key: key})

	_, err := mustNew(t, cfg).Verify(r)
	if got := codeOf(t, err); got != CodeKeyUnavailable {
		t.Fatalf("got %q, want %q", got, CodeKeyUnavailable)
	}
	need := err.(*Error).Need
	if need == nil || need.ID != "key-1" || need.URL != "https://www.googleapis.com/oauth2/v3/certs" || err.(*Error).Status() != 503 {
		t.Errorf("got %+v, want the key that is missing, and 503", need)
	}
	cfg.Keys = keyring{ref: *need, key: key.Public()}
	d, err := mustNew(t, cfg).Verify(r)
	if err != nil || d.ID != "1" || d.IDSigned {
		t.Errorf("got %+v, %v", d, err)
	}
	cfg.Keys = keyring{ref: *need, key: testKeys()["ecdsa"].Public()}
	if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeKeyUnsuitable {
		t.Errorf("a key of another kind: got %q, want %q", got, CodeKeyUnsuitable)
	}
	cfg.Keys = keyring{ref: *need, key: mustRSA(t).Public()}
	if got := codeOf(t, second(mustNew(t, cfg).Verify(r))); got != CodeSignatureMismatch {
		t.Errorf("another key: got %q, want %q", got, CodeSignatureMismatch)
	}
	other := cfg
	other.Email = "evil@x.iam.gserviceaccount.com"
	other.Keys = keyring{ref: *need, key: key.Public()}
	if got := codeOf(t, second(mustNew(t, other).Verify(r))); got != CodeJWTClaim {
		t.Errorf("another service account: got %q, want %q", got, CodeJWTClaim)
	}
}

func TestSNSAttacks(t *testing.T) {
	t.Parallel()
	key := testKeys()["rsa"]
	cfg := Config{Type: "aws-sns", PublicKeys: []string{publicText(key)}, Topics: []string{"arn:aws:sns:us-east-1:1:T"}}
	good := mustSign(t, cfg, SignInput{Body: []byte(`{"a":1}`), ID: "m-1", Key: key})
	text := string(good.Body)
	for name, c := range map[string]struct {
		body string
		cfg  func(*Config)
		want string
	}{
		"good":          {text, nil, ""},
		"second value":  {strings.TrimSuffix(text, "}") + `,"Message":"evil"}`, nil, CodeBodyMalformed},
		"other case":    {strings.TrimSuffix(text, "}") + `,"message":"evil"}`, nil, CodeBodyMalformed},
		"escaped name":  {strings.TrimSuffix(text, "}") + `,"\u004dessage":"evil"}`, nil, CodeBodyMalformed},
		"other topic":   {text, func(c *Config) { c.Topics = []string{"arn:aws:sns:us-east-1:1:U"} }, CodeTopicUnknown},
		"other key":     {text, func(c *Config) { c.PublicKeys = []string{publicText(mustRSA(t))} }, CodeSignatureMismatch},
		"foreign host":  {strings.Replace(text, "sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com.evil.example", 1), nil, CodeKeyUntrusted},
		"bucket":        {strings.Replace(text, "sns.us-east-1.amazonaws.com", "sns.s3.amazonaws.com", 1), nil, CodeKeyUntrusted},
		"query":         {strings.Replace(text, ".pem\"", ".pem?Action=x&y=.pem\"", 1), nil, CodeKeyUntrusted},
		"port":          {strings.Replace(text, "sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com:8443", 1), nil, CodeKeyUntrusted},
		"raw delivery":  {`{"a":1}`, nil, CodeSignatureMissing},
		"not JSON":      {`x`, nil, CodeSignatureMissing},
		"version 3":     {strings.Replace(text, `"SignatureVersion":"2"`, `"SignatureVersion":"3"`, 1), nil, CodeSignatureUnsupported},
		"downgrade":     {strings.Replace(text, `"SignatureVersion":"2"`, `"SignatureVersion":"1"`, 1), nil, CodeSignatureMismatch},
		"other message": {strings.Replace(text, `{\"a\":1}`, `{\"a\":2}`, 1), nil, CodeSignatureMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			own := cfg
			if c.cfg != nil {
				c.cfg(&own)
			}
			r := clone(good)
			r.Body = []byte(c.body)
			d, err := mustNew(t, own).Verify(r)
			if got := codeOf(t, err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if err == nil && (d.ID != "m-1" || !d.IDSigned || !bytes.Equal(d.Payload, r.Body)) {
				t.Errorf("got %+v", d)
			}
		})
	}
	t.Run("confirmation", func(t *testing.T) {
		for url, want := range map[string]string{
			"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
			"https://169.254.169.254/latest":                                          "", "http://sns.us-east-1.amazonaws.com/": "",
		} {
			body, err := json.Marshal(map[string]string{"Type": "SubscriptionConfirmation", "SubscribeURL": url, "Token": "x", "Message": "m"})
			if err != nil {
				t.Fatal(err)
			}
			d, err := mustNew(t, cfg).Verify(mustSign(t, cfg, SignInput{Body: body, Key: key}))
			if err != nil || d.Answer == nil || d.Answer.Confirm != want {
				t.Errorf("%s: got %+v, %v; want to confirm %q", url, d.Answer, err, want)
			}
		}
	})
}

func TestPayPalTellsWhatItCovers(t *testing.T) {
	t.Parallel()
	s, _ := Lookup("paypal")
	if !s.BodyUnsigned {
		t.Error("a CRC-32 does not protect a body, and the row must say so")
	}
	key := testKeys()["rsa"]
	cfg := Config{Type: "paypal", PublicKeys: []string{publicText(key)}, WebhookID: "WH-1"}
	r := mustSign(t, cfg, SignInput{Body: []byte(`{"id":"WH-x"}`), ID: "t-1", Key: key})
	d, err := mustNew(t, cfg).Verify(r)
	if err != nil || d.ID != "t-1" || !d.IDSigned {
		t.Errorf("got %+v, %v", d, err)
	}
	for name, value := range map[string]string{
		"Paypal-Cert-Url": "https://api.paypal.com.evil.example/v1/notifications/certs/x", "Paypal-Auth-Algo": "SHA1withRSA", "Paypal-Transmission-Id": "t-2",
		"Paypal-Transmission-Time": "now",
	} {
		bad := clone(r)
		bad.Header.Set(name, value)
		if _, err := mustNew(t, cfg).Verify(bad); err == nil {
			t.Errorf("%s: %s was accepted", name, value)
		}
	}
}

func TestGitLabKinds(t *testing.T) {
	t.Parallel()
	signs := Config{Type: "gitlab", Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}
	plain := Config{Type: "gitlab", Secrets: []string{"gl-token-1"}}
	both := Config{Type: "gitlab", Secrets: []string{plain.Secrets[0], signs.Secrets[0]}}
	in := SignInput{Body: []byte("{}"), ID: "k-1", Type: "Push Hook"}
	signed, token := mustSign(t, signs, in), mustSign(t, plain, in)
	if d, err := mustNew(t, signs).Verify(signed); err != nil || d.ID != "k-1" || !d.IDSigned || d.Type != "Push Hook" {
		t.Errorf("signed: got %+v, %v", d, err)
	}
	if d, err := mustNew(t, both).Verify(signed); err != nil || d.SecretNo != 1 {
		t.Errorf("both: got secret %d, %v; want the second", d.SecretNo, err)
	}
	if d, err := mustNew(t, both).Verify(token); err != nil || d.SecretNo != 0 || d.IDSigned {
		t.Errorf("both: got %+v, %v", d, err)
	}
	if _, err := mustNew(t, signs).Verify(token); err == nil {
		t.Error("a bare token was accepted where a signature is asked for")
	}
	signed.Now = signed.Now.Add(time.Hour)
	if got := codeOf(t, second(mustNew(t, signs).Verify(signed))); got != CodeTimestampOutOfTolerance {
		t.Errorf("got %q, want %q", got, CodeTimestampOutOfTolerance)
	}
}
