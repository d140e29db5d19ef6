// Package config holds Forebay's configuration: the struct is the manual.
// Every field says what it means, in which unit, and what leaving it out does.
//
// [Load] decodes one YAML file strictly and reports every mistake at once, each
// with its line, its reason and its remedy. The package refuses to guess:
// unknown keys, two settings that contradict each other and unset environment
// variables are errors. It must never touch the network or start anything, and
// no error text may contain a secret.
//
// In every value, prompts included, ${NAME} stands for an environment variable
// and ${file:PATH} for the text of a file (relative to the configuration file,
// without its last newline, at most 256 KiB). They are replaced after YAML is
// parsed, so that what they bring cannot become more than a value. Write $${
// for the text ${ itself; any other ${ is an error. Keys are never replaced.
//
// Durations are numbers with units (500ms, 30s, 10m, 24h, 30d, 1h30m), sizes
// are bytes or binary units (65536, 64KiB, 25MiB). YAML's anchors, aliases,
// merge keys, tags and second documents are refused.
package config

import (
	"fmt"
	"io"
	"time"
)

// Config is the whole configuration file.
type Config struct {
	// Listen is the address for webhooks and job status. Default ":8080".
	Listen string `yaml:"listen"`

	// Admin is the second listener: API, metrics, status page.
	Admin Admin `yaml:"admin"`

	// Store is where the ledger lives: "sqlite:PATH". Default "sqlite:forebay.db",
	// relative to the directory of the configuration file.
	Store string `yaml:"store"`

	// Intake is where the receiver writes before it answers. Default "store":
	// the ledger itself.
	Intake string `yaml:"intake"`

	// Queue bounds the work that may wait.
	Queue Queue `yaml:"queue"`

	Claude    Claude          `yaml:"claude"`
	GitHub    GitHub          `yaml:"github"`
	Egress    Egress          `yaml:"egress"`
	Budget    Budget          `yaml:"budget"`
	Retention Retention       `yaml:"retention"`
	Shutdown  Shutdown        `yaml:"shutdown"`
	Hooks     map[string]Hook `yaml:"hooks"`

	// Dir is the directory of the file; relative paths in it start there.
	Dir string `yaml:"-"`
	// File is the file's name as given, for messages.
	File string `yaml:"-"`
	// Warnings are what the checks found odd but allowed.
	Warnings []Problem `yaml:"-"`
}

// Admin configures the administrative listener.
type Admin struct {
	// Listen is its address. Default "127.0.0.1:8081". Keys are required when
	// it is not a loopback address. "off" starts none.
	Listen string `yaml:"listen"`
	// Keys are the API keys: on both listeners they are sent as
	// "Authorization: Bearer KEY". At least 16 characters each.
	Keys []Secret `yaml:"keys"`
}

// Queue bounds the work that may wait.
type Queue struct {
	// MaxJobs is the number of unfinished jobs past which new events are
	// refused with 503 and Retry-After. Default 1,000,000.
	MaxJobs int `yaml:"max_jobs"`
	// MinFreeDisk is the free space on the store's disk below which new events
	// are refused with 503. Default 64MiB.
	MinFreeDisk ByteSize `yaml:"min_free_disk"`
}

