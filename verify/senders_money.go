package verify

import "time"

// money are payments, banking and billing.
func money() []Sender {
	paddle := stamped("Paddle-Signature", "ts", "h1")
	paddle.List, paddle.Signed = ";", "{timestamp}:{body}"
	square := base64Header("X-Square-Hmacsha256-Signature", "")
	square.Signed = "{url}{body}"
	adyenPlatform := base64Header("HmacSignature", "")
	adyenPlatform.Key = "hex"
	metronome := Proof{
		Scheme: "hmac", Families: []string{"", "X-Metronome-"}, Headers: []string{"Metronome-Webhook-Signature"}, Signed: "{timestamp}\n{body}",
		Stamp: "header:*Date", Unit: unitHTTP, Tolerance: minutes5,
	}
	cdp := stamped("X-Hook0-Signature", "t", "v1")
	cdp.Signed = "{timestamp}.{hook0:names}.{hook0:values}.{body}"
	return append([]Sender{
		{
			Name: "stripe", Title: "Stripe", Proof: stamped("Stripe-Signature", "t", "v1"),
			ID: "json:id", Type: "json:type", Time: "json:created", Subject: "json:data.object.id",
			Retry: "for up to 3 days, with back-off", Source: "https://docs.stripe.com/webhooks#verify-manually",
		},
		{
			Name: "square", Title: "Square", Proof: square,
			ID: "json:event_id", Type: "json:type", Time: "json:created_at", Subject: "json:data.id",
			Ack: Ack{Deadline: 10 * time.Second}, Retry: "for up to 24 hours", Source: "https://developer.squareup.com/docs/webhooks/step3validate",
		},
		{
			Name: "paddle", Title: "Paddle Billing", Proof: paddle,
			ID: "json:event_id", Type: "json:event_type", Time: "json:occurred_at", Subject: "json:data.id",
			Ack: Ack{Status: 200, Deadline: 5 * time.Second}, Retry: "60 times over 3 days", Source: "https://developer.paddle.com/webhooks/signature-verification",
		},
		{
			Name: "paypal", Title: "PayPal", Note: "The signature covers the body by a CRC-32 alone; fetch the resource again before money moves. secrets are not used; webhook_id is.",
			Proof: Proof{Scheme: "paypal", Headers: []string{paypalSig}, Encoding: base64Encoding, Choose: []string{"webhook_id"}}, BodyUnsigned: true,
			Type: "json:event_type", Time: "json:create_time", Subject: "json:resource.id",
			Retry: "25 times over 3 days", Source: "https://developer.paypal.com/api/rest/webhooks/rest/",
		},
		{
			Name: "adyen", Title: "Adyen payments", Note: "Eight fields of each item are signed, the rest of the body is not.",
			Proof: Proof{Scheme: "adyen", Key: "hex", Headers: []string{"json:notificationItems.0.NotificationRequestItem.additionalData.hmacSignature"}, Encoding: base64Encoding}, BodyUnsigned: true,
			ID:     `json:notificationItems.0.NotificationRequestItem.pspReference + "/" + json:notificationItems.0.NotificationRequestItem.eventCode + "/" + json:notificationItems.0.NotificationRequestItem.success`,
			Type:   "json:notificationItems.0.NotificationRequestItem.eventCode",
			Time:   "json:notificationItems.0.NotificationRequestItem.eventDate",
			Batch:  adyenItems,
			PartID: `json:NotificationRequestItem.pspReference + "/" + json:NotificationRequestItem.eventCode + "/" + json:NotificationRequestItem.success`, PartType: "json:NotificationRequestItem.eventCode",
			PartTime: "json:NotificationRequestItem.eventDate", PartSubject: "json:NotificationRequestItem.merchantReference",
			Ack: Ack{Status: 200, ContentType: "text/plain", Body: "[accepted]", Deadline: 10 * time.Second}, Retry: "for up to 30 days",
			Source: "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/",
		},
		{
			Name: "adyen-platform", Title: "Adyen platforms and management", Proof: adyenPlatform,
			ID: `json:data.id + "/" + json:type`, Type: "json:type", Time: "json:createdAt | json:timestamp", Subject: "json:data.id",
			Ack: Ack{Deadline: 10 * time.Second}, Source: "https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures/",
		},
		{
			Name: "coinbase-commerce", Title: "Coinbase Commerce", Proof: hexHeader("X-CC-Webhook-Signature", ""),
			ID: "json:event.id", Type: "json:event.type", Time: "json:event.created_at", Subject: "json:event.data.code",
			Ack: Ack{Status: 200}, Retry: "for up to 3 days, with back-off",
			Source: "https://docs.cdp.coinbase.com/commerce/api-arcitecture/webhooks-overview",
		},
		{
			Name: "coinbase-cdp", Title: "Coinbase Developer Platform", Proof: cdp,
			ID: "header:X-Event-Id | json:eventId", Type: "header:X-Event-Type | json:eventType", Time: "json:timestamp",
			Source: "https://docs.cdp.coinbase.com/api-reference/payment-apis/webhooks/verification",
		},
		{
			Name: "gocardless", Title: "GoCardless", Proof: hexHeader("Webhook-Signature", ""),
			ID: "json:events.0.id", Type: `json:events.0.resource_type + "." + json:events.0.action`, Time: "json:events.0.created_at",
			Batch: "events", PartID: "json:id", PartType: `json:resource_type + "." + json:action`, PartTime: "json:created_at", PartSubject: "json:links.payment | json:links.mandate | json:links.subscription",
			Ack: Ack{Refused: 498}, Source: "https://developer.gocardless.com/api-reference/#webhooks-signing-webhooks",
		},
		{
			Name: "razorpay", Title: "Razorpay", Proof: hexHeader("X-Razorpay-Signature", ""),
			ID: "header:X-Razorpay-Event-Id", Type: "json:event", Time: "json:created_at", Subject: "json:payload.payment.entity.id | json:payload.order.entity.id",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "for 24 hours", Source: "https://razorpay.com/docs/webhooks/validate-test/",
		},
		{
			Name: "xero", Title: "Xero", Proof: base64Header("X-Xero-Signature", ""),
			Type: `json:events.0.eventCategory + "." + json:events.0.eventType`, Time: "json:events.0.eventDateUtc", Subject: "json:events.0.resourceId",
			Batch: "events", PartType: `json:eventCategory + "." + json:eventType`, PartTime: "json:eventDateUtc", PartSubject: "json:resourceId",
			Shakes: []Shake{{Name: "intent_to_receive", When: "json:events.#", Is: "0"}},
			Ack:    Ack{Status: 200, Empty: true, Silent: true, Deadline: 5 * time.Second}, Source: "https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/",
		},
		{
			Name: "metronome", Title: "Metronome", Proof: metronome,
			ID: "json:id", Type: "json:type", Time: "json:properties.timestamp", Subject: "json:properties.customer_id",
			Source: "https://docs.metronome.com/developer-resources/webhooks/",
		},
	}, billing()...)
}

