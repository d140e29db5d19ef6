package config

// A Hook is one endpoint: POST /hooks/NAME.
type Hook struct {
	Source Source `yaml:"source"`
	// Match is a CEL rule over event, payload, headers and query. Default:
	// every verified event.
	Match string `yaml:"match"`
	// Coalesce folds a flurry of events into the newest.
	Coalesce *Coalesce `yaml:"coalesce"`
	// Dedupe says how copies of an event are recognised beyond what every hook
	// does: by the sender's delivery id (alone where it is signed, else together
	// with the content) and by a digest of what was signed.
	Dedupe *Dedupe `yaml:"dedupe"`
	// Reconcile, on a github hook, is how often GitHub's list of deliveries is
	// read and GitHub is asked to send again what did not arrive, 1m to 24h:
	// GitHub itself never repeats a delivery, and forgets it after 3 days. It
	// needs Source.Webhooks and a credential that may read and write webhooks.
	// Default: never.
	Reconcile Duration `yaml:"reconcile"`
	// Gather names what the prompt needs beyond the payload; each part is a
	// field of the same name in the templates.
	Gather map[string]Gather `yaml:"gather"`
	// Model is a tier or an exact model id. Required unless Route always decides.
	Model string `yaml:"model"`
	// Route picks a model by rule: the first that holds wins, else Model.
	Route []Route `yaml:"route"`
	// Fallback lists the models that are tried in turn when the model is
	// overloaded, gone or refuses. Jobs that were not begun go there, at no cost
	// of an attempt, while their lane stays closed: paused for more than another
	// 30s, until somebody resumes it, or because the API fails. A pause by a
	// person or by the budget holds them. A model that the API does not know is
	// asked for again after a minute, then more seldom, and passed over meanwhile.
	Fallback []string `yaml:"fallback"`
	// Lane "batch" sends every job of the hook through Message Batches: at half
	// the price, with limits of their own, and answered within a day, mostly
	// within the hour. Nothing streams, and a sender cannot wait for it. Default:
	// calls at once, in the lane of the model.
	Lane string `yaml:"lane"`
	// Spill sends jobs through Message Batches that have waited too long for a
	// call, so that a flood drains at half the price beside the lane that is full.
	Spill *Spill `yaml:"spill"`
	// Escalate lists better models, tried in turn when structured output fails
	// its schema or is cut by MaxTokens: the cheap model goes first. A job never
	// takes a step twice or comes back; the calls that failed are part of its
	// cost. It needs Output.
	Escalate []string `yaml:"escalate"`
	// MaxTokens bounds the answer, thinking included. Default 2048.
	MaxTokens int `yaml:"max_tokens"`
	// Thinking is "off", "on" or "auto" (default). Auto turns it off where the
	// model allows that and MaxTokens is small (at most 4096), and otherwise
	// leaves the model's default.
	Thinking string `yaml:"thinking"`
	// Effort is "low", "medium", "high" or empty for the model's default.
	Effort string `yaml:"effort"`
	// Cache sets a prompt-cache breakpoint at the end of the system prompt and
	// says how long the API keeps it after its last use: "5m" or "1h", or "off".
	// Default "5m". A write costs 1.25 times the input price for 5m, and twice
	// for 1h; a read a tenth or less. Below the model's minimum nothing is
	// cached and nothing costs more; forebay check and preview say so.
	Cache string `yaml:"cache"`
	// System and Prompt are Go templates over .event, .payload, .headers,
	// .query and the gathered parts. Only Prompt is required. System must not
	// depend on the event: it is the part that is cached.
	System string `yaml:"system"`
	Prompt string `yaml:"prompt"`
	// Output asks for structured output.
	Output *Output `yaml:"output"`
	// Deliver lists the targets of the result. Default none: poll or stream.
	Deliver []Target `yaml:"deliver"`
	// Budget bounds the money of the hook, beside that of all hooks.
	Budget  Budget  `yaml:"budget"`
	Retry   Retry   `yaml:"retry"`
	Respond Respond `yaml:"respond"`
	// Reuse answers the same request from before without a call.
	Reuse Reuse `yaml:"reuse"`
	// Priority is 1 (first) to 9 (last). Default 5.
	Priority int `yaml:"priority"`
	// Weight is the hook's share of a lane that is full, against the weights of
	// the other hooks that wait for it: one of weight 3 is worth three times as
	// many tokens as one of weight 1. 1 to 1000. Default 1.
	Weight int `yaml:"weight"`
	// FairBy is a CEL rule that yields a text: the tenant that the event belongs
	// to, such as payload.repository.owner.login. The tenants of a hook share its
	// turns equally, so that a noisy one never holds up the others. Evaluated
	// when the event is accepted; a key of more than 64 bytes is shortened to a
	// part and a digest. An event for which the rule fails, or yields "", shares
	// with all that have no tenant, and its job says so in its note. Default:
	// first come, first served.
	FairBy string `yaml:"fair_by"`
	// Method lists the HTTP methods that are taken. Default [POST].
	Method []string `yaml:"method"`
	// BodyLimit bounds the body. Default 25MiB for github, 1MiB elsewhere.
	BodyLimit ByteSize `yaml:"body_limit"`
}

