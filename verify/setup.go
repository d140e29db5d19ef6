package verify

import "maps"

// A Guide is what a person does in a sender's console. What is empty is not
// documented by the sender, or not in a place that was read.
type Guide struct {
	Steps  string // where to click and what to paste; the URL is https://YOUR-HOST/hooks/NAME
	Secret string // where the secret or key comes from
	Limits string // what the sender limits: size, number, lifetime
}

// Guide returns what to do in the sender's console.
func (s Sender) Guide() Guide { return guides()[s.Name] }

const (
	youChoose = "you choose it"
	shownOnce = "the console shows it when the endpoint is made"
)

// svixSteps are those of the portal that Svix gives to those whom it sends for.
const svixSteps = "In its webhook settings, which are a portal of Svix: Endpoints > Add Endpoint; paste the URL, choose the events"

const svixSecret = "the endpoint's page shows it under Signing Secret: whsec_..."

func guides() map[string]Guide {
	g := map[string]Guide{}
	for _, part := range []map[string]Guide{guidesOfCode(), guidesOfWork(), guidesOfMoney(), guidesOfMessaging(), guidesOfPlatforms(), guidesOfClouds()} {
		maps.Copy(g, part)
	}
	return g
}

func guidesOfCode() map[string]Guide {
	github := Guide{
		Steps:  "Repository or organisation > Settings > Webhooks > Add webhook; paste the Payload URL, set the content type to application/json, choose the events",
		Secret: youChoose + ", and paste it into Secret", Limits: "a payload of more than 25 MB is not sent",
	}
	gitea := Guide{Steps: "Repository > Settings > Webhooks > Add Webhook; paste the Target URL, POST, application/json, choose the events", Secret: youChoose + ", and paste it into Secret"}
	bitbucket := Guide{Steps: "Repository settings > Webhooks > Add webhook (on Data Center: Create webhook); paste the URL, choose the triggers", Secret: youChoose + "; without one nothing is signed"}
	buildkite := Guide{Steps: "Organization Settings > Notification Services > Add Webhook; paste the Webhook URL, choose the events", Secret: "the service's page shows its token"}
	return map[string]Guide{
		"github": github, "github-sha1": github, "github-sha512": github,
		"gitea": gitea, "forgejo": gitea, "gogs": gitea, "bitbucket": bitbucket, "bitbucket-server": bitbucket,
		"gitlab":       {Steps: "Project or group > Settings > Webhooks > Add new webhook; paste the URL, choose the triggers", Secret: "a signing token (whsec_...), or a secret token that you choose"},
		"jira":         {Steps: "Settings > System > WebHooks > Create a WebHook; paste the URL, choose the events", Secret: "set or generated in the webhook's form; without one nothing is signed"},
		"azure-devops": {Steps: "Project settings > Service hooks > Create subscription > Web Hooks; choose the event, paste the URL", Secret: "a user name and a password that you choose, under Basic authentication"},
		"linear":       {Steps: "Settings > API > Webhooks > New webhook; paste the URL, choose the data", Secret: "the webhook's page shows its signing secret"},
		"sentry":       {Steps: "Settings > Custom Integrations > Create New Integration > Internal; paste the Webhook URL, choose the resources", Secret: "the integration's page shows its Client Secret"},
		"pagerduty":    {Steps: "Integrations > Generic Webhooks (v3) > New Webhook; paste the URL, choose scope and events", Secret: shownOnce + ", and not again"},
		"circleci":     {Steps: "Project Settings > Webhooks > Add Webhook; paste the Receiver URL, choose the events", Secret: youChoose + ", and paste it into Secret token"},
		"buildkite":    buildkite, "buildkite-token": buildkite,
		"vercel":       {Steps: "Team Settings > Webhooks; choose events and projects, paste the Endpoint URL", Secret: shownOnce + ", and not again"},
		"netlify":      {Steps: "Project configuration > Notifications > Add notification > HTTP POST request; choose the event, paste the URL", Secret: youChoose + ", and paste it into the JWS secret token"},
		"heroku":       {Steps: "heroku webhooks:add -i api:release -l notify -u URL -s SECRET -a APP", Secret: youChoose + ", or the command shows the one that it has made"},
		"datadog":      {Steps: "Integrations > Webhooks > New; paste the URL, add the header {\"Authorization\": \"Bearer TOKEN\"}, and have the payload hold \"id\": \"$ID\"", Secret: youChoose},
		"grafana":      {Steps: "Alerting > Contact points > Add contact point > Webhook; paste the URL, and under HMAC signature the secret", Secret: youChoose, Limits: "signatures came with Grafana 12.0"},
		"alertmanager": {Steps: "receivers: webhook_configs: url: URL, http_config: {authorization: {credentials: TOKEN}}", Secret: youChoose},
		"rootly":       {Steps: "Configuration > Webhooks > Endpoints > New endpoint; paste the URL, choose the events", Secret: "the endpoint's page shows it"},
	}
}

