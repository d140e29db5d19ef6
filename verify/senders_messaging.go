package verify

import "time"

// messaging are chat, telephony, mail and video.
func messaging() []Sender { return append(append(chat(), mail()...), telephony()...) }

func chat() []Sender {
	meta := func(name, title string) Sender {
		return Sender{
			Name: name, Title: title, Proof: hexHeader("X-Hub-Signature-256", "sha256="),
			ID: `json:entry.0.changes.0.value.messages.0.id | json:entry.0.changes.0.value.statuses.0.id + "/" + json:entry.0.changes.0.value.statuses.0.status | ` +
				"json:entry.0.messaging.0.message.mid",
			Type: `json:object + "." + json:entry.0.changes.0.field | json:object`, Time: "json:entry.0.time", Subject: "json:entry.0.id",
			Batch: "entry", PartID: `json:changes.0.value.messages.0.id | json:changes.0.value.statuses.0.id + "/" + json:changes.0.value.statuses.0.status | json:messaging.0.message.mid`,
			PartType: `json:changes.0.field | "messaging"`, PartTime: "json:time", PartSubject: "json:id",
			Shakes: []Shake{{Name: "hub.challenge", Before: true, Method: "GET", When: "query:hub.mode", Is: "subscribe", Token: "query:hub.verify_token", What: "query:hub.challenge", Reply: "echo"}},
			Ack:    Ack{Status: 200, Deadline: 5 * time.Second}, Retry: "for up to 36 hours; WhatsApp 7 days",
			Source: "https://developers.facebook.com/docs/graph-api/webhooks/getting-started",
		}
	}
	withToken := func(s Sender) Sender { s.Proof.Choose = []string{"verify_token"}; return s }
	twitch := hexHeader("Twitch-Eventsub-Message-Signature", "sha256=")
	twitch.Signed, twitch.Stamp, twitch.Unit, twitch.Tolerance = "{id}{timestamp}{body}", "header:Twitch-Eventsub-Message-Timestamp", unitRFC3339, 10*time.Minute
	twitch.SignedID = "Twitch-Eventsub-Message-Id"
	zoom := hexHeader("X-Zm-Signature", "v0=")
	zoom.Signed, zoom.Stamp, zoom.Tolerance = "v0:{timestamp}:{body}", "header:X-Zm-Request-Timestamp", minutes5
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
			Source: "https://api.slack.com/authentication/verifying-requests-from-slack",
		},
		{
			Name: "discord", Title: "Discord", Note: "Discord tests the endpoint with bad signatures and wants 401 for them.",
			Proof: Proof{Scheme: "ed25519", Headers: []string{"X-Signature-Ed25519"}, Signed: "{timestamp}{body}", Stamp: "header:X-Signature-Timestamp", Tolerance: minutes5},
			ID:    "json:id | json:event.data.id", Type: "json:event.type | json:data.name | json:type", Time: "json:event.timestamp", Subject: "json:channel_id | json:guild_id | json:event.data.user_id",
			Shakes: []Shake{
				{Name: "ping", When: "json:type", Is: "1", Unless: "json:event.type", Body: `{"type":1}`, Type: "application/json"},
				{Name: "ping", When: "json:type", Is: "0", Status: 204},
			},
			Ack: Ack{Status: 204, Empty: true, Refused: 401, Deadline: 3 * time.Second}, // of webhook events
			Acks: []AckWhen{ // of interactions, whose user sees the answer: a message for that user alone, or no change
				{When: "json:type", Is: "2", Ack: discordReply(`{"type":4,"data":{"content":"Accepted.","flags":64}}`)},
				{When: "json:type", Is: "3", Ack: discordReply(`{"type":6}`)},
				{When: "json:type", Is: "4", Ack: discordReply(`{"type":8,"data":{"choices":[]}}`)},
				{When: "json:type", Is: "5", Ack: discordReply(`{"type":4,"data":{"content":"Accepted.","flags":64}}`)},
			},
			Retry:  "several times over 10 minutes, with back-off; of events alone",
			Source: "https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint",
		},
		{
			Name: "telegram", Title: "Telegram", Note: tokenNote, Proof: tokenHeader("X-Telegram-Bot-Api-Secret-Token"), BodyUnsigned: true,
			ID: "json:update_id", Type: "telegram:kind", Time: "json:message.date | json:edited_message.date | json:channel_post.date", Subject: "json:message.chat.id | json:callback_query.message.chat.id | json:channel_post.chat.id",
			Retry: "a reasonable number of times, in its words", Source: "https://core.telegram.org/bots/api#setwebhook",
		},
		{
			Name: "line", Title: "LINE", Proof: base64Header("X-Line-Signature", ""),
			ID: "json:events.0.webhookEventId", Type: "json:events.0.type", Time: "json:events.0.timestamp", Subject: "json:events.0.source.userId",
			Batch: "events", PartID: "json:webhookEventId", PartType: "json:type", PartTime: "json:timestamp", PartSubject: "json:source.groupId | json:source.userId",
			Shakes: []Shake{{Name: "verify", When: "json:events.#", Is: "0"}},
			Ack:    Ack{Status: 200}, Source: "https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
		},
		withToken(meta("meta", "Meta")), withToken(meta("whatsapp", "WhatsApp")), withToken(meta("messenger", "Messenger")), withToken(meta("instagram", "Instagram")),
		{
			Name: "twitter", Title: "X (Twitter)", Proof: base64Header("X-Twitter-Webhooks-Signature", "sha256="),
			Type: `field:_events | "activity"`, Time: "json:*_events.0.created_timestamp | json:*_events.0.timestamp_ms", Subject: "json:for_user_id",
			Shakes: []Shake{{Name: "crc", Before: true, Method: "GET", When: "query:crc_token", Reply: "crc"}},
			Ack:    Ack{Status: 200}, Source: "https://docs.x.com/x-api/webhooks/introduction",
		},
		{
			Name: "twitch", Title: "Twitch EventSub", Proof: twitch,
			Type: "header:Twitch-Eventsub-Subscription-Type", Time: "header:Twitch-Eventsub-Message-Timestamp", Subject: "json:event.broadcaster_user_id | json:event.user_id",
			Shakes: []Shake{{Name: "webhook_callback_verification", When: "header:Twitch-Eventsub-Message-Type", Is: "webhook_callback_verification", Reply: "echo", What: "json:challenge"}},
			Source: "https://dev.twitch.tv/docs/eventsub/handling-webhook-events/",
		},
		{
			Name: "zoom", Title: "Zoom", Proof: zoom, Type: "json:event", Time: "json:event_ts", Subject: "json:payload.object.id",
			Shakes: []Shake{{Name: "endpoint.url_validation", When: "json:event", Is: "endpoint.url_validation", Reply: "zoom", What: "json:payload.plainToken"}},
			Ack:    Ack{Status: 200, Deadline: 3 * time.Second}, Retry: "after 5, 20 and 60 minutes", Source: "https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events",
		},
	}
}

