package verify

import (
	"strings"
	"time"
)

// githubSubject is owner/repo#N where there is a pull request or an issue.
const githubSubject = "github:subject"

// hexHeader is the commonest scheme: the hex HMAC-SHA256 of the body in a header.
func hexHeader(header, prefix string) Proof {
	return Proof{Scheme: "hmac", Headers: []string{header}, Prefix: prefix, Signed: "{body}"}
}

// base64Header is the same in base64.
func base64Header(header, prefix string) Proof {
	p := hexHeader(header, prefix)
	p.Encoding = base64Encoding
	return p
}

// stamped is the scheme that Stripe made common: t=TIME,v1=HEX over TIME.BODY.
func stamped(header, stamp, label string) Proof {
	return Proof{
		Scheme: "hmac", Headers: []string{header}, List: ",", Pair: "=", Labels: []string{label},
		Signed: "{timestamp}.{body}", Stamp: "sig:" + stamp, Tolerance: minutes5,
	}
}

// tokenHeader is a shared secret in a header of its own.
func tokenHeader(header string) Proof {
	return Proof{Scheme: "token", Headers: []string{header}, Choose: []string{"header"}}
}

// bearer is a shared secret as an OAuth bearer token.
func bearer() Proof {
	return Proof{Scheme: "token", Headers: []string{"Authorization"}, Prefix: "Bearer ", Choose: []string{"header", "prefix"}}
}

func basicAuth() Proof {
	return Proof{Scheme: "basic", Headers: []string{"Authorization"}}
}

const tokenNote = "The token proves the sender and nothing about the body."

// code are code hosting, continuous integration and issue trackers.
func code() []Sender {
	github := func(name, title, note string, p Proof) Sender {
		return Sender{
			Name: name, Title: title, Note: note, Proof: p,
			ID: "header:X-GitHub-Delivery", Type: "header:X-GitHub-Event", Time: "github:time", Subject: githubSubject, Form: "payload",
			Shakes: []Shake{{Name: "ping", When: "header:X-GitHub-Event", Is: "ping", Body: "pong"}},
			Ack:    Ack{Deadline: 10 * time.Second}, Retry: "none; redelivered by hand or by API, with the same delivery id",
			Source: "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
		}
	}
	sha256 := hexHeader("X-Hub-Signature-256", "sha256=")
	sha256.Weaker = []string{"X-Hub-Signature"}
	sha1, sha512 := hexHeader("X-Hub-Signature", "sha1="), hexHeader("X-Hub-Signature", "sha512=")
	sha1.Algorithm, sha512.Algorithm = "sha1", "sha512"
	const old = "A retired scheme, for old appliances alone: use github."
	gitea := func(name, title string, families ...string) Sender {
		each := func(header string) string {
			return "header:" + strings.Join(families, header+" | header:") + header
		}
		return Sender{
			Name: name, Title: title,
			Note:  "A form body is signed in its field payload, not as a whole.",
			Proof: Proof{Scheme: "hmac", Families: families, Headers: []string{"*-Signature"}, Signed: "{payload}"},
			ID:    each("-Delivery"), Type: each("-Event"),
			Time: "json:comment.updated_at | json:pull_request.updated_at | json:issue.updated_at | json:release.published_at | json:head_commit.timestamp | json:commits.0.timestamp", Subject: `json:repository.full_name + "#" + json:number | json:repository.full_name + "#" + json:issue.number | json:repository.full_name`, Form: "payload",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "none by default",
			Source: "https://docs.gitea.com/usage/webhooks",
		}
	}
	return append([]Sender{
		github("github", "GitHub", "", sha256),
		github("github-sha1", "GitHub with SHA-1", old, sha1),
		github("github-sha512", "GitHub-compatible with SHA-512", old, sha512),
		gitea("gitea", "Gitea", "X-Gitea", "X-Forgejo", "X-Gogs"),
		gitea("forgejo", "Forgejo", "X-Forgejo", "X-Gitea"),
		gitea("gogs", "Gogs", "X-Gogs"),
		{
			Name: "gitlab", Title: "GitLab",
			Note: "A signing token (whsec_...) signs the body; a secret token only names the sender.",
			// The scheme is gitlab.go's; the row names what both kinds send.
			Proof: Proof{Scheme: "gitlab", Headers: []string{gitlabToken}, Encoding: plainEncoding, Tolerance: minutes5},
			ID:    "header:Idempotency-Key | header:X-Gitlab-Event-UUID", Type: "header:X-Gitlab-Event", Time: "json:object_attributes.updated_at | json:object_attributes.finished_at | json:object_attributes.created_at | json:build_finished_at | json:build_started_at | json:build_created_at | json:commits.0.timestamp",
			Subject:      "gitlab:subject",
			BodyUnsigned: true,
			Ack:          Ack{Deadline: 10 * time.Second}, Retry: "4 failures in a row disable the webhook for a time, 40 for good",
			Source: "https://docs.gitlab.com/user/project/integrations/webhooks/",
		},
		{
			Name: "bitbucket", Title: "Bitbucket Cloud", Proof: hexHeader("X-Hub-Signature", "sha256="),
			ID: "header:X-Request-UUID", Type: "header:X-Event-Key", Time: "header:X-Event-Time", Subject: `json:repository.full_name + "#" + json:pullrequest.id | json:repository.full_name`,
			Ack: Ack{Deadline: 10 * time.Second}, Retry: "twice",
			Source: "https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
		},
		{
			Name: "bitbucket-server", Title: "Bitbucket Data Center", Proof: hexHeader("X-Hub-Signature", "sha256="),
			ID: "header:X-Request-Id", Type: "header:X-Event-Key", Time: "json:date", Subject: `json:pullRequest.toRef.repository.project.key + "/" + json:pullRequest.toRef.repository.slug + "#" + json:pullRequest.id | json:repository.project.key + "/" + json:repository.slug | json:repository.slug`,
			Shakes: []Shake{{Name: "diagnostics:ping", Before: true, When: "header:X-Event-Key", Is: "diagnostics:ping", Unless: "header:X-Hub-Signature"}},
			Source: "https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html",
		},
		{
			Name: "jira", Title: "Jira Cloud", Proof: hexHeader("X-Hub-Signature", "sha256="),
			ID: "header:X-Atlassian-Webhook-Identifier", Type: "json:webhookEvent", Time: "json:timestamp", Subject: "json:issue.key | json:project.key",
			Retry:  "on time-outs, 408, 409, 425, 429 and 5xx",
			Source: "https://developer.atlassian.com/cloud/jira/platform/webhooks/",
		},
		{
			Name: "azure-devops", Title: "Azure DevOps", Note: tokenNote, Proof: basicAuth(), BodyUnsigned: true,
			ID: "json:id", Type: "json:eventType", Time: "json:createdDate", Subject: "json:resource.workItemId | json:resource.pullRequestId | json:resource.id",
			Source: "https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks",
		},
	}, builds()...)
}

