package verify

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// sns proves Amazon SNS messages. The signature, the version and the URL of the
// certificate are fields of the body, which comes as text/plain.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
type sns struct {
	published
	topics []string
}

// snsFields are all fields that are looked at; each may be there once.
func snsFields() []string {
	return []string{
		"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
		"Signature", "SignatureVersion", "SigningCertURL",
	}
}

func (s *sns) prove(r *Request) (proven, *Error) {
	msg, err := snsMessage(r.Body)
	if err != nil {
		return proven{}, err
	}
	hash, err := snsHash(msg["SignatureVersion"])
	if err != nil {
		return proven{}, err
	}
	if !snsURL(msg["SigningCertURL"], ".pem") || strings.ContainsAny(msg["SigningCertURL"], "?#") {
		return proven{}, refuse(CodeKeyUntrusted, "the certificate is not on a host of SNS", "only the sns hosts of amazonaws.com sign")
	}
	sig, decodeErr := base64.StdEncoding.Strict().DecodeString(msg["Signature"])
	if decodeErr != nil || len(sig) == 0 || len(sig) > maxSignature {
		return proven{}, refuse(CodeSignatureMalformed, "the field Signature is not base64", hintShape)
	}
	if !slices.Contains(s.topics, msg["TopicArn"]) { // before its certificate is fetched for nothing
		return proven{}, refuse(CodeTopicUnknown, "the message is for a topic that the hook does not list", "add the topic's ARN to topics, if it is yours")
	}
	text := snsText(msg)
	no, err := s.signed(signature{hash, text, sig}, KeyRef{Sender: "aws-sns", URL: msg["SigningCertURL"]}, r.Now)
	if err != nil {
		return proven{}, err
	}
	digest := sha256.Sum256(text)
	return proven{digest: digest[:], secretNo: no, id: msg["MessageId"], payload: r.Body}, nil
}

// snsMessage reads the fields that SNS signs. A field that is there twice would
// let one value be verified and another be used.
func snsMessage(body []byte) (map[string]string, *Error) {
	doc := gjson.ParseBytes(body)
	if !doc.IsObject() || !json.Valid(body) {
		return nil, refuse(CodeSignatureMissing, "the body is no SNS message", "turn raw message delivery off: raw messages are not signed")
	}
	wanted := snsFields()
	msg := map[string]string{}
	var err *Error
	doc.ForEach(func(key, value gjson.Result) bool {
		i := slices.IndexFunc(wanted, func(name string) bool { return strings.EqualFold(name, key.Str) })
		if i < 0 {
			return true
		}
		if _, twice := msg[wanted[i]]; twice || wanted[i] != key.Str || value.Type != gjson.String && value.Type != gjson.Null {
			err = refuse(CodeBodyMalformed, "the field "+wanted[i]+" is there twice, misspelt or not text", hintRewrite)
			return false
		}
		msg[wanted[i]] = value.Str
		return true
	})
	if err == nil && msg["Signature"] == "" {
		err = refuse(CodeSignatureMissing, "the message carries no signature", "turn raw message delivery off: raw messages are not signed")
	}
	return msg, err
}

func snsHash(version string) (crypto.Hash, *Error) {
	switch version {
	case "1":
		return crypto.SHA1, nil
	case "2":
		return crypto.SHA256, nil
	}
	return 0, refuse(CodeSignatureUnsupported, "the field SignatureVersion is not 1 or 2", hintShape)
}

// snsText is what is signed: name and value of these fields, a line each.
func snsText(msg map[string]string) []byte {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if msg["Type"] == "SubscriptionConfirmation" || msg["Type"] == "UnsubscribeConfirmation" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var b strings.Builder
	for _, name := range names {
		value, ok := msg[name]
		if !ok || name == "Subject" && value == "" {
			continue
		}
		b.WriteString(name + "\n" + value + "\n")
	}
	return []byte(b.String())
}

