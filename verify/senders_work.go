package verify

import "time"

// work are the tools in which people work: documents, tasks, forms, support.
func work() []Sender { return append(documents(), customers()...) }

func documents() []Sender {
	airtable := hexHeader("X-Airtable-Content-MAC", "hmac-sha256=")
	airtable.Key = "base64"
	notion, asana := hexHeader("X-Notion-Signature", "sha256="), hexHeader("X-Hook-Signature", "")
	notion.Pending, asana.Pending = true, true
	trello := base64Header("X-Trello-Webhook", "")
	trello.Algorithm, trello.Signed = "sha1", "{body}{url}"
	sanity := stamped("Sanity-Webhook-Signature", "t", "v1")
	sanity.Encoding, sanity.Unit, sanity.Tolerance = base64URLEncoding, unitMillis, 0
	teams := base64Header("Authorization", "HMAC ")
	teams.Key = "base64"
	return []Sender{
		{
			Name: "figma", Title: "Figma", Note: "The passcode inside the body names the sender; nothing else of the body is proven.",
			Proof: Proof{Scheme: "token", Headers: []string{"json:passcode"}}, BodyUnsigned: true,
			ID: `json:webhook_id + "/" + json:timestamp`, Type: "json:event_type", Time: "json:timestamp", Subject: "json:file_key",
			Shakes: []Shake{{Name: "ping", When: "json:event_type", Is: "PING"}},
			Retry:  "after 5 minutes, 30 minutes, 3 hours", Source: "https://developers.figma.com/docs/rest-api/webhooks-security/",
		},
		{
			Name: "notion", Title: "Notion", Note: "The secret is the verification token that the first request brings: start with secrets: [pending]. The server keeps it in a file beside the store and logs the name of that file; paste it into Notion's console, and name the file in the configuration.", Proof: notion,
			ID: "json:id", Type: "json:type", Time: "json:timestamp", Subject: "json:entity.id",
			Shakes: []Shake{{Name: "verification_token", Before: true, Method: "POST", When: "json:verification_token", Unless: "json:type", Offer: "json:verification_token"}},
			Source: "https://developers.notion.com/reference/webhooks",
		},
		{
			Name: "asana", Title: "Asana", Note: "The secret comes in the X-Hook-Secret header of the first request: start with secrets: [pending]. The server keeps it in a file beside the store and logs the name of that file: name the file in the configuration.", Proof: asana,
			Type: "json:events.0.action", Time: "json:events.0.created_at", Subject: "json:events.0.resource.gid",
			Batch: "events", PartType: `json:resource.resource_type + "." + json:action | json:action`, PartTime: "json:created_at", PartSubject: "json:resource.gid",
			Shakes: []Shake{
				{Name: "x_hook_secret", Before: true, Method: "POST", When: "header:X-Hook-Secret", Reply: "header:X-Hook-Secret", Offer: "header:X-Hook-Secret"},
				{Name: "heartbeat", When: "json:events.#", Is: "0"},
			},
			Ack: Ack{Status: 200, Deadline: 10 * time.Second}, Retry: "for 24 hours, then the webhook is deleted",
			Source: "https://developers.asana.com/docs/webhooks-guide",
		},
		{
			Name: "trello", Title: "Trello", Proof: trello,
			ID: "json:action.id", Type: "json:action.type", Time: "json:action.date", Subject: "json:action.data.card.id | json:model.id",
			Shakes: []Shake{{Name: "head", Before: true, Method: "HEAD"}},
			Ack:    Ack{Status: 200}, Retry: "after 30, 60 and 120 s", Source: "https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
		},
		{
			Name: "airtable", Title: "Airtable", Note: "A notification says that something changed; the changes are fetched. The secret is macSecretBase64.", Proof: airtable,
			Type: `"notification"`, Time: "json:timestamp", Subject: "json:base.id",
			Ack: Ack{Status: 200}, Source: "https://airtable.com/developers/web/api/receive-webhook-notification",
		},
		{
			Name: "monday", Title: "monday.com", Note: tokenNote,
			Proof: Proof{Scheme: "jwt", Algorithm: "HS256", Headers: []string{"Authorization"}, Encoding: plainEncoding, Choose: []string{"audience"}}, BodyUnsigned: true,
			ID: "json:event.triggerUuid", Type: "json:event.type", Time: "json:event.triggerTime", Subject: "json:event.pulseId | json:event.boardId",
			Shakes: []Shake{{Name: "challenge", Before: true, Method: "POST", When: "json:challenge", Unless: "json:event.type", Reply: "json:challenge"}},
			Ack:    Ack{Status: 200}, Retry: "every minute for 30 minutes",
			Source: "https://developer.monday.com/apps/docs/mondayapps-webhooks",
		},
		{
			Name: "clickup", Title: "ClickUp", Proof: hexHeader("X-Signature", ""),
			ID: `json:webhook_id + "/" + json:history_items.0.id`, Type: "json:event", Time: "json:history_items.0.date", Subject: "json:task_id | json:list_id",
			Ack: Ack{Deadline: 7 * time.Second}, Retry: "5 times; 100 failed events or a 410 suspend the webhook",
			Source: "https://developer.clickup.com/docs/webhooksignature",
		},
		{
			Name: "webflow", Title: "Webflow",
			Proof: Proof{Scheme: "hmac", Headers: []string{"X-Webflow-Signature"}, Signed: "{timestamp}:{body}", Stamp: "header:X-Webflow-Timestamp", Unit: unitMillis, Tolerance: minutes5},
			Type:  "json:triggerType", Subject: "json:payload.id | json:payload._id",
			Source: "https://developers.webflow.com/data/docs/working-with-webhooks",
		},
		{
			Name: "contentful", Title: "Contentful",
			Proof: Proof{
				Scheme: "hmac", Headers: []string{"X-Contentful-Signature"}, Signed: "{method}\n{contentful:path}\n{contentful:headers}\n{body}",
				Stamp: "header:X-Contentful-Timestamp", Unit: unitMillis, Tolerance: 30 * time.Second,
			},
			ID: `json:sys.id + "/" + json:sys.revision + "/" + header:X-Contentful-Topic`, Type: "header:X-Contentful-Topic", Time: "json:sys.updatedAt", Subject: "json:sys.id",
			Source: "https://www.contentful.com/developers/docs/webhooks/request-verification/",
		},
		{
			Name: "sanity", Title: "Sanity", Proof: sanity,
			ID: "header:Idempotency-Key", Type: "json:_type", Time: "json:_updatedAt", Subject: "json:_id",
			Retry:  "on 429 and 5xx twice, 30 s apart",
			Source: "https://github.com/sanity-io/webhook-toolkit",
		},
		{
			Name: "box", Title: "Box", Note: "List the primary and the secondary key as secrets.",
			Proof: Proof{
				Scheme: "hmac", Headers: []string{"Box-Signature-Primary", "Box-Signature-Secondary"}, Encoding: base64Encoding, Signed: "{body}{timestamp}",
				Stamp: "header:Box-Delivery-Timestamp", Unit: unitRFC3339, Tolerance: 10 * time.Minute,
				Require: map[string]string{"Box-Signature-Version": "1", "Box-Signature-Algorithm": "HmacSHA256"},
			},
			ID: "header:Box-Delivery-Id", Type: "json:trigger", Time: "json:created_at", Subject: "json:source.id",
			Ack: Ack{Deadline: 30 * time.Second}, Retry: "10 times within 2 hours", Source: "https://developer.box.com/guides/webhooks/v2/signatures-v2/",
		},
		{
			Name: "dropbox", Title: "Dropbox", Note: "A notification names accounts; the changes are listed with a cursor.", Proof: hexHeader("X-Dropbox-Signature", ""),
			Type: `"notification"`, Subject: "json:list_folder.accounts.0", Thin: true,
			Batch: "list_folder.accounts", PartType: `"notification"`, PartSubject: "json:@this",
			Shakes: []Shake{{Name: "challenge", Before: true, Method: "GET", When: "query:challenge", Reply: "echo"}},
			Ack:    Ack{Deadline: 10 * time.Second}, Source: "https://www.dropbox.com/developers/reference/webhooks",
		},
		{
			Name: "docusign", Title: "DocuSign Connect",
			Proof: Proof{Scheme: "hmac", Headers: []string{"X-DocuSign-Signature-#"}, Encoding: base64Encoding, Signed: "{body}"},
			ID:    `json:data.envelopeId + "/" + json:event + "/" + json:generatedDateTime`, Type: "json:event", Time: "json:generatedDateTime", Subject: "json:data.envelopeId",
			Ack: Ack{Deadline: 100 * time.Second}, Source: "https://developers.docusign.com/platform/webhooks/connect/validate/",
		},
		{
			Name: "dropbox-sign", Title: "Dropbox Sign", Note: "Only time and type of the event are signed, with the API key as the secret.",
			Proof: Proof{Scheme: "hmac", Headers: []string{"json:event.event_hash"}, Signed: "{json:event.event_time}{json:event.event_type}"}, BodyUnsigned: true,
			ID: "json:event.event_hash", Type: "json:event.event_type", Time: "json:event.event_time", Subject: "json:signature_request.signature_request_id", Form: "json",
			Ack:    Ack{Status: 200, ContentType: "text/plain", Body: "Hello API Event Received"},
			Source: "https://developers.hellosign.com/docs/events/walkthrough/",
		},
		{
			Name: "microsoft-graph", Title: "Microsoft Graph", Note: "The clientState inside the body names the sender; nothing else of the body is proven.",
			Proof: Proof{Scheme: "token", Headers: []string{"json:value.0.clientState"}}, BodyUnsigned: true,
			Type: "json:value.0.changeType", Subject: "json:value.0.resource", Thin: true,
			Batch: "value", PartToken: "json:clientState", PartID: "json:id", PartType: "json:changeType | json:lifecycleEvent", PartSubject: "json:resource",
			Shakes: []Shake{{Name: "validationToken", Before: true, When: "query:validationToken", Reply: "echo"}},
			Ack:    Ack{Status: 202, Deadline: 3 * time.Second}, Retry: "for up to 4 hours", Source: "https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
		},
		{
			Name: "teams-outgoing", Title: "Microsoft Teams outgoing webhook", Proof: teams,
			ID: "json:id", Type: "json:type", Time: "json:timestamp", Subject: "json:conversation.id",
			Ack:    Ack{Status: 200, ContentType: "application/json", Body: `{"type":"message","text":"Accepted."}`, Deadline: 5 * time.Second},
			Source: "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook",
		},
		{
			Name: "tailscale", Title: "Tailscale", Proof: stamped("Tailscale-Webhook-Signature", "t", "v1"),
			Type: "json:0.type", Time: "json:0.timestamp", Subject: "json:0.tailnet",
			Batch: "@this", PartType: "json:type", PartTime: "json:timestamp", PartSubject: "json:tailnet",
			Source: "https://tailscale.com/kb/1213/webhooks",
		},
	}
}