func guidesOfWork() map[string]Guide {
	hubspot := Guide{Steps: "The app's settings > Webhooks; paste the Target URL, create subscriptions", Secret: "the app's Auth page shows its client secret"}
	return map[string]Guide{
		"figma":           {Steps: "POST /v2/webhooks of its API with event_type, context, endpoint (the URL) and passcode", Secret: "the passcode, which " + youChoose},
		"notion":          {Steps: "The integration's settings > Webhooks > Create a subscription; paste the URL, choose the events, then paste the token that Forebay was sent into Verify", Secret: "the verification_token of the first request"},
		"asana":           {Steps: "POST /webhooks of its API with resource and target (the URL)", Secret: "the X-Hook-Secret of the first request", Limits: "a webhook that fails for 24 hours is deleted"},
		"trello":          {Steps: "POST /1/webhooks of its API with idModel and callbackURL (the URL)", Secret: "the app's API key page shows the secret"},
		"airtable":        {Steps: "POST /v0/bases/BASE/webhooks of its API with notificationUrl (the URL)", Secret: "the answer's macSecretBase64, which is shown once"},
		"monday":          {Steps: "The app's settings in the developer center, or an integration recipe with a webhook; paste the URL", Secret: "the app's signing secret"},
		"clickup":         {Steps: "POST /api/v2/team/TEAM/webhook of its API with endpoint (the URL) and events", Secret: "the answer's webhook.secret"},
		"webflow":         {Steps: "Site settings > Apps & integrations > Webhooks > Add webhook, or POST /v2/sites/SITE/webhooks; paste the URL", Secret: "of a webhook made in the dashboard its own secret, of one made by an app the app's client secret"},
		"contentful":      {Steps: "Settings > Webhooks > Add webhook; paste the URL with the method POST. Then Settings > Webhooks > Webhook settings > Enable request verification", Secret: "64 characters, " + shownOnce},
		"sanity":          {Steps: "sanity.io/manage > the project > API > Webhooks > Create webhook; paste the URL, write filter and projection", Secret: youChoose + ", and paste it into Secret"},
		"box":             {Steps: "Developer Console > the app > Webhooks > Create webhook > V2; paste the URL, choose the triggers", Secret: "Webhooks > Manage signature keys > Generate Key, both of them"},
		"dropbox":         {Steps: "App Console > the app > Webhooks; paste the URL and press Add", Secret: "the app's secret, on its Settings page"},
		"docusign":        {Steps: "Settings > Connect > Add Configuration > Custom; paste the URL, JSON, choose the events, switch on Include HMAC Signature", Secret: "Connect > Connect Keys > Add Secret Key, which is shown once"},
		"dropbox-sign":    {Steps: "Settings > API > Account callback (or the app's Event callback); paste the URL", Secret: "the API key"},
		"microsoft-graph": {Steps: "POST /subscriptions of its API with changeType, resource, notificationUrl (the URL), expirationDateTime and clientState", Secret: "the clientState, which " + youChoose, Limits: "subscriptions expire and have to be renewed"},
		"teams-outgoing":  {Steps: "The team > Manage team > Apps > Create an outgoing webhook; paste the URL", Secret: "shown once as the security token"},
		"tailscale":       {Steps: "Settings > Webhooks > Add endpoint; paste the URL, choose the events", Secret: shownOnce + ", and not again"},
		"hubspot":         hubspot, "hubspot-v1": hubspot, "hubspot-v2": hubspot,
		"intercom":     {Steps: "Developer Hub > the app > Configure > Webhooks; paste the Endpoint URL, choose the topics", Secret: "the app's Client secret, under Basic information"},
		"zendesk":      {Steps: "Admin Center > Apps and integrations > Webhooks > Actions > Create webhook; choose events, paste the Endpoint URL, POST, JSON", Secret: "the webhook's page > Reveal secret"},
		"typeform":     {Steps: "The form > Connect > Webhooks > Add a webhook; paste the URL, then Edit > Secret, and switch it on", Secret: youChoose},
		"calendly":     {Steps: "POST /webhook_subscriptions of its API with url, events, organization and scope", Secret: "the signing_key of that request, which " + youChoose},
		"customerio":   {Steps: "Integrations > Reporting webhooks > Add Reporting Webhook; paste the URL, choose the metrics", Secret: "the webhook's page shows its signing key"},
		"helpscout":    {Steps: "Manage > Apps > Webhooks; paste the Callback URL, choose the events", Secret: youChoose + ", and paste it into Secret Key"},
		"surveymonkey": {Steps: "POST /v3/webhooks of its API with event_type, object_type, object_ids and subscription_url (the URL)", Secret: "client id and client secret of the app, joined by &"},
		"webex":        {Steps: "POST /v1/webhooks of its API with targetUrl (the URL), resource, event and secret", Secret: youChoose},
		"pipedrive":    {Steps: "Tools and apps > Webhooks > Create webhook; choose action and object, paste the URL and an HTTP user and password", Secret: youChoose},
	}
}

