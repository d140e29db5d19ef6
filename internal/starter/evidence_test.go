package starter

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/verify"
)

const answers = "Handshakes, acknowledgement and retries"

// evidenceWords explain the last column of the index.
const evidenceWords = `
Every page says how its parts are known: from what the sender itself publishes (its documentation, SDK or source, with
the month or day of reading; what was read was a published copy, which may lag behind the page of today), from requests
that it has really sent, or from somebody else's verifier or guide. What is not confirmed says so, and
` + "`forebay check`" + ` warns of a hook whose scheme is not: try it with a real webhook and ` + "`forebay verify`" + ` first.
`

// inShort is a basis in the index.
func inShort(b verify.Basis) string {
	return map[verify.Evidence]string{
		verify.Official: "the sender, " + b.Read, verify.Captured: "its requests", verify.ThirdParty: "somebody else", verify.Described: "the configuration",
	}[b.Evidence] + map[bool]string{true: "not confirmed"}[b.Evidence == verify.Unconfirmed]
}

// knownFrom says in words how each part of the page is known.
func knownFrom(s verify.Sender) string {
	var b strings.Builder
	b.WriteString("\n## How this is known\n\n")
	if s.Uncertain() {
		fmt.Fprintf(&b, "**The scheme is not confirmed: try it with a real webhook and `forebay verify` before relying on it.**\n\n")
	}
	for _, part := range []struct {
		name  string
		basis verify.Basis
	}{{"Proof, id and type", s.Known.Proof}, {answers, s.Known.Answers}, {"Steps in its console", s.Known.Console}} {
		words := part.basis.Words()
		if part.name == answers && claimsNothing(s) {
			words = "nothing is known"
		}
		fmt.Fprintf(&b, "- %s: %s.\n", part.name, words)
	}
	return b.String()
}

// claimsNothing: the page says nothing about answers that could be wrong.
func claimsNothing(s verify.Sender) bool {
	return s.Ack == verify.Ack{} && len(s.Acks) == 0 && len(s.Shakes) == 0 && s.Retry == ""
}

var aDay = regexp.MustCompile(`20\d\d-\d\d`)

// TestPagesClaimNoDayForWhatWasNotRead: a page names as many days as parts of
// its row were read in what the sender publishes, and none elsewhere.
func TestPagesClaimNoDayForWhatWasNotRead(t *testing.T) {
	t.Parallel()
	for _, s := range verify.Senders() {
		page, err := os.ReadFile(filepath.Join(pages, s.Name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		table, _, _ := strings.Cut(string(page), "## A first hook")
		if problem := wrongDays(s, table); problem != "" {
			t.Errorf("%s: %s", s.Name, problem)
		}
	}
}

func wrongDays(s verify.Sender, page string) string {
	want := 0
	for _, b := range []verify.Basis{s.Known.Proof, s.Known.Console} {
		if b.Evidence == verify.Official {
			want++
		}
	}
	if s.Known.Answers.Evidence == verify.Official && !claimsNothing(s) {
		want++
	}
	if got := len(aDay.FindAllString(page, -1)); got != want {
		return fmt.Sprintf("the page names %d days, and %d parts of the row were read", got, want)
	}
	if !strings.Contains(page, "not confirmed") && s.Uncertain() {
		return "the page does not say that the scheme is not confirmed"
	}
	return ""
}

func TestWrongDaysAreFound(t *testing.T) {
	t.Parallel()
	unread := verify.Sender{Known: verify.Known{Proof: verify.Basis{Evidence: verify.ThirdParty}}}
	if wrongDays(unread, "| Taken from | <https://example.com>, 2026-11-25 |") == "" {
		t.Error("a day for what was not read passes")
	}
	guessed := verify.Sender{Known: verify.Known{Proof: verify.Basis{Evidence: verify.Unconfirmed}}}
	if wrongDays(guessed, "| Proof | HMAC-SHA-256 |") == "" {
		t.Error("a guess that is not called one passes")
	}
}
