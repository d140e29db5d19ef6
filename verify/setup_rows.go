package verify

// svixSteps are those of the portal that Svix gives to those whom it sends for.
const svixSteps = "In its webhook settings, which are a portal of Svix: add an endpoint with the URL, and choose the events"

const svixSecret = "the endpoint's page shows it under Signing Secret: whsec_..."

func guidesOfCode() map[string]Guide {
	github := Guide{
		Steps:  "Repository or organisation > Settings > Webhooks > Add webhook; paste the Payload URL, set the content type to application/json, choose the events",
		Secret: youChoose + ", and paste it into Secret", Limits: "a payload of more than 25 MB is not sent",
	}
	buildkite := Guide{
		Steps:  "Settings > Notification Services > Webhook > Add; paste the Webhook URL, choose events and pipelines, and whether its token is sent or signs",
		Secret: "the webhook's Token",
	}
	return map[string]Guide{
		"github": github, "github-sha1": github, "github-sha512": {Secret: youChoose},
		"gitea": {Secret: youChoose}, "forgejo": {Secret: youChoose}, "gogs": {Secret: youChoose},
		"bitbucket": {Secret: youChoose + "; without one nothing is signed"}, "bitbucket-server": {Secret: youChoose + "; without one nothing is signed"},
		"gitlab":       {Steps: "Project > Settings > Webhooks; paste the URL, choose the triggers, Add webhook", Secret: "a signing token (whsec_...), or a secret token that you choose"},
		"jira":         {Steps: "In Jira's administration add a webhook with the URL, or POST /rest/webhooks/1.0/webhook of its API; choose the events", Secret: "set for the webhook; without one nothing is signed"},
		"azure-devops": {Steps: "Project settings > Service hooks > Create subscription > Web Hooks; choose the event, then paste the URL", Secret: "a user name and a password that you choose, for basic authentication"},
		"linear":       {Steps: "Settings > API > Webhooks: add a webhook with the URL, choose the data", Secret: "the webhook's signing secret"},
		"sentry":       {Steps: "Settings > Developer Settings > an internal integration; paste the Webhook URL, choose the resources", Secret: "the integration's client secret"},
		"pagerduty":    {Steps: "Integrations > Generic Webhooks (v3) > New Webhook; paste the Webhook URL, choose scope and events, Add Webhook", Secret: "shown once, in the confirmation"},
		"circleci": {
			Steps:  "The project > Project Settings > Webhooks > Add Webhook; paste the URL, choose the events",
			Secret: youChoose + ", and paste it into Secret token", Limits: "5 outbound webhooks per project",
		},
		"buildkite": buildkite, "buildkite-token": buildkite,
		"vercel":       {Steps: "The team > Settings > Webhooks; choose events and projects, paste the endpoint URL, Create Webhook", Secret: shownOnce},
		"netlify":      {Steps: "In the deploy notifications of the site: add one of the type HTTP POST request with the URL", Secret: youChoose + ": the notification's JWS secret token"},
		"heroku":       {Steps: "The app's page > More > View Webhooks, or heroku webhooks:add; give the URL and choose the events", Secret: youChoose},
		"datadog":      {Steps: "In its webhooks integration: add a webhook with the URL, the header {\"Authorization\": \"Bearer TOKEN\"}, and a payload that holds \"id\": \"$ID\""},
		"grafana":      {Steps: "In alerting: add a contact point of the type webhook with the URL and an HMAC secret", Secret: youChoose, Limits: "signatures came with Grafana 12.0"},
		"alertmanager": {Steps: "In its configuration: a receiver with webhook_configs, whose url is the URL and whose http_config carries the token"},
	}
}