// Claude configures the Claude API.
type Claude struct {
	APIKey Secret `yaml:"api_key"`
	// AdminKey is an Admin API key ("sk-ant-admin..."), with which the account's
	// rate limits are read at the start and every five minutes; it is used for
	// nothing else. Optional, and only organisations have them: without one,
	// limits come from Limits and from response headers. A rate under Limits
	// bounds what is read.
	AdminKey Secret `yaml:"admin_key"`
	// BaseURL is the API's origin. Default "https://api.anthropic.com".
	BaseURL string `yaml:"base_url"`
	// Models names tiers; a hook's model is a tier or an exact model id.
	// Default: haiku claude-haiku-5-5, sonnet claude-sonnet-5-5, opus
	// claude-opus-5-5. A tier that the file names replaces the default of that
	// name and leaves the others.
	Models map[string]string `yaml:"models"`
	// Limits are the account's rates per tier (or model id). What is left out
	// is learned from response headers.
	Limits map[string]Limits `yaml:"limits"`
	// MaxShare bounds the share of the jobs that rules may send to a tier (or
	// model id), however many ask for it: {opus: 5%} is ten of any 200 jobs in a
	// row, of all hooks together. A job that a route sends there over the share
	// goes to its hook's own model, and says so; nothing waits. Hooks whose own
	// model it is, and escalations, are counted and not held.
	MaxShare map[string]Percent `yaml:"max_share"`
	// CacheWarming says who writes a system prompt to the prompt cache that is
	// not in it: "one" (default) job does, and the others with that system
	// prompt wait until its answer begins and read it for a fraction of the
	// price; or "all" of them, which never wait and pay more.
	CacheWarming string `yaml:"cache_warming"`
	// MaxInFlight is how many calls may be open at once, all lanes together.
	// Default 64.
	MaxInFlight int `yaml:"max_in_flight"`
	// Timeout bounds one call from first to last byte. Default 10m.
	Timeout Duration `yaml:"timeout"`
	// IdleTimeout is how long a stream may say nothing. Default 60s.
	IdleTimeout Duration `yaml:"idle_timeout"`
	// Batch bounds the use of Message Batches, for hooks with lane: batch or
	// spill.
	Batch Batch `yaml:"batch"`
}

// Batch bounds the use of Message Batches
// (https://platform.claude.com/docs/en/api/rate-limits).
type Batch struct {
	// Collect is how long requests gather before they are sent together.
	// Default 1m.
	Collect Duration `yaml:"collect"`
	// MaxRequests is how many requests one batch has at most. Default 10,000;
	// the API takes 100,000.
	MaxRequests int `yaml:"max_requests"`
	// MaxBytes is how large one batch is at most. Default 32MiB; the API takes
	// 256 MB. A batch is held in memory while it is sent.
	MaxBytes ByteSize `yaml:"max_bytes"`
	// MaxQueued is how many requests may be in batches that have not ended.
	// Default 200,000, the account's limit in the Start tier.
	MaxQueued int `yaml:"max_queued"`
	// RequestsPerMinute is the rate at which the endpoints of batches are
	// called. Default 300; the account's limit in the Start tier is 1,000.
	RequestsPerMinute int `yaml:"requests_per_minute"`
}

// Limits are the rates of one model class.
type Limits struct {
	RequestsPerMinute     int64 `yaml:"requests_per_minute"`
	InputTokensPerMinute  int64 `yaml:"input_tokens_per_minute"`
	OutputTokensPerMinute int64 `yaml:"output_tokens_per_minute"`
}

// GitHub configures the GitHub REST API.
type GitHub struct {
	// APIURL is its root. Default "https://api.github.com".
	APIURL string `yaml:"api_url"`
	// Token is a fine-grained personal access token; App is the alternative.
	Token Secret     `yaml:"token"`
	App   *GitHubApp `yaml:"app"`
}

// GitHubApp configures authentication as a GitHub App; installation tokens are
// made for one repository at a time.
type GitHubApp struct {
	ID         int64  `yaml:"id"`
	PrivateKey Secret `yaml:"private_key"` // PEM, PKCS #1 or PKCS #8
}

// Egress configures where outbound requests may go.
type Egress struct {
	// Allow lists private destinations that outbound requests may reach all
	// the same: "127.0.0.1:9000", "10.1.0.0/16", "ci.internal:443". Default none.
	Allow []string `yaml:"allow"`
	// Proxy is the forward proxy of all outbound requests: an http, https or
	// socks5 URL, or "environment" for HTTPS_PROXY and NO_PROXY. Default none:
	// the environment is ignored.
	Proxy string `yaml:"proxy"`
}