// builds are continuous integration, monitoring and alerts.
func builds() []Sender {
	vercel := hexHeader("X-Vercel-Signature", "")
	vercel.Algorithm = "sha1"
	versions := func(header string) Proof {
		return Proof{Scheme: "hmac", Headers: []string{header}, List: ",", Pair: "=", Labels: []string{"v1"}, Signed: "{body}"}
	}
	linear := hexHeader("Linear-Signature", "")
	linear.Stamp, linear.Unit, linear.Tolerance = "json:webhookTimestamp", unitMillis, time.Minute
	buildkite := stamped("X-Buildkite-Signature", "timestamp", "signature")
	rootly := stamped("X-Rootly-Signature", "t", "v1")
	rootly.Signed = "{timestamp}{body}" // no dot between them, unlike Stripe
	grafana := hexHeader("X-Grafana-Alerting-Signature", "")
	grafana.Choose = []string{"header", "timestamp_header"}
	return []Sender{
		{
			Name: "linear", Title: "Linear", Proof: linear,
			ID: "header:Linear-Delivery", Type: `header:Linear-Event + "." + json:action | json:type`, Time: "json:createdAt", Subject: "json:data.identifier | json:data.id",
			Ack: Ack{Status: 200, Deadline: 5 * time.Second}, Retry: "after 1 minute, 1 hour, 6 hours",
			Source: "https://linear.app/developers/webhooks#securing-webhooks",
		},
		{
			Name: "sentry", Title: "Sentry", Proof: hexHeader("Sentry-Hook-Signature", ""),
			ID: "header:Request-ID", Type: `header:Sentry-Hook-Resource + "." + json:action | header:Sentry-Hook-Resource`, Time: "header:Sentry-Hook-Timestamp",
			Subject: "json:data.issue.shortId | json:data.issue.id | json:data.event.issue_id | json:data.issue_id",
			Ack:     Ack{Deadline: time.Second}, Retry: "none; 1000 timeouts in 24 hours end the subscription",
			Source: "https://docs.sentry.io/integrations/integration-platform/webhooks/",
		},
		{
			Name: "pagerduty", Title: "PagerDuty", Proof: versions("X-PagerDuty-Signature"),
			ID: "json:event.id", Type: "json:event.event_type", Time: "json:event.occurred_at", Subject: "json:event.data.id",
			Ack: Ack{Deadline: 5 * time.Second}, Retry: "for up to 48 hours on time-outs, 5xx and 429; any other 4xx ends the delivery, and 3 ended in a row disable the subscription for 24 hours",
			Source: "https://developer.pagerduty.com/docs/verifying-webhook-signatures",
		},
		{
			Name: "circleci", Title: "CircleCI", Proof: versions("Circleci-Signature"),
			ID: "json:id", Type: "header:Circleci-Event-Type | json:type", Time: "json:happened_at", Subject: "json:project.slug",
			Ack: Ack{Deadline: 10 * time.Second}, Retry: "several times",
			Source: "https://circleci.com/docs/outbound-webhooks/#validate-webhooks",
		},
		{
			Name: "buildkite", Title: "Buildkite with a signature", Proof: buildkite,
			ID: "header:X-Buildkite-Request", Type: "header:X-Buildkite-Event | json:event", Subject: `json:pipeline.slug + "#" + json:build.number`,
			Source: "https://buildkite.com/docs/apis/webhooks/pipelines#webhook-signature",
		},
		{
			Name: "buildkite-token", Title: "Buildkite with a token", Note: tokenNote, Proof: tokenHeader("X-Buildkite-Token"), BodyUnsigned: true,
			ID: "header:X-Buildkite-Request", Type: "header:X-Buildkite-Event | json:event", Time: "json:job.finished_at | json:build.finished_at | json:build.started_at | json:build.created_at", Subject: `json:pipeline.slug + "#" + json:build.number`,
			Source: "https://buildkite.com/docs/apis/webhooks/pipelines#webhook-token",
		},
		{
			Name: "vercel", Title: "Vercel", Proof: vercel,
			ID: "json:id", Type: "json:type", Time: "json:createdAt", Subject: "json:payload.deployment.id | json:payload.project.id",
			Ack: Ack{Deadline: 30 * time.Second}, Retry: "for up to 24 hours",
			Source: "https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks",
		},
		{
			Name: "netlify", Title: "Netlify",
			Proof: Proof{Scheme: "jwt", Algorithm: "HS256", Headers: []string{"X-Webhook-Signature"}, Encoding: plainEncoding, Issuer: "netlify", BodyClaim: "sha256", NoExpiry: true},
			ID:    `json:id + "/" + json:state`, Type: "header:X-Netlify-Event | json:state", Time: "json:updated_at", Subject: "json:site_id | json:name",
			Source: "https://docs.netlify.com/site-deploys/notifications/#payload-signature",
		},
		{
			Name: "heroku", Title: "Heroku", Proof: base64Header("Heroku-Webhook-Hmac-SHA256", ""),
			ID: "json:webhook_metadata.delivery.id", Type: "json:webhook_metadata.event.include", Time: "json:created_at", Subject: "json:data.app.name",
			Retry:  "none at the level notify, for up to 72 hours at the level sync",
			Source: "https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests",
		},
		{
			Name: "datadog", Title: "Datadog", Note: tokenNote + " Add the header in the webhook's custom headers.", Proof: bearer(), BodyUnsigned: true,
			ID: "json:id", Type: "json:event_type | json:alert_transition", Time: "json:date | json:last_updated", Subject: "json:alert_id | json:title",
			Source: "https://docs.datadoghq.com/integrations/webhooks/",
		},
		{
			Name: "grafana", Title: "Grafana Alerting", Proof: grafana,
			Type: "json:status", Subject: "json:groupKey", Time: "json:alerts.0.startsAt",
			Source: "https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/",
		},
		{
			Name: "alertmanager", Title: "Prometheus Alertmanager", Note: tokenNote, Proof: bearer(), BodyUnsigned: true,
			Type: "json:status", Subject: "json:groupKey", Time: "json:alerts.0.startsAt", Retry: "on 5xx",
			Source: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
		},
		{
			Name: "rootly", Title: "Rootly", Proof: rootly,
			ID: "json:event.id", Type: "json:event.type", Time: "json:event.issued_at", Subject: "json:data.id",
			Source: "https://docs.rootly.com/configuration/webhooks",
		},
	}
}
