package verify

import "time"

// day is when the rows were last compared with their sources.
const day = "2026-11-25"

// code are code hosting, continuous integration and issue trackers.
func code() []Sender {
	return []Sender{
		{
			Name: "github", Title: "GitHub",
			Proof: Proof{Scheme: "hmac", Headers: []string{"X-Hub-Signature-256"}, Prefix: "sha256=", Signed: "{body}", Weaker: []string{"X-Hub-Signature"}},
			ID:    "header:X-GitHub-Delivery", Type: "header:X-GitHub-Event", Subject: githubSubject, Form: "payload",
			Shakes: []Shake{{Name: "ping", When: "header:X-GitHub-Event", Is: "ping", Body: "pong"}},
			Ack:    Ack{Deadline: 10 * time.Second}, Retry: "none; redelivered by hand or by API, with the same delivery id",
			Source: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries", Checked: day,
		},
	}
}

// githubSubject is owner/repo#N where there is a pull request or an issue. The
// URL of either comes first in its object, so that the rest of a large body is
// not read; "github" stands for the rule that cuts it.
const githubSubject = "github:subject"

func work() []Sender { return nil }
func money() []Sender {
	return []Sender{
		{
			Name: "stripe", Title: "Stripe",
			Proof: Proof{
				Scheme: "hmac", Headers: []string{"Stripe-Signature"}, List: ",", Pair: "=", Labels: []string{"v1"},
				Signed: "{timestamp}.{body}", Stamp: "sig:t", Tolerance: minutes5,
			},
			ID: "json:id", Type: "json:type", Time: "json:created", Subject: "json:data.object.id",
			Ack: Ack{}, Retry: "for up to 3 days, with back-off",
			Source: "https://docs.stripe.com/webhooks#verify-manually", Checked: day,
		},
	}
}
func commerce() []Sender {
	return []Sender{
		{
			Name: "shopify", Title: "Shopify",
			Proof: Proof{Scheme: "hmac", Families: []string{"X-Shopify", "Shopify"}, Headers: []string{"*-Hmac-Sha256"}, Encoding: base64Encoding, Signed: "{body}"},
			ID:    "header:X-Shopify-Webhook-Id | header:Shopify-Webhook-Id", Type: "header:X-Shopify-Topic | header:Shopify-Topic",
			Time: "header:X-Shopify-Triggered-At | header:Shopify-Triggered-At", Subject: "json:admin_graphql_api_id | json:id",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "8 times over 4 hours, then the subscription is removed",
			Source: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https", Checked: day,
		},
	}
}
func messaging() []Sender {
	return []Sender{
		{
			Name: "slack", Title: "Slack",
			Proof: Proof{Scheme: "hmac", Headers: []string{"X-Slack-Signature"}, Prefix: "v0=", Signed: "v0:{timestamp}:{body}", Stamp: "header:X-Slack-Request-Timestamp", Tolerance: minutes5},
			ID:    "json:event_id | json:trigger_id", Type: "json:event.type | json:command | json:type", Time: "json:event_time",
			Subject: "json:event.channel | json:channel.id | json:channel_id", Form: "payload|*",
			Shakes: []Shake{
				{Name: "url_verification", When: "json:type", Is: "url_verification", Reply: "echo", What: "json:challenge"},
				{Name: "ssl_check", When: "form:ssl_check", Is: "1"},
				{Name: "ssl_check", Before: true, When: "form:ssl_check | query:ssl_check", Is: "1", Unless: "header:X-Slack-Signature"},
			},
			Ack: Ack{Status: 200, Empty: true, Deadline: 3 * time.Second}, Retry: "3 times: at once, after 1 minute, after 5 minutes",
			Source: "https://api.slack.com/authentication/verifying-requests-from-slack", Checked: day,
		},
		{
			Name: "twilio", Title: "Twilio", Proof: Proof{Scheme: "twilio", Algorithm: "sha1", Headers: []string{twilioHeader}, Encoding: base64Encoding, Signed: "{called} and the sorted form parameters"},
			ID:      `header:I-Twilio-Idempotency-Token | form:MessageSid + "/" + form:MessageStatus | form:MessageSid | form:CallSid + "/" + form:CallStatus | form:CallSid | json:id`,
			Type:    `"message." + form:MessageStatus | "message." + form:SmsStatus | "call." + form:CallStatus | json:type`,
			Subject: "form:MessageSid | form:CallSid | json:data.messageSid", Form: "*",
			Ack: Ack{Status: 200, Empty: true, Deadline: 15 * time.Second}, Retry: "once by default; set in the URL's fragment",
			Source: "https://www.twilio.com/docs/usage/security#validating-requests", Checked: day,
		},
	}
}
func platforms() []Sender {
	return []Sender{
		{
			Name: "svix", Title: "Svix", Proof: standard(), Type: "json:type", Time: "json:timestamp",
			Retry:  "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h",
			Source: "https://docs.svix.com/receiving/verifying-payloads/how-manual", Checked: day,
		},
	}
}
func clouds() []Sender { return nil }
