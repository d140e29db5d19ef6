package config

import (
	"maps"
	"time"
)

// The defaults that Config documents.
const (
	defaultListen      = ":8080"
	defaultAdminListen = "127.0.0.1:8081"
	defaultStore       = "sqlite:forebay.db"
	defaultIntake      = "store"
	defaultBaseURL     = "https://api.anthropic.com"
	defaultGitHubURL   = "https://api.github.com"

	second = Duration(time.Second)
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
	day    = 24 * hour
)

// defaultModels are the tiers that every configuration has.
func defaultModels() map[string]string {
	return map[string]string{"haiku": "claude-haiku-5-5", "sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5"}
}

// fill sets *p to value if it is zero and the file does not say so itself: an
// explicit zero is left to the checks.
func fill[T comparable](r *report, path string, p *T, value T) {
	var zero T
	if *p == zero && !r.has(path) {
		*p = value
	}
}

func (c *Config) applyDefaults(r *report) {
	fill(r, "listen", &c.Listen, defaultListen)
	fill(r, "admin.listen", &c.Admin.Listen, defaultAdminListen)
	fill(r, "store", &c.Store, defaultStore)
	fill(r, "intake", &c.Intake, defaultIntake)
	fill(r, "queue.max_jobs", &c.Queue.MaxJobs, 1_000_000)
	fill(r, "queue.min_free_disk", &c.Queue.MinFreeDisk, 64<<20)
	fill(r, "github.api_url", &c.GitHub.APIURL, defaultGitHubURL)
	c.Budget.applyDefaults(r, "budget")
	fill(r, "retention.events", &c.Retention.Events, 30*day)
	fill(r, "retention.results", &c.Retention.Results, 30*day)
	fill(r, "retention.dedupe", &c.Retention.Dedupe, 30*day)
	fill(r, "shutdown.grace", &c.Shutdown.Grace, 20*second)
	c.Claude.applyDefaults(r)
	for name, h := range c.Hooks {
		h.applyDefaults(r, "hooks."+name)
		h.Dedupe = h.Dedupe.orDefault(r, "hooks."+name+".dedupe", c.Retention.Dedupe)
		if h.Reconcile > 0 && len(h.Source.Webhooks) == 0 && c.GitHub.App != nil && !r.has("hooks."+name+".source.webhooks") {
			h.Source.Webhooks = []string{"app"}
		}
		c.Hooks[name] = h
	}
}

func (c *Claude) applyDefaults(r *report) {
	fill(r, "claude.base_url", &c.BaseURL, defaultBaseURL)
	fill(r, "claude.cache_warming", &c.CacheWarming, "one")
	fill(r, "claude.max_in_flight", &c.MaxInFlight, 64)
	fill(r, "claude.timeout", &c.Timeout, 10*minute)
	fill(r, "claude.idle_timeout", &c.IdleTimeout, minute)
	fill(r, "claude.batch.collect", &c.Batch.Collect, minute)
	fill(r, "claude.batch.max_requests", &c.Batch.MaxRequests, 10_000)
	fill(r, "claude.batch.max_bytes", &c.Batch.MaxBytes, 32<<20)
	fill(r, "claude.batch.max_queued", &c.Batch.MaxQueued, 200_000)
	fill(r, "claude.batch.requests_per_minute", &c.Batch.RequestsPerMinute, 300)
	models := defaultModels()
	maps.Copy(models, c.Models)
	c.Models = models
}

func (h *Hook) applyDefaults(r *report, path string) {
	fill(r, path+".max_tokens", &h.MaxTokens, 2048)
	fill(r, path+".thinking", &h.Thinking, "auto")
	fill(r, path+".cache", &h.Cache, "5m")
	fill(r, path+".priority", &h.Priority, 5)
	fill(r, path+".weight", &h.Weight, 1)
	h.Budget.applyDefaults(r, path+".budget")
	fill(r, path+".retry.max_attempts", &h.Retry.MaxAttempts, 6)
	age := day
	if h.Lane == "batch" {
		age = 3 * day
	}
	fill(r, path+".retry.max_age", &h.Retry.MaxAge, age)
	if h.Spill != nil {
		fill(r, path+".spill.after", &h.Spill.After, 10*minute)
	}
	fill(r, path+".respond.mode", &h.Respond.Mode, "async")
	if h.Respond.Mode == "sync" {
		fill(r, path+".respond.wait", &h.Respond.Wait, 20*second)
	}
	limit := ByteSize(1 << 20)
	if h.Source.Type == "github" {
		limit = 25 << 20
	}
	fill(r, path+".body_limit", &h.BodyLimit, limit)
	if h.Method == nil && !r.has(path+".method") {
		h.Method = []string{"POST"}
	}
	if h.Coalesce != nil {
		fill(r, path+".coalesce.quiet", &h.Coalesce.Quiet, 30*second)
		fill(r, path+".coalesce.max_wait", &h.Coalesce.MaxWait, 5*minute)
	}
	for part, g := range h.Gather {
		g.applyDefaults(r, path+".gather."+part)
	}
	for i, t := range h.Deliver {
		if t.GitHubComment != nil && t.GitHubComment.Sticky == nil {
			h.Deliver[i].GitHubComment.Sticky = new(true)
		}
	}
}

func (g Gather) applyDefaults(r *report, path string) {
	if files := g.GitHubPullFiles; files != nil {
		fill(r, path+".github_pull_files.max_tokens", &files.MaxTokens, 20_000)
	}
	if get := g.HTTP; get != nil {
		fill(r, path+".http.max_bytes", &get.MaxBytes, 64<<10)
		fill(r, path+".http.timeout", &get.Timeout, 10*second)
	}
}