// Spill sends jobs through Message Batches that have waited too long.
type Spill struct {
	// After is how long a job waits for a call before that. Default 10m.
	After Duration `yaml:"after"`
}

// Source says who sends and how that is proven.
type Source struct {
	// Type is a sender's name ("github", "stripe", ...) or a generic scheme:
	// "hmac", "token", "basic", "standardwebhooks".
	Type string `yaml:"type"`
	// Secrets are all tried, so that one can be rotated. None may be empty. Keep
	// the old one for as long as the sender may repeat what it sent under it.
	Secrets []Secret `yaml:"secrets"`
	// Tolerance is how far a signed timestamp may be from now, either way.
	// Default: the sender's, usually 5m.
	Tolerance Duration `yaml:"tolerance"`
	// PublicURL is the full URL that the sender calls, for those that sign it.
	PublicURL string `yaml:"public_url"`
	// PublicKeys are for senders that sign with a private key: hex, base64 or
	// PEM, as their console shows them.
	PublicKeys []string `yaml:"public_keys"`
	// Issuer and Audience are claims of senders that sign with a JSON Web Token.
	Issuer   string `yaml:"issuer"`
	Audience string `yaml:"audience"`
	// Topics are the topic ARNs of AWS SNS that may send.
	Topics []string `yaml:"topics"`
	// VerifyToken is the token of Meta's handshake.
	VerifyToken Secret `yaml:"verify_token"`
	// Email is the service account that Google Pub/Sub signs as.
	Email string `yaml:"email"`
	// Webhooks name the GitHub webhooks that send here, for Reconcile:
	// "OWNER/REPO", "ORGANISATION", each with "#ID" if several of its webhooks
	// send here, or "app" for the webhook of github.app. Default: "app" where
	// there is one.
	Webhooks []string `yaml:"webhooks"`
	// WebhookID is PayPal's id of the webhook, a part of what it signs.
	WebhookID string `yaml:"webhook_id"`
	// KeyID is the name of the key, for senders whose keys have one.
	KeyID string `yaml:"key_id"`
	// JWKSURL is where a sender that signs with JSON Web Tokens publishes its
	// keys, for type jwt and in place of a known sender's own. Keys are fetched
	// when a request needs one and kept for about an hour. With public_keys alone
	// nothing is fetched, so that the hook works without a network; an entry there
	// may be a whole key set: "${file:jwks.json}".
	JWKSURL string `yaml:"jwks_url"`
	// ClientID and ClientSecret are the account at Plaid, which hands out its keys
	// to its customers alone.
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"`

	// The fields below are for type hmac.
	Algorithm       string `yaml:"algorithm"`        // sha1, sha256 (default), sha384, sha512
	Header          string `yaml:"header"`           // of the signature; for type token, of the token
	Prefix          string `yaml:"prefix"`           // before the signature: "sha256="
	Encoding        string `yaml:"encoding"`         // hex (default), base64, base64url
	Signed          string `yaml:"signed"`           // "{body}" (default); parts {body} {timestamp} {id} {url} {method}
	TimestampHeader string `yaml:"timestamp_header"` // Unix seconds or milliseconds, or RFC 3339
	IDHeader        string `yaml:"id_header"`        // the delivery id
	TypeHeader      string `yaml:"type_header"`      // the event type
}

// Reuse answers a request that is the same as one before with the answer to
// that: the same hook, model, system prompt, prompt and parameters, byte for
// byte. The job says from which one it has its answer, costs nothing, and has
// deliveries of its own. A request that is under way is waited for, unless it is
// in a batch. A rerun always pays. Nothing is shared between hooks.
type Reuse struct {
	For Duration `yaml:"for"` // how old the answer may be; default 0: never used again
}

