package deliver

import (
	"fmt"
	"regexp"
	"strings"
)

// Bots read the raw text of comments. They look for commands and trailers at
// the start of a line, and for their own names anywhere.
var (
	slash   = regexp.MustCompile(`^/[A-Za-z]`)
	merger  = regexp.MustCompile(`(?i)^(?:bors|homu|r\?|r\+|rultor|jenkins|retest|recheck|reverify|rebase|lgtm|ok to test|test this|add to whitelist|run )`)
	trailer = regexp.MustCompile(`(?i)^[a-z]+(?:-[a-z]+)*-by:`)
	command = regexp.MustCompile(`^\s*/[A-Za-z][A-Za-z0-9_-]*(?:\s|$)`)
	botName = regexp.MustCompile(`(?i)@(claude|coderabbitai|copilot|codex|cursor|dependabot|renovate|renovatebot|mergifyio|bors|bors-ng|rustbot|homu|gemini-code-assist|gemini-cli|google-labs-jules|greptileai|sweep|devin-ai-integration|github-actions|k8s-ci-robot|openshift-bot|pull-bot|ellipsis-dev)\b`)
)

// commands makes the start of a line of running text mean nothing to a bot,
// with an escape that people do not see.
func commands(line string) string {
	rest := strings.TrimLeft(line, " \t")
	lead := line[:len(line)-len(rest)]
	switch {
	case slash.MatchString(rest):
		return lead + `\` + rest
	case merger.MatchString(rest), trailer.MatchString(rest):
		return lead + fmt.Sprintf("&#%d;", rest[0]) + rest[1:]
	}
	return line
}

// codeLine makes a line of code mean nothing to a bot. The code stays what it
// is, but for a space before a command and in the name of a bot.
func codeLine(line string) string {
	line = unnamed(line)
	if command.MatchString(line) || trailer.MatchString(line) || (merger.MatchString(line) && len(line) < 40) {
		return " " + line
	}
	return line
}

// unnamed parts a bot's name from its sign.
func unnamed(text string) string { return botName.ReplaceAllString(text, "@ $1") }