// discordReply is an interaction response.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object
func discordReply(body string) Ack {
	return Ack{Status: 200, ContentType: "application/json", Body: body}
}

func mail() []Sender {
	sendgrid := Proof{
		Scheme: "ecdsa", Headers: []string{"X-Twilio-Email-Event-Webhook-Signature"}, Encoding: base64Encoding, Signed: "{timestamp}{body}",
		Stamp: "header:X-Twilio-Email-Event-Webhook-Timestamp",
	}
	return []Sender{
		{
			Name: "sendgrid", Title: "SendGrid", Note: "SendGrid sets no limit of age; set tolerance once you know that retries fit into it.", Proof: sendgrid,
			ID: "json:0.sg_event_id", Type: "json:0.event", Time: "json:0.timestamp", Subject: "json:0.sg_message_id",
			Batch: "@this", PartID: "json:sg_event_id", PartType: "json:event", PartTime: "json:timestamp", PartSubject: "json:sg_message_id",
			Retry: "for up to 24 hours", Source: "https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
		},
		{
			Name: "mailgun", Title: "Mailgun", Note: "Only a timestamp and a token are signed. Fetch the event by its id before you act on it.",
			Proof: Proof{
				Scheme: "hmac", Headers: []string{"json:signature.signature"}, Signed: "{json:signature.timestamp}{json:signature.token}",
				Stamp: "json:signature.timestamp", Tolerance: 12 * time.Hour,
			}, BodyUnsigned: true,
			ID: "json:event-data.id", Type: "json:event-data.event", Time: "json:event-data.timestamp", Subject: "json:event-data.message.headers.message-id",
			Ack: Ack{Status: 200}, Retry: "after 5, 10, 15 minutes, 1, 2, 4 hours, but not of a delivered event; 406 stops them",
			Source: "https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
		},
		{
			Name: "postmark", Title: "Postmark", Note: tokenNote, Proof: basicAuth(), BodyUnsigned: true,
			ID: `json:RecordType + "/" + json:MessageID | json:MessageID`, Type: `json:RecordType | "Inbound"`, Time: "json:DeliveredAt | json:BouncedAt | json:ReceivedAt | json:ChangedAt | json:Date", Subject: "json:Recipient | json:Email | json:From",
			Ack: Ack{Status: 200}, Retry: "up to 10 times, at growing intervals", Source: "https://postmarkapp.com/developer/webhooks/webhooks-overview",
		},
		{
			Name: "resend", Title: "Resend", Proof: standard(), Type: "json:type", Time: "json:created_at", Subject: "json:data.email_id",
			Retry:  "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h",
			Source: "https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests",
		},
	}
}

