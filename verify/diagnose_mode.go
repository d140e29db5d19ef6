package verify

import (
	"strings"

	"github.com/tidwall/gjson"
)

// A modeMark is where a sender says that an event is from its test mode, which
// has secrets of its own.
type modeMark struct {
	sender, place string
	test, live    string // the value in each mode; empty: any other
	what          string // what has a secret of its own in each
}

// modeMarks are taken from the senders' documentation of their test modes.
func modeMarks() []modeMark {
	const endpoint = "endpoint"
	return []modeMark{
		{"stripe", "json:livemode", "false", "true", "endpoint (stripe listen prints one of its own)"},
		{"adyen", "json:live", "false", "true", "merchant account"},
		{"shopify", "header:X-Shopify-Test", "true", "false", "shop"},
		{"lemon-squeezy", "json:meta.test_mode", "true", "false", endpoint},
		{"plaid", "json:environment", "sandbox", "production", "environment"},
		{"paypal", "header:Paypal-Cert-Url", "sandbox", "", "webhook"},
	}
}

// mode says which mode the event is from, where it says so itself.
func (h *hook) mode(r *Request) []Finding {
	doc, _ := jsonPayload(r, strings.TrimSuffix(h.sender.Form, "|*"))
	for _, m := range modeMarks() {
		if m.sender != h.sender.Name {
			continue
		}
		value := ""
		switch kind, name, _ := strings.Cut(m.place, ":"); kind {
		case inHeader:
			value = r.Header.Get(name)
		case inJSON:
			value = gjson.GetBytes(doc, name).String()
		}
		switch {
		case value == "":
		case value == m.test || m.live == "" && strings.Contains(value, m.test):
			return []Finding{{"test_mode", "the event is from test mode: use the signing secret of the test " + m.what}}
		case value == m.live:
			return []Finding{{"live_mode", "the event is from live mode: the signing secret of a test " + m.what + " does not fit it"}}
		}
	}
	return nil
}
