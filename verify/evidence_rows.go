package verify

import "maps"

// known says of every row how it is known. A row without an entry has no
// evidence, which a test refuses.
func known() map[string]Known {
	all := map[string]Known{}
	for _, part := range []map[string]Known{knownToM(), knownFromN()} {
		maps.Copy(all, part)
	}
	return all
}

var (
	// earlier and today are when what the sender publishes was read.
	earlier = Basis{Official, "2026-11"}
	today   = Basis{Official, "2026-11-25"}

	seen   = Basis{Evidence: Captured}
	theirs = Basis{Evidence: ThirdParty}
	yours  = Basis{Evidence: Described}
	guess  = Basis{Evidence: Unconfirmed}
)

func knownToM() map[string]Known {
	return map[string]Known{
		// proof, answers, console
		"adyen":             {earlier, guess, today},
		"adyen-platform":    {earlier, earlier, today},
		"airtable":          {earlier, earlier, guess},
		"alertmanager":      {today, today, guess},
		"anthropic":         {earlier, earlier, today},
		"asana":             {earlier, today, today},
		"auth0":             {earlier, earlier, today},
		"autumn":            {theirs, theirs, guess},
		"aws-sns":           {earlier, today, theirs},
		"azure-devops":      {today, guess, today},
		"azure-event-grid":  {earlier, today, today},
		"basic":             {yours, yours, yours},
		"beehiiv":           {theirs, theirs, theirs},
		"bigcommerce":       {seen, today, today},
		"bitbucket":         {theirs, guess, guess},
		"bitbucket-server":  {theirs, guess, guess},
		"box":               {earlier, earlier, guess},
		"braintree":         {earlier, guess, guess},
		"brex":              {theirs, theirs, guess},
		"buildkite":         {earlier, earlier, today},
		"buildkite-token":   {earlier, earlier, today},
		"calendly":          {earlier, today, today},
		"chargebee":         {theirs, theirs, theirs},
		"checkout":          {today, today, today},
		"circleci":          {earlier, today, today},
		"clerk":             {earlier, earlier, today},
		"clickup":           {theirs, earlier, guess},
		"cloudevents":       {earlier, earlier, yours},
		"coinbase-cdp":      {earlier, earlier, guess},
		"coinbase-commerce": {earlier, earlier, guess},
		"commercelayer":     {seen, guess, guess},
		"contentful":        {earlier, earlier, guess},
		"cursor":            {theirs, theirs, theirs},
		"customerio":        {theirs, guess, guess},
		"datadog":           {earlier, earlier, guess},
		"deepgram":          {theirs, theirs, theirs},
		"discord":           {earlier, today, today},
		"docusign":          {earlier, guess, guess},
		"drata":             {theirs, theirs, guess},
		"dropbox":           {theirs, theirs, guess},
		"dropbox-sign":      {earlier, earlier, guess},
		"elevenlabs":        {earlier, earlier, today},
		"etsy":              {theirs, theirs, guess},
		"figma":             {earlier, guess, guess},
		"forgejo":           {theirs, guess, guess},
		"gemini":            {theirs, theirs, guess},
		"getstream":         {earlier, earlier, guess},
		"gitea":             {earlier, guess, guess},
		"github":            {earlier, earlier, today},
		"github-sha1":       {earlier, earlier, today},
		"github-sha512":     {theirs, guess, guess},
		"gitlab":            {earlier, theirs, theirs},
		"gocardless":        {earlier, earlier, guess},
		"gogs":              {theirs, guess, guess},
		"google-pubsub":     {earlier, today, guess},
		"grafana":           {earlier, earlier, guess},
		"granola":           {theirs, theirs, guess},
		"guesty":            {theirs, theirs, theirs},
		"helpscout":         {theirs, theirs, guess},
		"heroku":            {guess, today, today},
		"highlevel":         {theirs, theirs, guess},
		"hmac":              {yours, yours, yours},
		"hookdeck":          {earlier, earlier, guess},
		"hubspot":           {earlier, guess, today},
		"hubspot-v1":        {earlier, guess, today},
		"hubspot-v2":        {earlier, guess, today},
		"incident-io":       {theirs, theirs, guess},
		"instagram":         {earlier, guess, today},
		"intercom":          {earlier, theirs, theirs},
		"jira":              {theirs, today, today},
		"jwt":               {yours, yours, yours},
		"kong":              {theirs, theirs, guess},
		"langfuse":          {theirs, theirs, guess},
		"lemon-squeezy":     {theirs, today, today},
		"line":              {earlier, earlier, guess},
		"linear":            {earlier, today, theirs},
		"lithic":            {theirs, theirs, guess},
		"livekit":           {earlier, earlier, guess},
		"loops":             {theirs, theirs, guess},
		"mailgun":           {earlier, today, today},
		"messenger":         {earlier, guess, today},
		"meta":              {earlier, guess, today},
		"metronome":         {theirs, theirs, guess},
		"microsoft-graph":   {today, today, today},
		"monday":            {earlier, guess, theirs},
		"mux":               {earlier, guess, guess},
	}
}

