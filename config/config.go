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
