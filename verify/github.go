package verify

import (
	"strings"

	"github.com/tidwall/gjson"
)

// githubAbout returns what a GitHub event is about: owner/repo#N for a pull
// request or an issue, else owner/repo. Pull requests and issues begin with
// their own URL, https://api.github.com/repos/OWNER/REPO/pulls/N, so that the
// tens of kilobytes behind it are not read again.
func githubAbout(doc []byte) string {
	for _, path := range [...]string{"pull_request.url", "issue.url"} {
		if subject := githubNumbered(jsonText(doc, path)); subject != "" {
			return subject
		}
	}
	repo := jsonText(doc, "repository.full_name")
	for _, path := range [...]string{"check_run.pull_requests.0.number", "discussion.number"} {
		if repo == "" {
			break
		}
		if n := gjson.GetBytes(doc, path); n.Type == gjson.Number {
			return repo + "#" + n.Raw
		}
	}
	return repo
}

// githubNumbered turns the API's URL of a pull request or issue into owner/repo#N.
func githubNumbered(api string) string {
	_, rest, ok := strings.Cut(api, "/repos/")
	if !ok {
		return ""
	}
	owner, rest, ok1 := strings.Cut(rest, "/")
	repo, rest, ok2 := strings.Cut(rest, "/")
	kind, number, ok3 := strings.Cut(rest, "/")
	if !ok1 || !ok2 || !ok3 || kind != "pulls" && kind != "issues" {
		return ""
	}
	if _, ok := digits(number, 12); !ok {
		return ""
	}
	return owner + "/" + repo + "#" + number
}