func billing() []Sender {
	return []Sender{
		{
			Name: "plaid", Title: "Plaid", Note: "Keys are fetched by their id from Plaid's API with client_id and client_secret, or pinned as JSON Web Keys under public_keys. For the sandbox write jwks_url: https://sandbox.plaid.com/webhook_verification_key/get.",
			Proof: Proof{
				Scheme: "jwt", Algorithm: "ES256", Headers: []string{"Plaid-Verification"}, Encoding: plainEncoding, BodyClaim: "request_body_sha256", NoExpiry: true, Tolerance: minutes5,
				KeySet: "https://production.plaid.com/webhook_verification_key/get", Choose: []string{"jwks_url", "client_id", "client_secret"},
			},
			Type: `json:webhook_type + "." + json:webhook_code`, Subject: "json:item_id",
			Ack: Ack{Status: 200, Deadline: 10 * time.Second}, Retry: "on any status but 200, for up to 24 hours", Source: "https://plaid.com/docs/api/webhooks/webhook-verification/",
		},
		{
			Name: "lemon-squeezy", Title: "Lemon Squeezy", Proof: hexHeader("X-Signature", ""),
			// meta.webhook_id is not said to be one delivery's alone.
			ID:   `json:meta.webhook_id + "/" + json:meta.event_name + "/" + json:data.id + "/" + json:data.attributes.updated_at`,
			Type: "header:X-Event-Name | json:meta.event_name", Time: "json:data.attributes.updated_at", Subject: "json:data.id",
			Ack: Ack{Status: 200}, Retry: "after about 5, 25 and 125 s; any status but 200 counts as failed",
			Source: "https://docs.lemonsqueezy.com/help/webhooks/webhook-requests",
		},
		{
			Name: "braintree", Title: "Braintree", Note: "The secret is the private key, key_id the public key. The payload is base64 of XML.",
			Proof: Proof{Scheme: "braintree", Algorithm: "sha1", Headers: []string{"form:bt_signature"}, Choose: []string{"key_id"}, Demand: []string{"key_id"}},
			Form:  "*", Type: `braintree:kind | "notification"`, Time: "braintree:timestamp", Subject: "braintree:id",
			Shakes: []Shake{{Name: "bt_challenge", Before: true, Method: "GET", When: "query:bt_challenge", Reply: "braintree"}},
			Source: "https://developer.paypal.com/braintree/docs/guides/webhooks/parse",
		},
		{
			Name: "chargebee", Title: "Chargebee", Note: tokenNote, Proof: basicAuth(), BodyUnsigned: true,
			ID: "json:id", Type: "json:event_type", Time: "json:occurred_at", Subject: "json:content.subscription.id | json:content.customer.id",
			Source: "https://www.chargebee.com/docs/2.0/webhook_settings.html",
		},
		{
			Name: "checkout", Title: "Checkout.com", Proof: hexHeader("Cko-Signature", ""),
			ID: "json:id", Type: "json:type", Time: "json:created_on", Subject: "json:data.id",
			Ack: Ack{Deadline: 10 * time.Second}, Retry: "after 5, 10, 15 and 30 minutes, 1, 4, 12 and 12 hours",
			Source: "https://www.checkout.com/docs/workflows",
		},
	}
}