func guidesOfMoney() map[string]Guide {
	adyen := Guide{Steps: "Customer Area > Developers > Webhooks > Create new webhook > Standard webhook (for platforms the one of the platform); paste the URL, then HMAC key > Generate, and save", Secret: "the HMAC key, which is shown once"}
	return map[string]Guide{
		"stripe": {Steps: "Workbench > Webhooks > Add destination (formerly Developers > Webhooks > Add endpoint); choose the events, paste the Endpoint URL", Secret: "the endpoint's page shows its signing secret (whsec_...); test mode and live mode have different ones"},
		"square": {Steps: "Developer Console > the application > Webhooks > Subscriptions > Add subscription; paste the Notification URL, choose the events", Secret: "the subscription's page shows its Signature Key"},
		"paddle": {Steps: "Developer tools > Notifications > New destination; paste the URL, choose the events", Secret: "the destination's menu > Edit destination > Secret key (pdl_ntfset_...)"},
		"paypal": {Steps: "Developer Dashboard > Apps & Credentials > the app > Add Webhook; paste the URL, choose the events", Secret: "there is none; the webhook's id is a part of what is signed"},
		"adyen":  adyen, "adyen-platform": adyen,
		"coinbase-commerce": {Steps: "Settings > Notifications > Webhook subscriptions > Add an endpoint; paste the URL", Secret: "Show shared secret"},
		"coinbase-cdp":      {Steps: "POST a webhook subscription to its API with target.url (the URL)", Secret: "the answer's metadata.secret"},
		"gocardless":        {Steps: "Developers > Create > Webhook endpoint; paste the URL", Secret: youChoose + ", or its form makes one"},
		"razorpay":          {Steps: "Account & Settings > Webhooks > Add New Webhook; paste the Webhook URL, choose the events", Secret: youChoose + ", and paste it into Secret"},
		"xero":              {Steps: "developer.xero.com > My Apps > the app > Webhooks; choose the events, paste the Delivery URL, then Send intent to receive", Secret: "the Webhooks page shows the Webhooks key"},
		"metronome":         {Steps: "Connections > Webhooks > Add; paste the URL", Secret: shownOnce},
		"plaid":             {Steps: "Developers > Webhooks > New webhook, or the field webhook of /link/token/create; paste the URL", Secret: "there is none; keys are fetched from its API by their id"},
		"lemon-squeezy":     {Steps: "Settings > Webhooks > +; paste the Callback URL, choose the events", Secret: youChoose + ", 6 to 40 characters"},
		"braintree":         {Steps: "Settings gear > API > Webhooks > Create new webhook; paste the URL, choose the kinds", Secret: "Settings > API > Keys: the private key; the public key is the key_id"},
		"chargebee":         {Steps: "Settings > Configure Chargebee > API Keys and Webhooks > Webhooks > Add webhook; paste the URL, switch on basic authentication", Secret: youChoose},
		"checkout":          {Steps: "Developers > Workflows > New flow with a Webhook action; paste the URL, give a signature key", Secret: "the signature key of the action"},
		"shopify":           {Steps: "For an app: shopify.app.toml, [[webhooks.subscriptions]] with topics and uri (the URL). For one shop: Settings > Notifications > Webhooks > Create webhook", Secret: "the app's client secret, or the text below the shop's webhooks", Limits: "after a rotation the old secret may sign for an hour more"},
		"woocommerce":       {Steps: "WooCommerce > Settings > Advanced > Webhooks > Add webhook; Active, choose the topic, paste the Delivery URL", Secret: youChoose + ", and paste it into Secret"},
		"commercelayer":     {Steps: "Settings > Webhooks > New, or POST /api/webhooks; choose the topic, paste the URL", Secret: "the webhook's shared_secret"},
		"bigcommerce":       {Steps: "POST /v3/hooks of its API with scope, destination (the URL) and headers: {Authorization: Bearer TOKEN}", Secret: youChoose},
		"tiktok":            {Steps: "developers.tiktok.com > Manage apps > the app > Webhooks; paste the Callback URL", Secret: "the app's client secret"},
		"onfleet":           {Steps: "Dashboard > Settings > API & Webhooks, or POST /webhooks of its API with url and trigger", Secret: "the webhook secret of that page, in hex"},
		"highlevel":         {Steps: "Marketplace > My Apps > the app > Advanced settings > Webhooks; paste the URL, choose the events", Secret: "there is none; its documentation shows the public key"},
	}
}

