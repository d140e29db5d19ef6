package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
)

// adyen proves Adyen's payment notifications: each item of the body carries a
// signature of eight of its own fields. Every item must hold. The rest of the
// body is not covered.
// https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures
type adyen struct{ keys [][]byte }

const (
	adyenItems = "notificationItems"
	adyenItem  = "NotificationRequestItem"
	maxItems   = 100
)

func (a *adyen) prove(r *Request) (proven, *Error) {
	items := gjson.GetBytes(r.Body, adyenItems)
	if !items.IsArray() {
		return proven{}, refuse(CodeSignatureMissing, "the body has no notificationItems", hintShape)
	}
	digest := sha256.New()
	n, no := 0, 0
	var err *Error
	items.ForEach(func(_, wrapped gjson.Result) bool {
		if n++; n > maxItems {
			err = tooMany()
			return false
		}
		item := wrapped.Get(adyenItem)
		text := adyenText(item)
		no, err = a.item(item, text)
		digest.Write(text)
		return err == nil
	})
	if err == nil && n == 0 {
		err = refuse(CodeSignatureMissing, "the body has no item", hintShape)
	}
	if err != nil {
		return proven{}, err
	}
	return proven{digest: digest.Sum(nil), secretNo: no}, nil
}

func (a *adyen) item(item gjson.Result, text []byte) (int, *Error) {
	value := item.Get("additionalData.hmacSignature").Str
	if value == "" {
		return 0, refuse(CodeSignatureMissing, "an item carries no hmacSignature", hintSetup)
	}
	var sig [sha256.Size]byte
	if n, ok := decodeInto(sig[:], value, base64Encoding); !ok || n != len(sig) {
		return 0, refuse(CodeSignatureMalformed, "an hmacSignature is not 32 bytes in base64", hintShape)
	}
	for no, key := range a.keys {
		m := hmac.New(sha256.New, key)
		m.Write(text)
		if subtle.ConstantTimeCompare(m.Sum(nil), sig[:]) == 1 {
			return no, nil
		}
	}
	return 0, refuse(CodeSignatureMismatch, "no configured key made the signature of an item", hintSecret)
}

// adyenText joins the signed fields with colons; those in them are escaped.
func adyenText(item gjson.Result) []byte {
	var parts []string
	for _, path := range [...]string{
		"pspReference", "originalReference", "merchantAccountCode", "merchantReference", "amount.value", "amount.currency", "eventCode", "success",
	} {
		text := item.Get(path).String()
		parts = append(parts, strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(text))
	}
	return []byte(strings.Join(parts, ":"))
}

func newAdyen(cfg Config) (*adyen, *ConfigError) {
	a := &adyen{}
	for i, secret := range cfg.Secrets {
		keys, err := decodeSecret(secret, "hex")
		if err != nil {
			err.Index = i
			return nil, err
		}
		a.keys = append(a.keys, keys[0])
	}
	return a, nil
}

// sign adds the signature to every item; a body without items becomes one.
func (a *adyen) sign(r *Request, _ *SignInput) error {
	items := gjson.GetBytes(r.Body, adyenItems)
	if !items.IsArray() {
		r.Body = []byte(`{"live":"false","notificationItems":[{"NotificationRequestItem":{"eventCode":"AUTHORISATION","pspReference":"1","success":"true","amount":{"currency":"EUR","value":100},"merchantAccountCode":"TestMerchant","merchantReference":"1"}}]}`)
		items = gjson.GetBytes(r.Body, adyenItems)
	}
	var out []json.RawMessage
	items.ForEach(func(_, wrapped gjson.Result) bool {
		m := hmac.New(sha256.New, a.keys[0])
		m.Write(adyenText(wrapped.Get(adyenItem)))
		text := []byte(`"` + encode(m.Sum(nil), base64Encoding) + `"`)
		out = append(out, setJSON([]byte(wrapped.Raw), adyenItem+".additionalData.hmacSignature", text))
		return true
	})
	list, err := json.Marshal(out)
	if err != nil {
		return err
	}
	r.Body = setJSON(r.Body, adyenItems, list)
	return nil
}
