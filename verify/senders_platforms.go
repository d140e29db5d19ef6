package verify

import "time"

// platforms are identity, media, AI and developer platforms.
func platforms() []Sender {
	return append(append(standards(), identity()...), media()...)
}

// standards are the senders that follow Standard Webhooks or send through Svix.
func standards() []Sender {
	row := func(name, title, source string) Sender {
		return Sender{Name: name, Title: title, Proof: standard(), Type: "json:type", Time: "json:timestamp | json:created_at", Subject: "json:data.id", Source: source}
	}
	anthropic := row("anthropic", "Anthropic (Claude Managed Agents)", "https://platform.claude.com/docs/en/managed-agents/webhooks")
	anthropic.Type, anthropic.Time = "json:data.type", "json:created_at"
	anthropic.Retry = "3 attempts in all, 5 to 120 s apart, then the event is dropped; a redirect disables the endpoint"
	svix := row("svix", "Svix", "https://docs.svix.com/receiving/verifying-payloads/how-manual")
	svix.Ack.Deadline, svix.Retry = 15*time.Second, "after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h"
	openai := row("openai", "OpenAI", "https://platform.openai.com/docs/guides/webhooks")
	const ingest = "https://docs.svix.com/receiving/introduction"
	return []Sender{
		anthropic, svix, openai,
		row("autumn", "Autumn", "https://docs.useautumn.com"),
		row("beehiiv", "beehiiv", ingest),
		row("brex", "Brex", "https://developer.brex.com/docs/webhooks/"),
		row("clerk", "Clerk", "https://clerk.com/docs/webhooks/overview"),
		row("drata", "Drata", ingest),
		row("etsy", "Etsy", ingest),
		row("gemini", "Gemini", ingest),
		row("granola", "Granola", ingest),
		row("guesty", "Guesty", ingest),
		row("incident-io", "incident.io", "https://api-docs.incident.io/tag/Webhooks"),
		row("kong", "Kong", ingest),
		row("lithic", "Lithic", "https://docs.lithic.com/docs/events-api"),
		row("loops", "Loops", "https://loops.so/docs/webhooks"),
		row("nash", "Nash", ingest),
		row("pleo", "Pleo", ingest),
		row("polar", "Polar", "https://docs.polar.sh/integrate/webhooks/delivery"),
		row("recall-ai", "Recall.ai", "https://docs.recall.ai/docs/webhooks"),
		row("render", "Render", "https://render.com/docs/webhooks"),
		row("replicate", "Replicate", "https://replicate.com/docs/topics/webhooks/verify-webhook"),
		row("safebase", "SafeBase", ingest),
		row("sardine", "Sardine", ingest),
		row("stytch", "Stytch", "https://stytch.com/docs/guides/dashboard/webhooks"),
		row("supabase", "Supabase auth hooks", "https://supabase.com/docs/guides/auth/auth-hooks"),
		row("vanta", "Vanta", ingest),
	}
}

func identity() []Sender {
	workos := stamped("WorkOS-Signature", "t", "v1")
	workos.Unit, workos.Tolerance = unitMillis, 180*time.Second
	okta := tokenHeader("Authorization")
	return []Sender{
		{
			Name: "workos", Title: "WorkOS", Proof: workos, ID: "json:id", Type: "json:event", Time: "json:created_at", Subject: "json:data.id",
			Retry: "with back-off, for up to 3 days", Source: "https://workos.com/docs/events/data-syncing/webhooks",
		},
		{
			Name: "auth0", Title: "Auth0", Note: tokenNote, Proof: bearer(), BodyUnsigned: true,
			ID: "json:id | json:log_id", Type: "json:type | json:data.type", Time: "json:time | json:data.date", Subject: "json:data.user_id | json:data.object.user_id | json:data.user_name",
			Source: "https://auth0.com/docs/customize/log-streams/custom-log-streams",
		},
		{
			Name: "okta", Title: "Okta", Note: tokenNote + " The secret is the whole value of the Authorization header.", Proof: okta, BodyUnsigned: true,
			ID: "json:eventId", Type: "json:data.events.0.eventType", Time: "json:eventTime", Subject: "json:data.events.0.target.0.id",
			Batch: "data.events", PartID: "json:uuid", PartType: "json:eventType", PartTime: "json:published", PartSubject: "json:target.0.id",
			Shakes: []Shake{{Name: "verification", Before: true, Method: "GET", When: "header:X-Okta-Verification-Challenge", Reply: "json:verification"}},
			Ack:    Ack{Status: 200, Deadline: 3 * time.Second}, Retry: "once, on a time-out or 5xx; never on 4xx",
			Source: "https://developer.okta.com/docs/concepts/event-hooks/",
		},
	}
}