func knownFromN() map[string]Known {
	return map[string]Known{
		// proof, answers, console
		"nash":             {theirs, theirs, theirs},
		"netlify":          {theirs, guess, today},
		"notion":           {earlier, earlier, today},
		"okta":             {earlier, today, today},
		"onfleet":          {theirs, earlier, guess},
		"openai":           {earlier, earlier, theirs},
		"paddle":           {earlier, today, today},
		"pagerduty":        {earlier, today, today},
		"paypal":           {seen, guess, today},
		"pipedrive":        {seen, guess, guess},
		"plaid":            {earlier, guess, guess},
		"pleo":             {theirs, theirs, theirs},
		"plivo":            {earlier, earlier, guess},
		"plivo-v2":         {earlier, earlier, guess},
		"polar":            {theirs, theirs, guess},
		"postmark":         {earlier, theirs, today},
		"pusher":           {earlier, today, guess},
		"razorpay":         {earlier, guess, guess},
		"recall-ai":        {theirs, theirs, guess},
		"render":           {theirs, theirs, guess},
		"replicate":        {earlier, earlier, theirs},
		"resend":           {earlier, today, theirs},
		"retell":           {theirs, theirs, guess},
		"rootly":           {earlier, guess, guess},
		"safebase":         {theirs, theirs, theirs},
		"sanity":           {earlier, today, guess},
		"sardine":          {theirs, theirs, theirs},
		"sendgrid":         {earlier, earlier, today},
		"sentry":           {earlier, earlier, today},
		"shopify":          {earlier, theirs, theirs},
		"slack":            {earlier, earlier, guess},
		"square":           {earlier, guess, today},
		"standardwebhooks": {earlier, earlier, yours},
		"stripe":           {earlier, today, today},
		"stytch":           {theirs, theirs, guess},
		"supabase":         {theirs, theirs, guess},
		"surveymonkey":     {theirs, theirs, guess},
		"svix":             {earlier, today, today},
		"tailscale":        {theirs, theirs, guess},
		"teams-outgoing":   {today, today, today},
		"telegram":         {earlier, today, today},
		"telnyx":           {earlier, earlier, guess},
		"tiktok":           {theirs, earlier, guess},
		"token":            {yours, yours, yours},
		"trello":           {earlier, earlier, guess},
		"twilio":           {earlier, earlier, guess},
		"twitch":           {theirs, guess, guess},
		"twitter":          {today, today, today},
		"typeform":         {theirs, today, today},
		"upstash-qstash":   {earlier, today, today},
		"vanta":            {theirs, theirs, guess},
		"vapi":             {today, theirs, today},
		"vercel":           {theirs, guess, today},
		"vonage":           {earlier, guess, guess},
		"webex":            {theirs, theirs, guess},
		"webflow":          {theirs, guess, theirs},
		"whatsapp":         {earlier, guess, today},
		"woocommerce":      {theirs, guess, theirs},
		"workos":           {earlier, today, guess},
		"xero":             {theirs, theirs, guess},
		"zendesk":          {earlier, guess, today},
		"zoom":             {earlier, earlier, theirs},
	}
}