func guidesOfMessaging() map[string]Guide {
	meta := Guide{Steps: "developers.facebook.com > My Apps > the app > Webhooks (WhatsApp: Configuration); paste the Callback URL and the Verify token, then subscribe to fields", Secret: "the app's secret, under App settings > Basic"}
	plivo := Guide{Steps: "Messaging or Voice > Applications > the application; paste the URL", Secret: "the account's Auth Token"}
	return map[string]Guide{
		"slack":    {Steps: "api.slack.com/apps > the app > Event Subscriptions > Enable Events; paste the Request URL, add bot events. Slash commands and interactivity have a Request URL of their own", Secret: "Basic Information > App Credentials > Signing Secret"},
		"discord":  {Steps: "Developer Portal > the application > General Information > Interactions Endpoint URL, or Webhooks > Endpoint URL for events", Secret: "there is none; General Information shows the Public Key, in hex"},
		"telegram": {Steps: "Call setWebhook of its API with url (the URL) and secret_token", Secret: youChoose + ", 1 to 256 characters of A-Z, a-z, 0-9, _ and -"},
		"line":     {Steps: "Developers Console > the channel > Messaging API > Webhook URL; paste the URL, Verify, switch on Use webhook", Secret: "Basic settings > Channel secret"},
		"meta":     meta, "whatsapp": meta, "messenger": meta, "instagram": meta,
		"twitter":  {Steps: "POST /2/webhooks of its API with url (the URL), then subscribe accounts", Secret: "the app's API key secret (consumer secret)", Limits: "the CRC is asked for every hour"},
		"twitch":   {Steps: "POST /helix/eventsub/subscriptions of its API with type, condition and transport: {method: webhook, callback: URL, secret}", Secret: youChoose},
		"zoom":     {Steps: "App Marketplace > the app > Access > Event Subscriptions > Add; paste the Event notification endpoint URL, choose the events, Validate", Secret: "the app's Secret Token, under Access", Limits: "the endpoint is validated again every 72 hours"},
		"sendgrid": {Steps: "Settings > Mail Settings > Event Webhooks > Create new webhook; paste the Post URL, choose the events, switch on Signed Event Webhook", Secret: "there is none; the form shows the Verification Key"},
		"mailgun":  {Steps: "Sending > Webhooks > Add webhook; choose the event, paste the URL", Secret: "Settings > API security > HTTP webhook signing key"},
		"postmark": {Steps: "The server > the message stream > Webhooks > Add webhook; paste the URL, choose the events, give Basic auth credentials", Secret: youChoose},
		"resend":   {Steps: "Webhooks > Add Webhook; paste the Endpoint URL, choose the events", Secret: "the webhook's page shows its signing secret: whsec_..."},
		"twilio":   {Steps: "Phone Numbers > Manage > Active numbers > the number > A message comes in: Webhook; paste the URL, HTTP POST. Event Streams: a sink of type webhook", Secret: "the account's Auth Token"},
		"telnyx":   {Steps: "Messaging profile, or Voice > Programmable Voice > the application; paste the webhook URL, API v2", Secret: "there is none; Account > Keys & Credentials > Public Key, in base64"},
		"vonage":   {Steps: "Dashboard > Applications > the application > Edit > Capabilities; paste the Inbound and the Status URL, POST", Secret: "Settings > API settings > Signature secret"},
		"plivo":    plivo, "plivo-v2": plivo,
	}
}