func media() []Sender {
	elevenlabs := stamped("ElevenLabs-Signature", "t", "v0")
	elevenlabs.Tolerance = 30 * time.Minute
	retell := stamped("X-Retell-Signature", "v", "d")
	retell.Signed, retell.Unit = "{body}{timestamp}", unitMillis
	return []Sender{
		{
			Name: "elevenlabs", Title: "ElevenLabs", Proof: elevenlabs, Type: "json:type", Time: "json:event_timestamp", Subject: "json:data.conversation_id",
			Retry:  "none unless switched on; 10 failures in a row over 7 days disable the webhook",
			Source: "https://elevenlabs.io/docs/eleven-api/resources/webhooks",
		},
		{
			Name: "mux", Title: "Mux", Proof: stamped("Mux-Signature", "t", "v1"), ID: "json:id", Type: "json:type", Time: "json:created_at", Subject: "json:object.id",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "for 24 hours", Source: "https://www.mux.com/docs/core/verify-webhook-signatures",
		},
		{
			Name: "retell", Title: "Retell AI", Proof: retell, Type: "json:event", Subject: "json:call.call_id", Source: "https://docs.retellai.com/features/secure-webhook",
		},
		{
			Name: "vapi", Title: "Vapi", Note: tokenNote, Proof: tokenHeader("X-Vapi-Secret"), BodyUnsigned: true,
			Type: "json:message.type", Time: "json:message.timestamp", Subject: "json:message.call.id", Source: "https://docs.vapi.ai/server-url/server-authentication",
		},
		{
			Name: "deepgram", Title: "Deepgram", Note: tokenNote, Proof: tokenHeader("Dg-Token"), BodyUnsigned: true,
			ID: "json:metadata.request_id", Type: `"transcription"`, Time: "json:metadata.created", Subject: "json:metadata.request_id", Source: "https://developers.deepgram.com/docs/callback",
		},
		{
			Name: "cursor", Title: "Cursor", Proof: hexHeader("X-Webhook-Signature", "sha256="),
			ID: "header:X-Webhook-ID", Type: "header:X-Webhook-Event | json:event", Time: "json:timestamp", Subject: "json:id", Source: "https://docs.cursor.com/en/background-agent/api/webhooks",
		},
		{
			Name: "langfuse", Title: "Langfuse", Proof: stamped("X-Langfuse-Signature", "t", "v1"),
			ID: "json:id", Type: `json:type + "." + json:action | json:type`, Time: "json:timestamp", Subject: "json:prompt.name", Source: "https://langfuse.com/docs/prompt-management/features/webhooks-slack-integrations",
		},
		{
			Name: "livekit", Title: "LiveKit", Note: "The secret is the API secret, key_id the API key.",
			Proof: Proof{Scheme: "jwt", Algorithm: "HS256", Headers: []string{"Authorization"}, Encoding: plainEncoding, BodyClaim: "sha256", ClaimEncoding: base64Encoding, Choose: []string{"key_id"}, Demand: []string{"key_id"}},
			ID:    "json:id", Type: "json:event", Time: "json:createdAt", Subject: "json:room.name", Source: "https://docs.livekit.io/home/server/webhooks/",
		},
		{
			Name: "upstash-qstash", Title: "Upstash QStash", Note: "List the current and the next signing key as secrets.",
			Proof: Proof{
				Scheme: "jwt", Algorithm: "HS256", Headers: []string{"Upstash-Signature"}, Encoding: plainEncoding, Issuer: "Upstash", SubjectURL: true,
				BodyClaim: "body", ClaimEncoding: base64URLEncoding,
			},
			ID: "header:Upstash-Message-Id", Type: "json:type", Retry: "3 times by default, with back-off", Source: "https://upstash.com/docs/qstash/howto/signature",
		},
		{
			Name: "pusher", Title: "Pusher", Proof: hexHeader("X-Pusher-Signature", ""),
			Type: "json:events.0.name", Time: "json:time_ms", Subject: "json:events.0.channel", Batch: "events", PartType: "json:name", PartSubject: "json:channel",
			Ack: Ack{Deadline: 4 * time.Second}, Retry: "for 5 minutes, with back-off", Source: "https://pusher.com/docs/channels/server_api/webhooks/",
		},
		{
			Name: "getstream", Title: "Stream", Note: "Turn compression off: Stream signs the body before it is compressed.", Proof: hexHeader("X-Signature", ""),
			ID: "header:X-Webhook-Id", Type: "json:type", Time: "json:created_at", Subject: "json:cid | json:channel_id", Source: "https://getstream.io/chat/docs/node/webhooks_overview/",
		},
	}
}
