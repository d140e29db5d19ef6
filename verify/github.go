package verify

import (
	"net/http"
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

// githubTime returns when the thing that an event is named after was changed
// last. GitHub writes no time of the event itself. Only that thing is looked
// into, near the beginning of the body as a rule.
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
func githubTime(header http.Header, doc []byte) string {
	kind, _ := single(header, "X-Github-Event")
	for _, path := range githubTimes(kind) {
		if at := jsonText(doc, path); at != "" {
			return at
		}
	}
	return ""
}

func githubTimes(kind string) []string {
	switch kind {
	case "push":
		return []string{"head_commit.timestamp", "repository.pushed_at"}
	case "pull_request", "pull_request_review_thread", "pull_request_target":
		return []string{"pull_request.updated_at"}
	case "pull_request_review":
		return []string{"review.submitted_at", "review.updated_at"}
	case "issues", "sub_issues", "issue_dependencies":
		return []string{"issue.updated_at"}
	case "issue_comment", "pull_request_review_comment", "commit_comment", "discussion_comment":
		return []string{"comment.updated_at"}
	case "release":
		return []string{"release.published_at", "release.created_at"}
	case "check_run", "check_suite", "workflow_job":
		return []string{kind + ".completed_at", kind + ".updated_at", kind + ".started_at", kind + ".created_at"}
	case "star":
		return []string{"starred_at"}
	case "fork":
		return []string{"forkee.created_at"}
	case "status":
		return []string{"updated_at"}
	case "deployment_status":
		return []string{"deployment_status.updated_at"}
	case "code_scanning_alert", "dependabot_alert", "secret_scanning_alert", "repository_vulnerability_alert":
		return []string{"alert.updated_at", "alert.created_at"}
	case "repository_advisory", "security_advisory":
		return []string{kind + ".updated_at"}
	case "repository":
		return []string{"repository.updated_at"}
	}
	if kind == "" || len(kind) > 64 || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return nil // the header is not signed, and a path is a language
	}
	return []string{kind + ".updated_at", kind + ".created_at"}
}