// Budget bounds the money that calls may cost: all of them, or those of a hook.
//
// Before a job is admitted, the most that its call can cost is reserved: its
// prompt at one token for two bytes, max_tokens of answer, at the dearest price
// that may apply. It is settled by the real usage, and the rest is given back.
// So a budget holds however many calls are under way. A call whose end or usage
// was never seen, because a worker crashed or a stream broke, counts with all
// that was reserved for it. A model whose price is not known reserves nothing:
// check warns, and its calls wait only while a budget is used up.
type Budget struct {
	// DailyUSD is the cap per UTC day, in dollars. Default 0: none.
	DailyUSD float64 `yaml:"daily_usd"`
	// PerTenantUSD is the cap per UTC day of each tenant that the hook's fair_by
	// names. Under a hook only. Default 0: none.
	PerTenantUSD float64 `yaml:"per_tenant_usd"`
	// AtCap is what happens to a job whose call does not fit any more.
	// "hold" (default) keeps it queued with the reason budget until there is
	// room, at the latest the next UTC day. "downgrade" sends it to the next
	// cheaper model: DowngradeTo, or else the first cheaper one of the hook's
	// fallback; where there is none, or not even that fits, it is held. "dead"
	// ends it with the code budget_exhausted. A job whose call alone may cost
	// more than the cap of a whole day ends so in any case.
	AtCap string `yaml:"at_cap"`
	// DowngradeAt is the share of the cap from which on downgrade takes the
	// cheaper model; the rest is left to that. Default 0.8.
	DowngradeAt float64 `yaml:"downgrade_at"`
	// DowngradeTo is the tier or model id that downgrade goes to. Under a hook
	// only.
	DowngradeTo string `yaml:"downgrade_to"`
}

// Retention says how long things are kept once they are over.
type Retention struct {
	Events  Duration `yaml:"events"`  // bodies; default 30d
	Results Duration `yaml:"results"` // jobs, results, calls, deliveries; default 30d
	Dedupe  Duration `yaml:"dedupe"`  // how long a copy is recognised; default 30d, at least 30d
}

// Shutdown says how a stop goes.
type Shutdown struct {
	// Grace is how long calls in flight may finish after SIGTERM before they
	// go back to the queue. Default 20s.
	Grace Duration `yaml:"grace"`
}

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
	// Secrets are all tried, so that one can be rotated. None may be empty.
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
	// MaxAge is how long after the event was accepted attempts are begun.
	// Default 24h; with lane: batch 72h, so that a request that a batch did not
	// get to in its day finds another one.
	MaxAge Duration `yaml:"max_age"`
}

// Respond says how the sender is answered.
type Respond struct {
	// Mode is "async" (default) or "sync": the result if it is ready within
	// Wait, else 202.
	Mode string   `yaml:"mode"`
	Wait Duration `yaml:"wait"` // default 20s in sync mode, at most 60s
}

// A Secret is a credential. It prints as "***"; Reveal gives the text.
type Secret struct{ text string }

// NewSecret makes a Secret of text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text. Call it only where the credential is used.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == "" }

// String returns "***", or nothing for an empty secret.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return "***"
}

// GoString keeps %#v from showing the text.
func (s Secret) GoString() string { return "config.Secret(" + s.String() + ")" }

// Format keeps every other verb of package fmt from showing the text.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		io.WriteString(f, s.GoString()) // a State keeps its own errors
		return
	}
	io.WriteString(f, s.String())
}

// MarshalText keeps encoders from showing the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Duration is a time span in YAML: "30s", "10m", "24h", "30d".
type Duration time.Duration

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Percent is a share in YAML: "5%", "0.5%". As a number it is from 0 to 1.
type Percent float64

// ByteSize is a number of bytes in YAML: 65536, "64KiB", "25MiB".
type ByteSize int64
