package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/internal/github"
)

// maxWebhooks bounds the webhooks that one hook reconciles.
const maxWebhooks = 100

// reconcile checks how missed deliveries are found.
func (h *hookCheck) reconcile() {
	path, list := h.in("reconcile"), h.in("source.webhooks")
	webhooks := h.hook.Source.Webhooks
	if h.hook.Reconcile == 0 && !h.has(path) {
		if len(webhooks) > 0 {
			h.wrong(list, "webhooks are named, but nothing is reconciled", "write reconcile: 5m in the hook, or remove webhooks")
		}
		return
	}
	h.durationIn(path, h.hook.Reconcile, minute, day)
	if !strings.HasPrefix(h.hook.Source.Type, "github") {
		h.wrong(path, "only GitHub lists what it could not deliver", "remove reconcile")
		return
	}
	switch {
	case !h.hasGitHub():
		h.wrong(path, "GitHub's list of deliveries needs a credential", "write github: {token: \"${GITHUB_TOKEN}\"} at the top of the file, or github: {app: ...}")
	case len(webhooks) == 0 && h.sound(list):
		h.wrong(path, "it is not known which webhook sends here", "write source: {webhooks: [OWNER/REPO]}, with the repository or organisation whose webhook it is")
	case len(webhooks) > maxWebhooks:
		h.wrong(list, fmt.Sprintf("there are %d webhooks, the most is %d", len(webhooks), maxWebhooks), "use the webhook of an organisation or an App")
	}
	for i, text := range webhooks {
		h.webhook(item(list, i), text)
		if slices.Contains(webhooks[:i], text) {
			h.wrong(item(list, i), text+" is listed twice", "keep one")
		}
	}
}

func (h *hookCheck) webhook(path, text string) {
	const remedy = "write OWNER/REPO, ORGANISATION, OWNER/REPO#ID or app"
	ref, err := github.ParseWebhook(text)
	switch {
	case err != nil:
		h.wrong(path, h.shown(path, text)+": "+err.Error(), remedy)
	case ref.App && h.config.GitHub.App == nil && h.sound("github.app"):
		h.wrong(path, "there is no github.app whose webhook this could be", remedy)
	}
}
