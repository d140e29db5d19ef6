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
		"adyen":             {earlier, seen, guess},
		"adyen-platform":    {earlier, earlier, guess},
		"airtable":          {earlier, earlier, guess},
		"alertmanager":      {guess, guess, guess},
		"anthropic":         {earlier, earlier, guess},
		"asana":             {earlier, earlier, guess},
		"auth0":             {earlier, earlier, guess},
		"autumn":            {theirs, theirs, guess},
		"aws-sns":           {earlier, earlier, guess},
		"azure-devops":      {theirs, guess, guess},
		"azure-event-grid":  {earlier, guess, guess},
		"basic":             {yours, yours, yours},
		"beehiiv":           {theirs, theirs, guess},
		"bigcommerce":       {seen, earlier, guess},
		"bitbucket":         {theirs, guess, guess},
		"bitbucket-server":  {theirs, guess, guess},
		"box":               {earlier, earlier, guess},
		"braintree":         {earlier, guess, guess},
		"brex":              {theirs, theirs, guess},
		"buildkite":         {earlier, earlier, guess},
		"buildkite-token":   {earlier, earlier, guess},
		"calendly":          {earlier, guess, guess},
		"chargebee":         {theirs, theirs, guess},
		"checkout":          {guess, guess, guess},
		"circleci":          {earlier, earlier, guess},
		"clerk":             {earlier, earlier, guess},
		"clickup":           {theirs, earlier, guess},
		"cloudevents":       {earlier, earlier, yours},
		"coinbase-cdp":      {earlier, earlier, guess},
		"coinbase-commerce": {earlier, earlier, guess},
		"commercelayer":     {seen, guess, guess},
		"contentful":        {earlier, earlier, guess},
		"cursor":            {theirs, theirs, guess},
		"customerio":        {theirs, guess, guess},
		"datadog":           {earlier, earlier, guess},
		"deepgram":          {theirs, theirs, guess},
		"discord":           {earlier, earlier, guess},
		"docusign":          {earlier, guess, guess},
		"drata":             {theirs, theirs, guess},
		"dropbox":           {theirs, theirs, guess},
		"dropbox-sign":      {earlier, earlier, guess},
		"elevenlabs":        {earlier, earlier, guess},
		"etsy":              {theirs, theirs, guess},
		"figma":             {earlier, guess, guess},
		"forgejo":           {theirs, guess, guess},
		"gemini":            {theirs, theirs, guess},
		"getstream":         {earlier, earlier, guess},
		"gitea":             {earlier, guess, guess},
		"github":            {earlier, earlier, guess},
		"github-sha1":       {earlier, earlier, guess},
		"github-sha512":     {theirs, guess, guess},
		"gitlab":            {earlier, guess, guess},
		"gocardless":        {earlier, earlier, guess},
		"gogs":              {theirs, guess, guess},
		"google-pubsub":     {earlier, earlier, guess},
		"grafana":           {earlier, earlier, guess},
		"granola":           {theirs, theirs, guess},
		"guesty":            {theirs, theirs, guess},
		"helpscout":         {theirs, theirs, guess},
		"heroku":            {guess, earlier, guess},
		"highlevel":         {theirs, theirs, guess},
		"hmac":              {yours, yours, yours},
		"hookdeck":          {earlier, earlier, guess},
		"hubspot":           {earlier, guess, guess},
		"hubspot-v1":        {earlier, guess, guess},
		"hubspot-v2":        {earlier, guess, guess},
		"incident-io":       {theirs, theirs, guess},
		"instagram":         {earlier, guess, guess},
		"intercom":          {earlier, guess, guess},
		"jira":              {theirs, guess, guess},
		"jwt":               {yours, yours, yours},
		"kong":              {theirs, theirs, guess},
		"langfuse":          {theirs, theirs, guess},
		"lemon-squeezy":     {guess, earlier, guess},
		"line":              {earlier, earlier, guess},
		"linear":            {earlier, guess, guess},
		"lithic":            {theirs, theirs, guess},
		"livekit":           {earlier, earlier, guess},
		"loops":             {theirs, theirs, guess},
		"mailgun":           {earlier, earlier, guess},
		"messenger":         {earlier, guess, guess},
		"meta":              {earlier, guess, guess},
		"metronome":         {theirs, theirs, guess},
		"microsoft-graph":   {theirs, guess, guess},
		"monday":            {earlier, guess, guess},
		"mux":               {earlier, guess, guess},
	}
}

func knownFromN() map[string]Known {
	return map[string]Known{
		// proof, answers, console
		"nash":             {theirs, theirs, guess},
		"netlify":          {theirs, guess, guess},
		"notion":           {earlier, earlier, guess},
		"okta":             {earlier, earlier, guess},
		"onfleet":          {theirs, earlier, guess},
		"openai":           {earlier, earlier, guess},
		"paddle":           {earlier, guess, guess},
		"pagerduty":        {earlier, earlier, guess},
		"paypal":           {seen, guess, guess},
		"pipedrive":        {seen, guess, guess},
		"plaid":            {earlier, guess, guess},
		"pleo":             {theirs, theirs, guess},
		"plivo":            {earlier, earlier, guess},
		"plivo-v2":         {earlier, earlier, guess},
		"polar":            {theirs, theirs, guess},
		"postmark":         {earlier, guess, guess},
		"pusher":           {earlier, earlier, guess},
		"razorpay":         {earlier, guess, guess},
		"recall-ai":        {theirs, theirs, guess},
		"render":           {theirs, theirs, guess},
		"replicate":        {earlier, earlier, guess},
		"resend":           {earlier, earlier, guess},
		"retell":           {theirs, theirs, guess},
		"rootly":           {earlier, guess, guess},
		"safebase":         {theirs, theirs, guess},
		"sanity":           {earlier, earlier, guess},
		"sardine":          {theirs, theirs, guess},
		"sendgrid":         {earlier, earlier, guess},
		"sentry":           {earlier, earlier, guess},
		"shopify":          {earlier, guess, guess},
		"slack":            {earlier, earlier, guess},
		"square":           {earlier, guess, guess},
		"standardwebhooks": {earlier, earlier, yours},
		"stripe":           {earlier, today, guess},
		"stytch":           {theirs, theirs, guess},
		"supabase":         {theirs, theirs, guess},
		"surveymonkey":     {theirs, theirs, guess},
		"svix":             {earlier, earlier, guess},
		"tailscale":        {theirs, theirs, guess},
		"teams-outgoing":   {theirs, theirs, guess},
		"telegram":         {earlier, earlier, guess},
		"telnyx":           {earlier, earlier, guess},
		"tiktok":           {theirs, earlier, guess},
		"token":            {yours, yours, yours},
		"trello":           {earlier, earlier, guess},
		"twilio":           {earlier, earlier, guess},
		"twitch":           {theirs, guess, guess},
		"twitter":          {theirs, guess, guess},
		"typeform":         {theirs, guess, guess},
		"upstash-qstash":   {earlier, earlier, guess},
		"vanta":            {theirs, theirs, guess},
		"vapi":             {theirs, theirs, guess},
		"vercel":           {theirs, guess, guess},
		"vonage":           {earlier, guess, guess},
		"webex":            {theirs, theirs, guess},
		"webflow":          {theirs, guess, guess},
		"whatsapp":         {earlier, guess, guess},
		"woocommerce":      {theirs, guess, guess},
		"workos":           {earlier, guess, guess},
		"xero":             {theirs, theirs, guess},
		"zendesk":          {earlier, guess, guess},
		"zoom":             {earlier, earlier, guess},
	}
}