func telephony() []Sender {
	telnyx := Proof{
		Scheme: "ed25519", Headers: []string{"Telnyx-Signature-Ed25519"}, Encoding: base64Encoding, Signed: "{timestamp}|{body}",
		Stamp: "header:Telnyx-Timestamp", Tolerance: minutes5,
	}
	plivo := Proof{Scheme: "hmac", Headers: []string{"X-Plivo-Signature-V3"}, Encoding: base64Encoding, List: ",", Signed: "{plivo:v3}"}
	plivo2 := Proof{Scheme: "hmac", Headers: []string{"X-Plivo-Signature-V2"}, Encoding: base64Encoding, List: ",", Signed: "{url:path}{header:X-Plivo-Signature-V2-Nonce}"}
	return []Sender{
		{
			Name: "twilio", Title: "Twilio", Proof: Proof{Scheme: "twilio", Algorithm: "sha1", Headers: []string{twilioHeader}, Encoding: base64Encoding, Signed: "{called} and the sorted form parameters"},
			ID:   `header:I-Twilio-Idempotency-Token | form:MessageSid + "/" + form:MessageStatus | form:MessageSid | form:CallSid + "/" + form:CallStatus | form:CallSid | json:0.id`,
			Type: `"message." + form:MessageStatus | "message." + form:SmsStatus | "call." + form:CallStatus | json:0.type`,
			Time: "json:0.time", Subject: "form:MessageSid | form:CallSid | json:0.data.messageSid | json:0.source", Form: "*",
			// Event Streams alone sends JSON: a list of CloudEvents.
			Batch: "@this", PartID: "json:id", PartType: "json:type", PartTime: "json:time", PartSubject: "json:data.messageSid | json:data.callSid | json:source",
			Ack: Ack{Status: 200, Empty: true, Deadline: 15 * time.Second}, Retry: "once by default; set in the URL's fragment",
			Source: "https://www.twilio.com/docs/usage/security#validating-requests",
		},
		{
			Name: "telnyx", Title: "Telnyx", Proof: telnyx,
			ID: "json:data.id", Type: "json:data.event_type", Time: "json:data.occurred_at", Subject: "json:data.payload.call_control_id | json:data.payload.id",
			Source: "https://developers.telnyx.com/docs/messaging/messages/webhook-signing",
		},
		{
			Name: "vonage", Title: "Vonage",
			Proof: Proof{Scheme: "jwt", Algorithm: "HS256", Headers: []string{"Authorization"}, Prefix: "Bearer ", Encoding: plainEncoding, BodyClaim: "payload_hash", NoExpiry: true, Tolerance: minutes5},
			ID:    "json:message_uuid | json:uuid", Type: "json:status | json:channel", Time: "json:timestamp", Subject: "json:from | json:conversation_uuid",
			Ack: Ack{Status: 200}, Retry: "for up to 24 hours", Source: "https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks",
		},
		{
			Name: "plivo", Title: "Plivo", Proof: plivo,
			ID: "form:MessageUUID | form:CallUUID", Type: "form:Status | form:Event | form:CallStatus", Time: "form:EndTime | form:StartTime", Subject: "form:From", Form: "*",
			Source: "https://www.plivo.com/docs/messaging/concepts/signature-validation",
		},
		{
			Name: "plivo-v2", Title: "Plivo, version 2", Note: "The signature covers the URL and a nonce, not the body.", Proof: plivo2, BodyUnsigned: true,
			ID: "form:MessageUUID | form:CallUUID", Type: "form:Status | form:Event | form:CallStatus", Time: "form:EndTime | form:StartTime", Subject: "form:From", Form: "*",
			Source: "https://www.plivo.com/docs/messaging/concepts/signature-validation",
		},
	}
}