// snsURL reports whether a URL is on a host of SNS: https, no user, no port, the
// exact form sns.REGION.amazonaws.com. A bucket can be called sns.s3, so that
// the region must look like one.
func snsURL(text, suffix string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.Opaque != "" || strings.Contains(u.Host, ":") {
		return false
	}
	rest, ok := strings.CutPrefix(u.Host, "sns.")
	region, ok2 := strings.CutSuffix(strings.TrimSuffix(rest, ".cn"), ".amazonaws.com")
	return ok && ok2 && isRegion(region) && strings.HasSuffix(u.Path, suffix)
}

// snsSigners are the names of SNS's certificates: one for the older regions, one
// of their own for those that have to be switched on, for those of governments
// and for China.
// https://github.com/aws/aws-sdk-java-v2, services-custom/sns-message-manager, SnsHostProvider
func snsSigners(host string) []string {
	domain := ".amazonaws.com"
	if strings.HasSuffix(host, ".cn") {
		domain += ".cn"
	}
	region := strings.TrimSuffix(strings.TrimPrefix(host, "sns."), domain)
	names := []string{"sns." + region + domain, "sns-signing." + region + domain, "sns-" + region + domain}
	if domain == ".amazonaws.com" {
		names = append(names, "sns.amazonaws.com")
	}
	if strings.HasPrefix(region, "us-gov-") {
		names = append(names, "sns-us-gov-west-1.amazonaws.com")
	}
	return names
}

// isRegion: two letters or more, words, a number: us-west-2, us-gov-east-1.
func isRegion(s string) bool {
	words := strings.Split(s, "-")
	if len(words) < 3 || len(s) > 32 {
		return false
	}
	for i, w := range words {
		last := i == len(words)-1
		for _, c := range w {
			if last && (c < '0' || c > '9') || !last && (c < 'a' || c > 'z') {
				return false
			}
		}
		if w == "" {
			return false
		}
	}
	return true
}

func newSNS(cfg Config) (*sns, *ConfigError) {
	if len(cfg.Topics) == 0 {
		return nil, &ConfigError{Field: "topics", Message: "anybody can have SNS sign a message of a topic of their own", Remedy: "write topics: [\"arn:aws:sns:REGION:ACCOUNT:NAME\"]"}
	}
	keys, err := newPublished("Amazon SNS", cfg)
	if err != nil {
		return nil, err
	}
	keys.notPinned = refuse(CodeSignatureMismatch, "no pinned certificate made this signature", "Amazon has changed its certificate, or the message is not from it")
	keys.notNamed = refuse(CodeSignatureMismatch, "the certificate did not make this signature", hintRewrite)
	return &sns{published: keys, topics: cfg.Topics}, nil
}

// sign makes the message that SNS would send around a body: the body becomes
// its Message, unless it is an SNS message already.
func (s *sns) sign(r *Request, in *SignInput) error {
	msg := map[string]string{}
	if json.Unmarshal(r.Body, &msg) != nil || msg["Type"] == "" {
		msg = map[string]string{"Type": "Notification", "Message": string(r.Body)}
	}
	msg["TopicArn"], msg["SignatureVersion"] = s.topics[0], "2"
	msg["SigningCertURL"] = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem"
	msg["MessageId"] = orElse(orElse(in.ID, msg["MessageId"]), "00000000-0000-4000-8000-000000000000")
	msg["Timestamp"] = orElse(msg["Timestamp"], formatTimestamp(in.Now, unitRFC3339))
	if in.Key == nil {
		return errNoKey()
	}
	written, err := json.Marshal(msg) // what cannot be written as JSON cannot be signed either
	if err != nil {
		return err
	}
	if err := json.Unmarshal(written, &msg); err != nil {
		return err
	}
	sig, err := signWith(in.Key, crypto.SHA256, snsText(msg))
	if err != nil {
		return err
	}
	msg["Signature"] = encode(sig, base64Encoding)
	r.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	r.Header.Set("X-Amz-Sns-Message-Type", msg["Type"])
	r.Body, err = json.Marshal(msg)
	return err
}

func errNoKey() error {
	return &ConfigError{Field: "key", Message: "the sender signs with a private key", Remedy: "give one to sign with, and its public half under public_keys"}
}
