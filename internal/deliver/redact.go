package deliver

import (
	"regexp"
	"strings"
)

// A shape is what the secrets of one kind look like.
type shape struct {
	name    string
	pattern *regexp.Regexp
}

// shapes are the prefixed secrets that their issuers document, and private
// keys. Whole matches are replaced, so the order matters: the more exact first.
var shapes = []shape{
	{"private-key", regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\z)`)},
	{"github-token", regexp.MustCompile(`gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}`)},
	{"anthropic-key", regexp.MustCompile(`sk-ant-[A-Za-z0-9_-]{16,}`)},
	{"api-key", regexp.MustCompile(`\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}`)},
	{"aws-key", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"slack-token", regexp.MustCompile(`xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}`)},
	{"slack-webhook", regexp.MustCompile(`hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}`)},
	{"stripe-key", regexp.MustCompile(`\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"webhook-secret", regexp.MustCompile(`whsec_[A-Za-z0-9+/=_-]{24,}`)},
	{"gitlab-token", regexp.MustCompile(`\bgl(?:pat|dt|rt|cbt|ptt)-[A-Za-z0-9_-]{20,}`)},
	{"google-key", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}`)},
	{"npm-token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}`)},
	{"pypi-token", regexp.MustCompile(`\bpypi-AgE[A-Za-z0-9_-]{50,}`)},
	{"sendgrid-key", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}`)},
	{"twilio-key", regexp.MustCompile(`\bSK[0-9a-f]{32}\b`)},
	{"shopify-token", regexp.MustCompile(`\bshp(?:at|ss|ca|pa)_[A-Fa-f0-9]{32}`)},
	{"digitalocean-token", regexp.MustCompile(`\bdo[opr]_v1_[a-f0-9]{64}`)},
	{"jwt", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`)},
}

// urlPassword is the password of a URL: postgres://user:PASSWORD@host.
var urlPassword = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,100}:)[^\s/@]{3,200}(@)`)

// Redact replaces what has the shape of a secret by a word that names its kind,
// also where markup stands in the middle of it. It cannot know secrets that look
// like ordinary text.
func Redact(text string) string {
	for _, s := range shapes {
		text = s.pattern.ReplaceAllLiteralString(text, "REDACTED-"+s.name)
	}
	return redactSplit(urlPassword.ReplaceAllString(text, "${1}REDACTED${2}"))
}

// redactSplit looks at a text without its markup.
func redactSplit(text string) string {
	bare, at := squeeze(text, isNoMarkup)
	for _, s := range shapes {
		found := s.pattern.FindAllStringIndex(bare, -1)
		if len(found) == 0 {
			continue
		}
		var b strings.Builder
		from := 0
		for _, m := range found {
			b.WriteString(text[from:at[m[0]]] + "REDACTED-" + s.name)
			from = at[m[1]-1] + 1
		}
		text = b.String() + text[from:]
		bare, at = squeeze(text, isNoMarkup)
	}
	return text
}