// customers are forms, sales and support.
func customers() []Sender {
	sha1 := func(p Proof) Proof { p.Algorithm = "sha1"; return p }
	hubspot := Proof{
		Scheme: "hmac", Headers: []string{"X-HubSpot-Signature-v3"}, Encoding: base64Encoding, Signed: "{method}{called:hubspot}{body}{timestamp}",
		Stamp: "header:X-HubSpot-Request-Timestamp", Unit: unitMillis, Tolerance: minutes5,
	}
	hash := func(version, signed string) Proof {
		return Proof{Scheme: "hash", Headers: []string{"X-HubSpot-Signature"}, Signed: signed, Require: map[string]string{"X-HubSpot-Signature-Version": version}}
	}
	// An eventId alone is not unique, in HubSpot's own words.
	const hubPart = `json:eventId + "/" + json:subscriptionId + "/" + json:objectId + "/" + json:occurredAt | json:eventId`
	hub := func(name, title, note string, p Proof) Sender {
		return Sender{
			Name: name, Title: title, Note: note, Proof: p,
			ID: `json:0.eventId + "/" + json:0.attemptNumber | json:0.eventId`, Type: "json:0.subscriptionType", Time: "json:0.occurredAt", Subject: "json:0.objectId",
			Batch: "@this", PartID: hubPart, PartType: "json:subscriptionType", PartTime: "json:occurredAt", PartSubject: "json:objectId",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "10 times over 24 hours",
			Source: "https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests",
		}
	}
	const plainHash = "A hash of secret and text, not a MAC: what is signed can be lengthened by somebody without the secret. Use hubspot."
	zendesk := base64Header("X-Zendesk-Webhook-Signature", "")
	zendesk.Signed, zendesk.Stamp, zendesk.Unit, zendesk.Tolerance = "{timestamp}{body}", "header:X-Zendesk-Webhook-Signature-Timestamp", unitRFC3339, minutes5
	calendly := stamped("Calendly-Webhook-Signature", "t", "v1")
	calendly.Tolerance = 3 * time.Minute
	return []Sender{
		hub("hubspot", "HubSpot", "", hubspot),
		hub("hubspot-v1", "HubSpot, version 1", plainHash, hash("v1", "{secret}{body}")),
		hub("hubspot-v2", "HubSpot, version 2", plainHash, hash("v2", "{secret}{method}{called}{body}")),
		{
			Name: "intercom", Title: "Intercom", Proof: sha1(hexHeader("X-Hub-Signature", "sha1=")),
			ID: "json:id", Type: "json:topic", Time: "json:created_at", Subject: "json:data.item.id",
			Shakes: []Shake{{Name: "head", Before: true, Method: "HEAD"}, {Name: "ping", When: "json:topic", Is: "ping"}},
			Ack:    Ack{Status: 200, Deadline: 5 * time.Second}, Retry: "1000 errors within 15 minutes pause the subscription",
			Source: "https://developers.intercom.com/docs/webhooks/setting-up-webhooks",
		},
		{
			Name: "zendesk", Title: "Zendesk", Proof: zendesk,
			ID: "header:X-Zendesk-Webhook-Invocation-Id", Type: "json:type", Time: "json:time", Subject: "json:subject | json:detail.id",
			Retry: "3 to 5 times on 409 and on 429 with Retry-After", Source: "https://developer.zendesk.com/documentation/webhooks/verifying/",
		},
		{
			Name: "typeform", Title: "Typeform", Proof: base64Header("Typeform-Signature", "sha256="),
			ID: "json:event_id", Type: "json:event_type", Time: "json:form_response.submitted_at", Subject: "json:form_response.form_id",
			Ack: Ack{Deadline: 30 * time.Second}, Retry: "on 408, 423, 429 and 503 every 2 to 3 minutes for 10 hours; 404 and 410 disable the webhook", Source: "https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
		},
		{
			Name: "calendly", Title: "Calendly", Proof: calendly,
			Type: "json:event", Time: "json:created_at", Subject: "json:payload.uri",
			Retry: "for 24 hours, then the subscription is disabled", Source: "https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures",
		},
		{
			Name: "customerio", Title: "Customer.io",
			Proof: Proof{Scheme: "hmac", Headers: []string{"X-CIO-Signature"}, Signed: "v0:{timestamp}:{body}", Stamp: "header:X-CIO-Timestamp", Tolerance: minutes5},
			ID:    "json:event_id", Type: `json:object_type + "." + json:metric | json:metric`, Time: "json:timestamp", Subject: "json:data.identifiers.id | json:data.customer_id",
			Ack: Ack{Deadline: 4 * time.Second}, Source: "https://docs.customer.io/journeys/webhooks/#securely-verify-requests",
		},
		{
			Name: "helpscout", Title: "Help Scout", Proof: sha1(base64Header("X-HelpScout-Signature", "")),
			Type: "header:X-HelpScout-Event", Time: "json:userUpdatedAt | json:createdAt", Subject: "json:id", Source: "https://developer.helpscout.com/webhooks/",
		},
		{
			Name: "surveymonkey", Title: "SurveyMonkey", Note: "The secret is client_id&client_secret.", Proof: sha1(base64Header("Sm-Signature", "")),
			ID: "json:event_id", Type: "json:event_type", Time: "json:event_datetime", Subject: "json:object_id",
			Shakes: []Shake{{Name: "head", Before: true, Method: "HEAD"}},
			Source: "https://api.surveymonkey.com/v3/docs#webhook-callbacks",
		},
		{
			Name: "webex", Title: "Webex", Proof: sha1(hexHeader("X-Spark-Signature", "")),
			Type: `json:resource + "." + json:event`, Time: "json:created", Subject: "json:data.id",
			Source: "https://developer.webex.com/docs/webhooks",
		},
		{
			Name: "pipedrive", Title: "Pipedrive", Note: tokenNote, Proof: basicAuth(), BodyUnsigned: true,
			ID: "json:meta.id", Type: `json:meta.entity + "." + json:meta.action`, Time: "json:meta.timestamp", Subject: "json:meta.entity_id",
			Source: "https://pipedrive.readme.io/docs/guide-for-webhooks-v2",
		},
	}
}