func guidesOfWork() map[string]Guide {
	hubspot := Guide{
		Steps:  "Settings > Integrations > Private Apps > the app > Webhooks > Edit webhooks; paste the Target URL, Create subscription. Public apps have the same in their settings",
		Secret: "the app's client secret", Limits: "1000 subscriptions per private app",
	}
	return map[string]Guide{
		"figma":  {Secret: "the passcode, which you choose"},
		"notion": {Steps: "The integration's settings > Webhooks > Create a subscription; paste the Webhook URL, choose the events, then press Verify and paste the token that Forebay was sent", Secret: "the verification_token of the first request"},
		"asana": {
			Steps:  "POST /webhooks of its API with resource and target (the URL)",
			Secret: "the X-Hook-Secret of the first request", Limits: "a webhook that fails for 24 hours is deleted",
		},
		"trello":   {Secret: "the app's secret"},
		"airtable": {Secret: "the macSecretBase64 of the answer that made the webhook"},
		"monday": {
			Steps:  "create_webhook of its API, with the token of an integration app: only such webhooks carry the Authorization header. One that is added to a board by hand carries none, and is refused",
			Secret: "the app's signing secret",
		},
		"clickup":         {Secret: "the webhook.secret of the answer that made the webhook"},
		"webflow":         {Steps: "POST /sites/SITE/webhooks of its API with triggerType and url (the URL); webhooks that are made in its dashboard are not signed", Secret: "the answer's secret, or the client secret of the app that made it"},
		"contentful":      {Secret: "64 characters, shown once"},
		"sanity":          {Secret: youChoose},
		"box":             {Secret: "the app's signature keys, the primary and the secondary"},
		"dropbox":         {Secret: "the app's secret"},
		"docusign":        {Secret: "a Connect key"},
		"dropbox-sign":    {Secret: "the API key"},
		"microsoft-graph": {Steps: "POST /subscriptions of its API with changeType, resource, notificationUrl (the URL), expirationDateTime and clientState", Secret: "the clientState, which you choose", Limits: "subscriptions expire and have to be renewed"},
		"teams-outgoing":  {Steps: "The team > Manage team > Apps > Create an outgoing webhook; paste the Callback URL", Secret: "the security token that is shown then"},
		"hubspot":         hubspot, "hubspot-v1": hubspot, "hubspot-v2": hubspot,
		"intercom": {Steps: "Developer Hub > the app > Webhooks; paste the endpoint URL, choose the topics", Secret: "the app's client secret, on its Basic Info page"},
		"zendesk": {
			Steps:  "Admin Center > Apps and integrations > Actions and webhooks > Webhooks: create one with the Endpoint URL, POST, JSON, and choose the events",
			Secret: "the webhook's signing secret",
		},
		"typeform":     {Steps: "PUT /forms/FORM/webhooks/TAG of its API with url (the URL), secret and enabled: true", Secret: youChoose},
		"calendly":     {Steps: "POST /webhook_subscriptions of its API with url, events, organization, scope and signing_key", Secret: "the signing_key, which you choose"},
		"customerio":   {Secret: "the webhook's signing key"},
		"helpscout":    {Secret: youChoose},
		"surveymonkey": {Secret: "client id and client secret of the app, joined by &"},
		"webex":        {Secret: youChoose},
	}
}