func guidesOfPlatforms() map[string]Guide {
	g := map[string]Guide{
		"anthropic":      {Steps: "Claude Console > Manage > Webhooks > Add endpoint; paste the URL (HTTPS on port 443 of a public address), choose the events", Secret: shownOnce + ": whsec_...", Limits: "a redirect or an address that is not public disables the endpoint at once"},
		"openai":         {Steps: "Settings > Project > Webhooks > Create; paste the URL, choose the events", Secret: shownOnce + ", and not again"},
		"svix":           {Steps: "The application > Endpoints > Add Endpoint; paste the URL, choose the events", Secret: svixSecret},
		"clerk":          {Steps: "Dashboard > Configure > Webhooks > Add Endpoint; paste the URL, choose the events", Secret: svixSecret},
		"brex":           {Steps: "POST /v1/webhooks of its API with url and event_types", Secret: "GET /v1/webhooks/secrets of its API"},
		"incident-io":    {Steps: "Settings > Webhooks > Add endpoint; paste the URL, choose the events", Secret: svixSecret},
		"lithic":         {Steps: "POST /v1/event_subscriptions of its API with url and event_types", Secret: "GET /v1/event_subscriptions/TOKEN/secret of its API"},
		"loops":          {Steps: "Settings > Webhooks; paste the Endpoint URL, choose the events", Secret: "the page shows the signing secret"},
		"polar":          {Steps: "Settings > Webhooks > Add Endpoint; paste the URL, format Raw, choose the events", Secret: youChoose + ", or its form makes one"},
		"recall-ai":      {Steps: "Dashboard > Webhooks > Add Endpoint; paste the URL, choose the events", Secret: svixSecret},
		"render":         {Steps: "Integrations > Webhooks > Create Webhook; paste the URL, choose the events", Secret: "the webhook's page shows its signing secret"},
		"replicate":      {Steps: "The field webhook of a prediction: the URL; webhook_events_filter chooses the events", Secret: "GET /v1/webhooks/default/secret of its API"},
		"stytch":         {Steps: "Dashboard > Webhooks > Add endpoint; paste the URL, choose the events", Secret: svixSecret},
		"supabase":       {Steps: "Authentication > Hooks > Add hook > HTTPS; paste the URL, Generate secret", Secret: "v1,whsec_...: write the part that begins with whsec_"},
		"autumn":         {Steps: "Dashboard > Developer > Webhooks; paste the URL", Secret: svixSecret},
		"workos":         {Steps: "Dashboard > Webhooks > Create Webhook; paste the Endpoint URL, choose the events", Secret: "the endpoint's page shows its secret"},
		"auth0":          {Steps: "Monitoring > Streams > Create Stream > Custom Webhook (or Event Streams > Webhook); paste the Payload URL, and Bearer TOKEN as the Authorization Token", Secret: youChoose},
		"okta":           {Steps: "Workflow > Event Hooks > Create Event Hook; paste the URL, authentication field Authorization and its secret, choose the events, then Verify", Secret: youChoose},
		"elevenlabs":     {Steps: "Settings > Webhooks > Create; paste the Callback URL, HMAC", Secret: shownOnce},
		"mux":            {Steps: "Settings > Webhooks > Create new webhook; choose the environment, paste the URL", Secret: "Show signing secret"},
		"retell":         {Steps: "Settings > Webhooks, or the agent's Webhook Settings; paste the URL", Secret: "the API key that carries the webhook badge"},
		"vapi":           {Steps: "The assistant > Advanced > Server URL; paste the URL, give a secret", Secret: youChoose},
		"deepgram":       {Steps: "The parameter callback of a transcription: the URL", Secret: "the identifier of the API key that made the request"},
		"cursor":         {Steps: "The field webhook of a request that starts an agent: {url, secret}", Secret: youChoose + ", at least 32 characters"},
		"langfuse":       {Steps: "Prompts > Automations > Create > Webhook; paste the URL, choose the events", Secret: shownOnce},
		"livekit":        {Steps: "Settings > Webhooks > Create new webhook (self-hosted: webhook: {api_key, urls}); paste the URL, choose the key", Secret: "the secret of that API key; the key is the key_id"},
		"upstash-qstash": {Steps: "Publish to the URL, or make a schedule with it as its destination", Secret: "the QStash page shows the current and the next signing key"},
		"pusher":         {Steps: "Channels > the app > Webhooks; paste the URL, choose the kind", Secret: "App Keys > secret"},
		"getstream":      {Steps: "Dashboard > the app > Chat > Overview > Webhooks; paste the URL", Secret: "the API secret of the app"},
	}
	for _, name := range []string{"beehiiv", "drata", "etsy", "gemini", "granola", "guesty", "kong", "nash", "pleo", "safebase", "sardine", "vanta"} {
		g[name] = Guide{Steps: svixSteps, Secret: svixSecret}
	}
	return g
}

func guidesOfClouds() map[string]Guide {
	own := Guide{Steps: "In your sender: the URL", Secret: youChoose}
	return map[string]Guide{
		"aws-sns":          {Steps: "The topic > Create subscription > HTTPS; paste the Endpoint, leave raw message delivery off. Forebay confirms the subscription", Secret: "there is none; the topic's ARN is listed in topics"},
		"google-pubsub":    {Steps: "The subscription > Delivery type Push; paste the Endpoint URL, switch on Enable authentication, choose a service account, set the audience", Secret: "there is none; audience and the service account's email are compared", Limits: "the acknowledgement deadline is 10 to 600 s, as the subscription says"},
		"azure-event-grid": {Steps: "The topic > + Event Subscription > Endpoint type Web Hook; paste the URL with ?token=TOKEN", Secret: youChoose},
		"hookdeck":         {Steps: "The connection's destination: HTTP with the URL, authentication Hookdeck Signature", Secret: "Settings > Secrets > Signing Secret"},
		"cloudevents":      own, "hmac": own, "token": own, "basic": own, "standardwebhooks": own,
		"jwt": {Steps: "In your sender: the URL", Secret: "there is none; its public key stands in public_keys"},
	}
}
