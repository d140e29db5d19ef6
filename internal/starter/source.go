package starter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/verify"
)

// secretNames are the names of secrets where a sender calls them by one of its
// own; else it is SENDER_WEBHOOK_SECRET.
var secretNames = map[string]string{
	"anthropic": "ANTHROPIC_WEBHOOK_SIGNING_KEY", "slack": "SLACK_SIGNING_SECRET", "twilio": "TWILIO_AUTH_TOKEN", "shopify": "SHOPIFY_CLIENT_SECRET",
	"meta": "META_APP_SECRET", "whatsapp": "META_APP_SECRET", "messenger": "META_APP_SECRET", "instagram": "META_APP_SECRET",
	"intercom": "INTERCOM_CLIENT_SECRET", "hubspot": "HUBSPOT_CLIENT_SECRET", "hubspot-v1": "HUBSPOT_CLIENT_SECRET", "hubspot-v2": "HUBSPOT_CLIENT_SECRET",
	"sentry": "SENTRY_CLIENT_SECRET", "line": "LINE_CHANNEL_SECRET", "zoom": "ZOOM_SECRET_TOKEN", "trello": "TRELLO_APP_SECRET", "dropbox": "DROPBOX_APP_SECRET",
	"dropbox-sign": "DROPBOX_SIGN_API_KEY", "braintree": "BRAINTREE_PRIVATE_KEY", "livekit": "LIVEKIT_API_SECRET", "mailgun": "MAILGUN_SIGNING_KEY",
	"square": "SQUARE_SIGNATURE_KEY", "notion": "NOTION_VERIFICATION_TOKEN", "asana": "ASANA_HOOK_SECRET", "airtable": "AIRTABLE_MAC_SECRET",
	"twitter": "X_CONSUMER_SECRET", "tiktok": "TIKTOK_CLIENT_SECRET", "vonage": "VONAGE_SIGNATURE_SECRET", "plivo": "PLIVO_AUTH_TOKEN", "plivo-v2": "PLIVO_AUTH_TOKEN",
	"adyen": "ADYEN_HMAC_KEY", "adyen-platform": "ADYEN_HMAC_KEY", "xero": "XERO_WEBHOOK_KEY", "getstream": "STREAM_API_SECRET", "pusher": "PUSHER_APP_SECRET",
	"figma": "FIGMA_PASSCODE", "microsoft-graph": "GRAPH_CLIENT_STATE", "upstash-qstash": "QSTASH_CURRENT_SIGNING_KEY", "box": "BOX_PRIMARY_KEY",
	"hmac": "WEBHOOK_SECRET", "token": "WEBHOOK_TOKEN", "basic": "WEBHOOK_CREDENTIALS", "standardwebhooks": "WEBHOOK_SECRET", "jwt": "WEBHOOK_PUBLIC_KEY",
}

// second are the names of a second secret, for senders that give two.
var second = map[string]string{"upstash-qstash": "QSTASH_NEXT_SIGNING_KEY", "box": "BOX_SECONDARY_KEY"}

func upper(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// source are the lines of the hook's source.
func (st Starter) source() []string {
	s := st.Sender
	lines := []string{"type: " + s.Name}
	if s.PrivateKey() != "" {
		lines = append(lines, st.publicKeys()...)
	} else {
		lines = append(lines, fmt.Sprintf("secrets: [%s]%s", quotedVariables(secretsOf(s)), remark(secretRemark(s))))
	}
	if s.SignsURL() {
		lines = append(lines, fmt.Sprintf(`public_url: "${PUBLIC_URL}/hooks/%s" # it is signed; PUBLIC_URL is such as https://hooks.example.com`, s.Name))
	}
	if s.Name == "hmac" {
		lines = append(lines, "header: X-Signature # where the signature stands", `signed: "{timestamp}.{body}" # what is signed`, "timestamp_header: X-Timestamp", "id_header: X-Delivery-Id")
	}
	for _, f := range []struct{ field, line string }{
		{"issuer", `issuer: "${` + upper(s.Name) + `_ISSUER}" # the claim iss of its tokens`},
		{"audience", `audience: "${` + upper(s.Name) + `_AUDIENCE}" # the claim aud of its tokens`},
		{"email", `email: "${` + upper(s.Name) + `_SERVICE_ACCOUNT}" # the service account that signs`},
		{"key_id", `key_id: "${` + keyName(s) + `}"`},
		{"webhook_id", `webhook_id: "${` + upper(s.Name) + `_WEBHOOK_ID}" # a part of what is signed`},
		{"topics", `topics: ["${` + upper(s.Name) + `_TOPIC_ARN}"] # the topics that may send`},
		{"verify_token", `verify_token: "${` + upper(s.Name) + `_VERIFY_TOKEN}" # of the handshake; you choose it`},
	} {
		if slices.Contains(s.Proof.Choose, f.field) && (s.Name != "monday") {
			lines = append(lines, f.line)
		}
	}
	return lines
}

func secretsOf(s verify.Sender) []string {
	name := secretNames[s.Name]
	if name == "" {
		name = upper(s.Name) + "_WEBHOOK_SECRET"
		if s.Proof.Scheme == "basic" {
			name = upper(s.Name) + "_CREDENTIALS"
		}
	}
	if two := second[s.Name]; two != "" {
		return []string{name, two}
	}
	return []string{name}
}

// publicKeys is empty for a sender whose keys are fetched from where it says.
func (st Starter) publicKeys() []string {
	name := upper(st.Sender.Name) + "_PUBLIC_KEY"
	if st.Sender.Name == "jwt" {
		name = secretNames["jwt"]
	}
	line := fmt.Sprintf(`public_keys: ["${%s}"]`, name)
	switch {
	case st.Sender.Name == "jwt":
		return []string{line + " # or jwks_url: https://..."}
	case st.Sender.Name == "plaid":
		return []string{`client_id: "${PLAID_CLIENT_ID}" # its keys are fetched with these`, `client_secret: "${PLAID_SECRET}"`}
	case st.Sender.FetchesKeys():
		return nil
	}
	return []string{line + " # as its console shows it: hex, base64 or PEM"}
}

func keyName(s verify.Sender) string {
	if s.Name == "braintree" {
		return "BRAINTREE_PUBLIC_KEY"
	}
	return upper(s.Name) + "_API_KEY"
}

func secretRemark(s verify.Sender) string {
	switch {
	case s.Proof.Pending:
		return "set it to pending until the handshake has brought it"
	case s.Proof.Scheme == "basic":
		return "user:password"
	case s.Proof.Key == "whsec":
		return "whsec_..."
	case s.Proof.Key == "hex" || s.Proof.Key == "base64":
		return s.Proof.Key
	}
	return ""
}

func remark(text string) string {
	if text == "" {
		return ""
	}
	return " # " + text
}

func quotedVariables(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = `"${` + name + `}"`
	}
	return strings.Join(quoted, ", ")
}

// notes are what stands above the configuration.
func (st Starter) notes() []string {
	s := st.Sender
	notes := []string{"URL: https://YOUR-HOST/hooks/" + s.Name}
	if s.Note != "" {
		notes = append(notes, s.Note)
	}
	if s.Source != "" {
		notes = append(notes, "Its documentation: "+s.Source)
	}
	if s.Uncertain() {
		notes = append(notes, "Not confirmed: try it with a real webhook and forebay verify before relying on it.")
	}
	return notes
}