func guidesOfMoney() map[string]Guide {
	adyen := Guide{Steps: "Customer Area > Developers > Webhooks: add a webhook with the URL, and generate its HMAC key", Secret: "the HMAC key"}
	return map[string]Guide{
		"stripe": {Steps: "Workbench > Webhooks > Create new destination; choose the events, then Webhook; paste the Endpoint URL, Create destination", Secret: "the destination's signing secret (whsec_...); test mode and live mode have different ones"},
		"square": {Steps: "POST /v2/webhooks/subscriptions of its API with event_types and notification_url (the URL), or its Developer Console", Secret: "the subscription's signature_key"},
		"paddle": {
			Steps:  "Developer tools > Notifications > New destination; paste the URL, choose the events, Save destination",
			Secret: "the destination's secret key (pdl_ntfset_...)", Limits: "10 destinations may be active at once",
		},
		"paypal": {Steps: "Developer Dashboard > the app > Add Webhook; paste the URL, choose the events, Save", Secret: "there is none; the webhook's id, which is shown then, is a part of what is signed"},
		"adyen":  adyen, "adyen-platform": adyen,
		"coinbase-commerce": {Secret: "the webhook's shared secret"},
		"coinbase-cdp":      {Secret: "the metadata.secret of the answer that made the subscription"},
		"xero":              {Secret: "the Webhooks key"},
		"plaid":             {Secret: "there is none; keys are fetched from its API by their id"},
		"lemon-squeezy":     {Steps: "Settings > Webhooks: add one with the Callback URL, choose the events", Secret: youChoose + ", 6 to 40 characters"},
		"braintree":         {Secret: "the private key of the API keys; the public key is the key_id"},
		"chargebee":         {Steps: "Settings > Webhooks > Add Webhook; paste the URL, switch on Protect webhook URL with basic authentication"},
		"checkout":          {Steps: "In its Dashboard or Workflows API: a workflow with a webhook action, whose URL is the URL", Secret: "the signature key of the action, which you choose"},
		"shopify": {
			Steps:  "For one shop: Settings > Notifications > Webhooks > Create webhook. For an app: a subscription whose uri is the URL, in shopify.app.toml or by its API",
			Secret: "the app's client secret; of a shop's own webhooks the one that is shown with them",
			Limits: "after a rotation the old secret may sign for an hour more",
		},
		"woocommerce":   {Steps: "WooCommerce > Settings > Advanced > Webhooks > Add webhook; Active, choose the topic, paste the Delivery URL", Secret: "in the form, or " + youChoose},
		"commercelayer": {Secret: "the webhook's shared_secret"},
		"bigcommerce":   {Steps: "POST /v3/hooks of its API with scope, destination (the URL) and headers: {Authorization: Bearer TOKEN}", Limits: "the URL is to be on port 443"},
		"tiktok":        {Secret: "the app's client secret"},
		"onfleet":       {Secret: "the webhook secret, in hex"},
	}
}

func guidesOfMessaging() map[string]Guide {
	meta := Guide{Steps: "The app's dashboard > Webhooks; paste the Callback URL and the Verify token, then subscribe to fields", Secret: "the app's secret"}
	return map[string]Guide{
		"slack":    {Steps: "The app's Event Subscriptions: enable events, paste the Request URL, choose the events. Slash commands and interactivity have a Request URL of their own", Secret: "the app's Signing Secret"},
		"discord":  {Steps: "Developer Portal > the application > General Information > Interactions Endpoint URL, or Webhooks > Endpoint URL for events", Secret: "there is none; General Information shows the Public Key, in hex"},
		"telegram": {Steps: "Call setWebhook of its API with url (the URL) and secret_token", Secret: youChoose + ", 1 to 256 characters of A-Z, a-z, 0-9, _ and -"},
		"line":     {Secret: "the channel secret"},
		"meta":     meta, "whatsapp": meta, "messenger": meta, "instagram": meta,
		"twitter":  {Steps: "POST /2/webhooks of its API with url (the URL)", Secret: "the app's consumer secret (API secret key)", Limits: "the CRC is asked for every hour"},
		"twitch":   {Secret: youChoose},
		"zoom":     {Steps: "App Marketplace > the app > Event Subscriptions > Add Event Subscription; choose the events, paste the Event notification endpoint URL, Validate", Secret: "the app's Secret Token", Limits: "the endpoint is validated again every 72 hours"},
		"sendgrid": {Steps: "Settings > Mail Settings > Event Webhooks: create one with the Post URL, choose the actions, switch on signature verification", Secret: "there is none; the form shows the public key"},
		"mailgun":  {Steps: "Send > Sending > Webhooks > Add webhook > Domain-level; paste the URL, choose event types and domain", Secret: "the HTTP webhook signing key", Limits: "3 URLs per event type"},
		"postmark": {Steps: "The server > Webhooks: add one with the URL as https://USER:PASSWORD@YOUR-HOST/hooks/postmark, choose the events"},
		"resend":   {Steps: "Webhooks > Add Webhook; paste the URL, choose the events", Secret: "the webhook's page shows its Signing Secret: whsec_..."},
		"twilio":   {Steps: "In the settings of the number or service: the URL as its webhook, HTTP POST", Secret: "the account's Auth Token"},
		"vonage":   {Secret: "the signature secret of the account"},
		"plivo":    {Secret: "the account's Auth Token"}, "plivo-v2": {Secret: "the account's Auth Token"},
	}
}

