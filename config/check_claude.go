package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/forebayhq/forebay/internal/catalog"
)

var tierName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (c *Config) checkClaude(r *report) {
	switch key := c.Claude.APIKey; {
	case key.Empty():
		r.wrong("claude.api_key", "there is no API key for Claude", "write api_key: ${ANTHROPIC_API_KEY}")
	case strings.ContainsFunc(key.Reveal(), notToken):
		r.wrong("claude.api_key", "the API key has a blank or a character that no header can carry", "copy it again from the Claude console")
	}
	if strings.ContainsFunc(c.Claude.AdminKey.Reveal(), notToken) {
		r.wrong("claude.admin_key", "the Admin API key has a blank or a character that no header can carry", "copy it again from the Claude console")
	}
	c.checkURL(r, "claude.base_url", c.Claude.BaseURL, true)
	if strings.Contains(c.Claude.BaseURL, "?") {
		r.wrong("claude.base_url", "base_url has a query", "write the origin alone: "+defaultBaseURL)
	}
	r.oneOf("claude.cache_warming", c.Claude.CacheWarming, "one", "all")
	r.inRange("claude.max_in_flight", int64(c.Claude.MaxInFlight), 1, 10_000)
	r.durationIn("claude.timeout", c.Claude.Timeout, second, hour)
	r.durationIn("claude.idle_timeout", c.Claude.IdleTimeout, second, c.Claude.Timeout)
	c.checkBatch(r)
	for _, tier := range sortedKeys(c.Claude.Models) {
		c.checkTier(r, tier)
	}
	c.checkRates(r)
	c.checkShares(r)
}

func (c *Config) checkTier(r *report, tier string) {
	path, id := "claude.models."+tier, c.Claude.Models[tier]
	if !tierName.MatchString(tier) || strings.HasPrefix(tier, "claude-") {
		r.wrong(path, fmt.Sprintf("%q is no name for a tier", brief(tier)), "use small letters, digits, - and _, not starting with claude-")
	} else if tier == laneBatch {
		r.wrong(path, "batch is the lane of Message Batches and no name for a tier", "choose another name")
	} else if strings.ContainsFunc(id, notToken) || id == "" {
		r.wrong(path, "the model id is empty or has blanks", "write an id such as claude-haiku-5-5")
	}
}

// checkRates checks claude.limits: each key is a tier or a model, and no two
// keys are the same rate class.
func (c *Config) checkRates(r *report) {
	classes := map[string]string{}
	for _, key := range sortedKeys(c.Claude.Limits) {
		path := "claude.limits." + key
		id, ok := c.resolve(key)
		if !ok {
			r.wrong(path, fmt.Sprintf("%q is neither a tier nor a model", brief(key)), c.modelRemedy(key))
			continue
		}
		class := catalog.Class(id)
		if first, again := classes[class]; again {
			r.wrong(path, fmt.Sprintf("%s and %s share one rate", first, key), "keep one of the two")
		}
		classes[class] = key
		l := c.Claude.Limits[key]
		for name, n := range map[string]int64{
			"requests_per_minute": l.RequestsPerMinute, "input_tokens_per_minute": l.InputTokensPerMinute,
			"output_tokens_per_minute": l.OutputTokensPerMinute,
		} {
			if at := path + "." + name; n != 0 || r.has(at) {
				r.inRange(at, n, 1, 1e12)
			}
		}
	}
}

// resolve returns the model id that a tier stands for, or an exact id itself.
func (c *Config) resolve(model string) (id string, ok bool) {
	if id, ok := c.Claude.Models[model]; ok {
		return id, true
	}
	return model, strings.HasPrefix(model, "claude-")
}

// Model returns the model id that a hook's model, a route's or a fallback
// stands for: a tier's id, or the id itself.
func (c *Config) Model(model string) string {
	id, _ := c.resolve(model)
	return id
}

func (c *Config) modelRemedy(model string) string {
	tiers := sortedKeys(c.Claude.Models)
	if near := nearest(model, tiers); near != "" {
		return "did you mean " + near + "?"
	}
	return "write a tier (" + strings.Join(tiers, ", ") + ") or a model id that starts with claude-"
}

func (c *Config) checkGitHub(r *report) {
	c.checkURL(r, "github.api_url", c.GitHub.APIURL, true)
	if strings.ContainsFunc(c.GitHub.Token.Reveal(), notToken) {
		r.wrong("github.token", "the token has a blank or a character that no header can carry", "copy it again from GitHub")
	}
	app := c.GitHub.App
	if app == nil {
		return
	}
	if app.ID <= 0 {
		r.wrong("github.app.id", "the app has no id", "write the number that GitHub shows as App ID")
	}
	if app.PrivateKey.Empty() {
		r.wrong("github.app.private_key", "the app has no private key", "write private_key: \"${file:app.pem}\"")
	} else if err := checkRSA(app.PrivateKey); err != nil {
		r.wrong("github.app.private_key", "the app's private key "+err.Error(), "use the .pem file that GitHub offered: \"${file:app.pem}\"")
	}
	if !c.GitHub.Token.Empty() {
		r.wrong("github.app", "github has both a token and an app", "keep one of the two")
	}
}

// checkRSA checks that key is an RSA private key in PEM, PKCS #1 or PKCS #8.
func checkRSA(key Secret) error {
	block, _ := pem.Decode([]byte(key.Reveal()))
	if block == nil {
		return errors.New("is not in PEM form")
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return errors.New("cannot be read")
	}
	if _, ok := parsed.(*rsa.PrivateKey); !ok {
		return errors.New("is not an RSA key")
	}
	return nil
}
