package config

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/forebayhq/forebay/internal/gather"
	"github.com/forebayhq/forebay/internal/prompt"
)

var (
	partName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,63}$`)
	repoName  = regexp.MustCompile(`^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$`)
	headerKey = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$") // a token of RFC 9110, 5.6.2
)

// reserved are the names that templates have already.
var reserved = map[string]bool{"event": true, "payload": true, "headers": true, "query": true}

// gather checks the parts that the prompt needs.
func (h *hookCheck) gather() {
	for _, part := range sortedKeys(h.hook.Gather) {
		path, g := h.in("gather."+part), h.hook.Gather[part]
		if !partName.MatchString(part) || reserved[part] {
			h.wrong(path, fmt.Sprintf("%q is no name for a part: templates call it .%s", brief(part), brief(part)), "use letters, digits and _, and none of event, headers, payload, query")
			continue
		}
		h.oneKind(path, map[string]bool{
			"github_pull_files": g.GitHubPullFiles != nil, "http": g.HTTP != nil, "func": g.Func != "",
		})
		h.embedded(path, g.Func)
		if files := g.GitHubPullFiles; files != nil {
			h.pullFiles(path+".github_pull_files", files)
		}
		if get := g.HTTP; get != nil {
			h.httpGet(path+".http", get)
		}
	}
}

// oneKind checks that exactly one of the kinds is set under path.
func (h *hookCheck) oneKind(path string, kinds map[string]bool) {
	var set []string
	for _, kind := range sortedKeys(kinds) {
		if kinds[kind] {
			set = append(set, kind)
		}
	}
	switch {
	case len(set) == 0 && h.saysNothing(path):
		h.wrong(path, "it does not say what kind it is", "write under it "+orList(sortedKeys(kinds)))
	case len(set) > 1:
		h.wrong(path, strings.Join(set, " and ")+" are set at once", "keep one, and give each other one an entry of its own")
	}
}

// embedded says where a function's name means something.
func (h *hookCheck) embedded(path, function string) {
	if function != "" && h.fromFile {
		h.warn(path+".func", "func names what an embedding program registers: forebay serve knows none", "use it only with a program of your own")
	}
}

// saysNothing reports whether no mistake was found under path before: then an
// empty entry is one by itself, not the rest of another.
func (h *hookCheck) saysNothing(path string) bool {
	if len(h.problems) > maxProblems {
		return false // nobody reads on
	}
	for _, p := range h.problems {
		if strings.HasPrefix(p.Path, path+".") {
			return false
		}
	}
	return true
}

func (h *hookCheck) pullFiles(path string, files *GitHubPullFiles) {
	h.inRange(path+".max_tokens", int64(files.MaxTokens), 100, 1_000_000)
	for i, pattern := range files.Exclude {
		if gather.CheckPattern(pattern) != nil {
			h.wrong(fmt.Sprintf("%s.exclude[%d]", path, i), fmt.Sprintf("%q is no path pattern", brief(pattern)), "write docs/** or *.md; a pattern cannot take files back in")
		}
	}
	if h.hook.Source.Type != "github" {
		h.wrong(path, "only events from github have a pull request", "use source: {type: github}, or another kind of part")
	}
	if !h.hasGitHub() {
		h.warn(path, "github has no token: only public repositories can be read, 60 requests an hour", "write github: {token: \"${GITHUB_TOKEN}\"}")
	}
}

// hasGitHub reports whether there are credentials for GitHub, or a mistake in
// them that was reported.
func (h *hookCheck) hasGitHub() bool {
	gh := h.config.GitHub
	return !gh.Token.Empty() || gh.App != nil || !h.sound("github.token") || !h.sound("github.app")
}

func (h *hookCheck) httpGet(path string, get *HTTPGet) {
	h.sizeIn(path+".max_bytes", get.MaxBytes, 1, 16<<20)
	h.durationIn(path+".timeout", get.Timeout, second/10, 2*minute)
	if get.URL == "" {
		h.wrong(path+".url", "there is no URL to get", "write url: https://host/path")
	} else if u, err := prompt.CompileURL("url", get.URL); h.compiled(path+".url", err) {
		h.config.checkURL(h.report, path+".url", u.Origin()+"/", true)
	}
	for _, key := range sortedKeys(get.Headers) {
		at := path + ".headers." + key
		if !headerKey.MatchString(key) {
			h.wrong(at, fmt.Sprintf("%q is no name for a header", brief(key)), "use letters, digits and -")
		} else if strings.ContainsAny(get.Headers[key].Reveal(), "\r\n\x00") {
			h.wrong(at, "the header's value has a line break", "remove it; a file's last newline is removed already")
		}
	}
}

// deliver checks the targets.
func (h *hookCheck) deliver() {
	comments := 0
	for i, t := range h.hook.Deliver {
		path := item(h.in("deliver"), i)
		h.oneKind(path, map[string]bool{
			"github_comment": t.GitHubComment != nil, "callback": t.Callback != nil, "func": t.Func != "",
		})
		h.embedded(path, t.Func)
		if t.GitHubComment != nil {
			comments++
			h.comment(path+".github_comment", t.GitHubComment)
		}
		if t.Callback != nil {
			h.callback(path+".callback", t.Callback)
		}
	}
	if comments > 1 {
		h.wrong(h.in("deliver"), "there are several github_comment targets: each would post the same answer", "keep one")
	}
}

func (h *hookCheck) comment(path string, c *GitHubComment) {
	elsewhere := c.Repo != "" || c.Number != ""
	switch {
	case elsewhere && c.Repo == "":
		h.wrong(path+".repo", "number is set without repo", "write repo: owner/name, or a template")
	case elsewhere && c.Number == "":
		h.wrong(path+".number", "repo is set without number", "write number: a template for the issue's number")
	case elsewhere && len(c.Repos) == 0:
		h.wrong(path+".repos", "the event chooses where the comment goes, and no repository is listed", "write repos: [owner/name], the ones that may be written to")
	case !elsewhere && h.hook.Source.Type != "github" && h.hook.Source.Type != "":
		h.wrong(path, "events from "+h.hook.Source.Type+" are not about an issue or pull request", "write repo, number and repos")
	}
	if c.Repo != "" {
		h.field(path+".repo", c.Repo)
	}
	if c.Number != "" {
		h.field(path+".number", c.Number)
	}
	for i, repo := range c.Repos {
		if at := item(path+".repos", i); !repoName.MatchString(repo) {
			h.wrong(at, h.shown(at, repo)+" is no repository", "write owner/name")
		}
	}
	if !h.hasGitHub() {
		h.wrong(path, "a comment needs GitHub credentials", "write github: {token: \"${GITHUB_TOKEN}\"} at the top of the file, or github: {app: ...}")
	}
}

func (h *hookCheck) callback(path string, c *Callback) {
	h.callbackSecret(path+".secret", c.Secret)
	for i, host := range c.AllowHosts {
		if at := item(path+".allow_hosts", i); !isHost(host) {
			h.wrong(at, h.shown(at, host)+" is not a host", "write the name alone, such as api.example.com")
		}
	}
	switch {
	case c.URL == "":
		h.wrong(path+".url", "the callback has no URL", "write url: https://host/path")
	case !strings.Contains(c.URL, "{{"):
		h.config.checkURL(h.report, path+".url", c.URL, false)
		if len(c.AllowHosts) > 0 {
			h.wrong(path+".allow_hosts", "the URL is fixed: allow_hosts does nothing", "remove allow_hosts")
		}
	case h.field(path+".url", c.URL) && len(c.AllowHosts) == 0:
		h.wrong(path+".allow_hosts", "the event chooses where the callback goes, and no host is listed", "write allow_hosts: [api.example.com], the ones that may be called")
	}
}

// The bounds of a callback's secret: Standard Webhooks asks for 24 to 64 bytes
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
const minCallbackSecret, maxCallbackSecret = 24, 64

func (h *hookCheck) callbackSecret(path string, secret Secret) {
	const remedy = "make one with: echo whsec_$(openssl rand -base64 32)"
	encoded, standard := strings.CutPrefix(secret.Reveal(), "whsec_")
	if secret.Empty() {
		h.wrong(path, "the callback has no secret to sign with", "write secret: \"${CALLBACK_SECRET}\"; "+remedy)
		return
	}
	n := len(secret.Reveal())
	if standard {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			h.wrong(path, "what follows whsec_ is not base64", remedy)
			return
		}
		n = len(key)
		if n > maxCallbackSecret {
			h.wrong(path, fmt.Sprintf("the secret has %d bytes, the most is %d", n, maxCallbackSecret), remedy)
		}
	}
	if n < minCallbackSecret {
		h.wrong(path, fmt.Sprintf("the secret has %d bytes, the least is %d", n, minCallbackSecret), remedy)
	}
}