func guidesOfPlatforms() map[string]Guide {
	g := map[string]Guide{
		"anthropic":      {Steps: "Claude Console > Manage > Webhooks: add an endpoint with the URL (HTTPS on port 443 of a public name), choose the events", Secret: shownOnce + ": whsec_...", Limits: "a redirect or an address that is not public disables the endpoint at once"},
		"openai":         {Steps: "Settings > Webhooks > Add endpoint; paste the URL, choose the events", Secret: "shown when the endpoint is made: whsec_..."},
		"svix":           {Steps: "In the application's portal: add an endpoint with the URL, choose the event types", Secret: svixSecret},
		"clerk":          {Steps: "Dashboard > Webhooks > Add Endpoint; paste the Endpoint URL, choose the events, Create", Secret: svixSecret},
		"replicate":      {Steps: "The field webhook of a prediction: the URL; webhook_events_filter chooses the events"},
		"supabase":       {Secret: "v1,whsec_...: write the part that begins with whsec_"},
		"workos":         {Steps: "In its Dashboard: add a webhook endpoint with the URL, choose the events", Secret: "the endpoint's webhook secret"},
		"auth0":          {Steps: "Monitoring > Streams > Create Stream > Custom Webhook: paste the Payload URL, \"Bearer TOKEN\" as the Authorization Token, and as the content format JSON Object. Event Streams > Create Event Stream > Webhook: paste the Endpoint, Bearer Token, TOKEN"},
		"okta":           {Steps: "Workflow > Event Hooks > Create Event Hook; paste the URL, give the Authorization header and its secret, choose the events, then Verify"},
		"elevenlabs":     {Steps: "Settings > Webhooks > Create Webhook; paste the URL, HMAC", Secret: shownOnce},
		"retell":         {Secret: "the API key that carries the webhook badge"},
		"vapi":           {Steps: "In its dashboard make a Custom Credential of the type Bearer Token with the header name X-Vapi-Secret; then name it as credentialId beside the server URL (the URL) of an assistant, number, tool or the organisation"},
		"deepgram":       {Steps: "The parameter callback of a transcription: the URL", Secret: "the identifier of the API key that made the request", Limits: "ports 80, 443, 8080 and 8443"},
		"cursor":         {Steps: "Cloud Agent settings > Webhooks > Add Webhook; paste the URL, choose the events", Secret: "the webhook's signing secret"},
		"livekit":        {Secret: "the secret of an API key; the key is the key_id"},
		"upstash-qstash": {Steps: "Publish to the URL, or make a schedule with it as its destination", Secret: "the current and the next signing key"},
		"pusher":         {Secret: "the app's secret"},
		"getstream":      {Secret: "the API secret of the app"},
	}
	for _, name := range []string{"autumn", "beehiiv", "brex", "drata", "etsy", "gemini", "granola", "guesty", "incident-io", "kong", "lithic", "loops", "nash", "pleo", "polar", "recall-ai", "render", "safebase", "sardine", "stytch", "vanta"} {
		g[name] = Guide{Secret: "the endpoint's signing secret: whsec_..."}
	}
	for _, name := range []string{"beehiiv", "guesty", "nash", "pleo", "safebase", "sardine"} {
		g[name] = Guide{Steps: svixSteps, Secret: svixSecret}
	}
	return g
}

func guidesOfClouds() map[string]Guide {
	own := Guide{Steps: "In your sender: the URL", Secret: youChoose}
	return map[string]Guide{
		"aws-sns":          {Steps: "aws sns subscribe --topic-arn ARN --protocol https --notification-endpoint URL; leave raw message delivery off. Forebay confirms the subscription", Secret: "there is none; the topic's ARN is listed in topics"},
		"google-pubsub":    {Steps: "Create a push subscription with the URL as its endpoint, and authentication by a service account and an audience", Secret: "there is none; audience and the service account's email are compared", Limits: "the acknowledgement deadline is 10 to 600 s, as the subscription says"},
		"azure-event-grid": {Steps: "az eventgrid event-subscription create with --endpoint 'URL?token=TOKEN', or an event subscription of the type web hook in the portal"},
		"cloudevents":      own, "hmac": own, "token": own, "basic": own, "standardwebhooks": own,
		"jwt": {Steps: "In your sender: the URL", Secret: "there is none; its public key stands in public_keys"},
	}
}