// commerce are shops, deliveries and marketing.
func commerce() []Sender {
	onfleet := hexHeader("X-Onfleet-Signature", "")
	onfleet.Algorithm, onfleet.Key = "sha512", "hex"
	tiktok := stamped("TikTok-Signature", "t", "s")
	rsa := Proof{Scheme: "rsa", Headers: []string{"X-Wh-Signature"}, Encoding: base64Encoding, Signed: "{body}"}
	return []Sender{
		{
			Name: "shopify", Title: "Shopify",
			Proof: Proof{Scheme: "hmac", Families: []string{"X-Shopify", "Shopify"}, Headers: []string{"*-Hmac-Sha256"}, Encoding: base64Encoding, Signed: "{body}"},
			ID:    "header:X-Shopify-Webhook-Id | header:Shopify-Webhook-Id", Type: "header:X-Shopify-Topic | header:Shopify-Topic",
			Time: "header:X-Shopify-Triggered-At | header:Shopify-Triggered-At", Subject: "json:admin_graphql_api_id | json:id",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "8 times over 4 hours; then a subscription that was made by its API is removed",
			Source: "https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
		},
		{
			Name: "woocommerce", Title: "WooCommerce", Proof: base64Header("X-WC-Webhook-Signature", ""),
			ID: "header:X-WC-Webhook-Delivery-ID", Type: "header:X-WC-Webhook-Topic", Time: "json:date_modified_gmt", Subject: "json:id",
			Shakes: []Shake{{Name: "ping", Before: true, Method: "POST", When: "form:webhook_id", Unless: "header:X-WC-Webhook-Signature"}},
			Retry:  "5 failures disable the webhook", Source: "https://woocommerce.com/document/webhooks/",
		},
		{
			Name: "commercelayer", Title: "Commerce Layer", Proof: base64Header("X-CommerceLayer-Signature", ""),
			Type: "header:X-CommerceLayer-Topic", Time: "json:data.attributes.updated_at", Subject: "json:data.id",
			Source: "https://docs.commercelayer.io/core/callbacks-security",
		},
		{
			Name: "bigcommerce", Title: "BigCommerce", Note: tokenNote + " Set the header when the webhook is created.", Proof: bearer(), BodyUnsigned: true,
			ID: "json:hash", Type: "json:scope", Time: "json:created_at", Subject: "json:data.id",
			Ack:    Ack{Status: 200},
			Source: "https://developer.bigcommerce.com/docs/integrations/webhooks",
		},
		{
			Name: "tiktok", Title: "TikTok", Proof: tiktok, Type: "json:event", Time: "json:create_time", Subject: "json:user_openid",
			Ack: Ack{Status: 200}, Retry: "for up to 72 hours, with back-off",
			Source: "https://developers.tiktok.com/doc/webhooks-verification",
		},
		{
			Name: "onfleet", Title: "Onfleet", Proof: onfleet, Type: "json:triggerName | json:triggerId", Time: "json:time", Subject: "json:taskId | json:workerId",
			Shakes: []Shake{{Name: "check", Before: true, Method: "GET", When: "query:check", Reply: "echo"}},
			Ack:    Ack{Status: 200}, Retry: "every 30 minutes for a day on any status but 200; 300 failures in a row disable the webhook",
			Source: "https://docs.onfleet.com/reference/secrets",
		},
		{
			Name: "highlevel", Title: "HighLevel", Proof: rsa, ID: "json:webhookId", Type: "json:type", Time: "json:timestamp", Subject: "json:id",
			Source: "https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide",
		},
	}
}