// Coalesce folds a flurry of events into the newest.
type Coalesce struct {
	Key     string   `yaml:"key"`      // CEL, a string; an event for which it fails is worked by itself
	Quiet   Duration `yaml:"quiet"`    // default 30s
	MaxWait Duration `yaml:"max_wait"` // default 5m
}

// Dedupe says how copies of an event are recognised. A copy makes no second
// job; where the job of the first is dead, a copy with the same Key queues it
// again, as the sender's own redelivery does.
type Dedupe struct {
	// Key is a CEL rule that yields what an event means, in a text that its
	// copies share although their ids or bytes differ, such as
	// 'payload.pull_request.head.sha + "/" + payload.action'. An event for which
	// it fails, or yields nothing, has no such key.
	Key string `yaml:"key"`
	// Window is how long a copy is recognised, at least 1h. Default:
	// retention.dedupe, 30d, which outlasts the retries of every known sender.
	// A shorter one is taken because it is written here, and check warns. Keys
	// past it are forgotten once an hour.
	Window Duration `yaml:"window"`
}

// Gather is one part that the prompt needs. Exactly one field is set.
type Gather struct {
	GitHubPullFiles *GitHubPullFiles `yaml:"github_pull_files"`
	HTTP            *HTTPGet         `yaml:"http"`
	// Func names a step that the embedding program registered.
	Func string `yaml:"func"`
}

// GitHubPullFiles fetches the changed files of the event's pull request.
type GitHubPullFiles struct {
	MaxTokens int      `yaml:"max_tokens"` // budget of the part; default 20000
	Exclude   []string `yaml:"exclude"`    // more path patterns to leave out: "docs/**"
}

// HTTPGet fetches a document. The URL's origin may not depend on the event.
type HTTPGet struct {
	URL      string            `yaml:"url"`       // a template over the event
	Headers  map[string]Secret `yaml:"headers"`   // sent to that origin only
	MaxBytes ByteSize          `yaml:"max_bytes"` // default 64KiB
	Timeout  Duration          `yaml:"timeout"`   // default 10s
}

// Route is one routing rule.
type Route struct {
	When  string `yaml:"when"`  // CEL, a bool
	Model string `yaml:"model"` // a tier or model id
}

// Output asks for structured output.
type Output struct {
	// Schema is the path of a JSON Schema file.
	Schema string `yaml:"schema"`
}

// Target is one place where results go. Exactly one field is set.
type Target struct {
	GitHubComment *GitHubComment `yaml:"github_comment"`
	Callback      *Callback      `yaml:"callback"`
	// Func names a target that the embedding program registered.
	Func string `yaml:"func"`
}

// GitHubComment posts the answer as a comment on the event's issue or pull
// request.
type GitHubComment struct {
	// Sticky keeps one comment per subject up to date. Default true.
	Sticky *bool `yaml:"sticky"`
	// Repo and Number are templates for events that are not about an issue or
	// pull request themselves; they need Repos.
	Repo   string `yaml:"repo"`
	Number string `yaml:"number"`
	// Repos lists the repositories ("owner/name") that may be written to.
	Repos []string `yaml:"repos"`
}

// Callback posts the job, signed in the manner of Standard Webhooks.
type Callback struct {
	// URL may be a template over the event; then AllowHosts is required.
	URL string `yaml:"url"`
	// Secret signs the callback: "whsec_" and base64, or at least 24 bytes of text.
	Secret     Secret   `yaml:"secret"`
	AllowHosts []string `yaml:"allow_hosts"`
}

// Retry bounds the attempts at a job.
type Retry struct {
	MaxAttempts int `yaml:"max_attempts"` // default 6
	// MaxAge is how long after the event was accepted attempts are begun, whatever
	// the job waited for, a paused lane too. Default 24h; with lane: batch 72h, so
	// that a request that a batch did not get to in its day finds another one.
	MaxAge Duration `yaml:"max_age"`
}

// Respond says how the sender is answered.
type Respond struct {
	// Mode is "async" (default) or "sync": the result if it is ready within
	// Wait, else 202.
	Mode string   `yaml:"mode"`
	Wait Duration `yaml:"wait"` // default 20s in sync mode, at most 60s
}
