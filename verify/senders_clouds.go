package verify

import "time"

// clouds are brokers and the event services of clouds.
func clouds() []Sender {
	eventGrid := tokenHeader("query:token")
	hookdeck := base64Header("X-Hookdeck-Signature", "")
	hookdeck.Headers = []string{"X-Hookdeck-Signature", "X-Hookdeck-Signature-2"}
	options := Shake{
		Name: "webhook_request", Before: true, Method: "OPTIONS", When: "header:WebHook-Request-Origin", Reply: "header:WebHook-Allowed-Origin",
		Header: map[string]string{"WebHook-Allowed-Rate": "*"},
	}
	return []Sender{
		{
			Name: "aws-sns", Title: "Amazon SNS", Note: "List the topics that may send. Turn raw message delivery off: raw messages are not signed.",
			Proof: Proof{Scheme: "aws-sns", Algorithm: "sha256", Headers: []string{"json:Signature"}, Encoding: base64Encoding, Choose: []string{"topics"}},
			Type:  "json:Subject | json:Type", Time: "json:Timestamp", Subject: "json:TopicArn",
			Shakes: []Shake{
				{Name: "subscription_confirmation", When: "json:Type", Is: "SubscriptionConfirmation", What: "json:SubscribeURL", Reply: "confirm"},
				{Name: "unsubscribe_confirmation", When: "json:Type", Is: "UnsubscribeConfirmation"},
			},
			Ack: Ack{Deadline: 15 * time.Second}, Retry: "on 5xx and 429: 3 times by default, 20 s apart; by the subscription's policy otherwise",
			Source: "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
		},
		{
			Name: "google-pubsub", Title: "Google Cloud Pub/Sub push", Note: tokenNote,
			Proof: Proof{
				Scheme: "jwt", Algorithm: "RS256", Headers: []string{"Authorization"}, Prefix: "Bearer ", Encoding: plainEncoding, Issuer: "https://accounts.google.com",
				KeySet: "https://www.googleapis.com/oauth2/v3/certs", Choose: []string{"audience", "email", "jwks_url"}, Demand: []string{"audience", "email"},
			}, BodyUnsigned: true,
			ID: "json:message.messageId", Type: "json:message.attributes.eventType | json:message.attributes.type", Time: "json:message.publishTime", Subject: "json:subscription",
			Ack: Ack{Status: 200}, Retry: "with back-off until the message expires", Source: "https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions",
		},
		{
			Name: "azure-event-grid", Title: "Azure Event Grid", Note: tokenNote + " Put the token into the URL as ?token=, or into a delivery header and name that with header.",
			Proof: eventGrid, BodyUnsigned: true, CloudEvents: true,
			ID: "json:0.id", Type: "json:0.eventType", Time: "json:0.eventTime", Subject: "json:0.subject",
			Batch: "@this", PartID: "json:id", PartType: "json:eventType | json:type", PartTime: "json:eventTime | json:time", PartSubject: "json:subject",
			Shakes: []Shake{
				{Name: "subscription_validation", When: "header:Aeg-Event-Type", Is: "SubscriptionValidation", What: "json:0.data.validationCode", Reply: "json:validationResponse"},
				options, // of the CloudEvents schema
			},
			Ack: Ack{Status: 200, Deadline: 30 * time.Second}, Retry: "up to 30 times in 24 hours by default; 400 and 413 end the delivery where dead-lettering is on",
			Source: "https://learn.microsoft.com/en-us/azure/event-grid/webhook-event-delivery",
		},
		{
			Name: "cloudevents", Title: "CloudEvents with a token", Note: tokenNote, Proof: bearer(), BodyUnsigned: true, CloudEvents: true,
			Type: "json:type", Shakes: []Shake{options}, Ack: Ack{Status: 200},
			Source: "https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md",
		},
		{
			Name: "hookdeck", Title: "Hookdeck", Proof: hookdeck,
			ID: "header:X-Hookdeck-Eventid", Type: "json:type", Subject: "header:X-Hookdeck-Source-Name", Source: "https://hookdeck.com/docs/authentication#webhook-signature-verification",
		},
		{
			Name: "jwt", Title: "a sender with JSON Web Tokens", Note: tokenNote,
			Proof: Proof{
				Scheme: "jwt", Algorithm: "RS256", Headers: []string{"Authorization"}, Prefix: "Bearer ", Encoding: plainEncoding,
				Choose: []string{"issuer", "audience", "jwks_url"}, Demand: []string{"issuer", "audience"},
			}, BodyUnsigned: true, CloudEvents: true, Form: "*",
			Type: "json:type", Source: "https://www.rfc-editor.org/rfc/rfc7519",
		},
	}
}
