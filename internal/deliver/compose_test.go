package deliver

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/forebayhq/forebay/event"
)

// composed is the comment of an answer and notes.
func composed(text string, notes []string, secrets ...string) string {
	j := event.Job{ID: "job_1", Hook: strings.Repeat("h", 100), Result: &event.Result{Text: text, Model: strings.Repeat("m", 100), Notes: notes}}
	return compose(j, strings.Repeat("x", 350), newKnown(secrets))
}

func TestACommentFitsWhateverItsNotesAre(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"<", "&a", "[x](y)", "@a ", "`|`", "é", "\U0001F600", "a"} {
		answer, note := strings.Repeat(piece, 70_000), strings.Repeat(piece, 600)
		body := composed(answer, slices.Repeat([]string{note}, 40))
		if n := utf8.RuneCountInString(body); n > 65_536 {
			t.Errorf("%q: %d characters, GitHub takes 65,536", piece, n)
		}
		if !strings.Contains(body, "too long for a comment") {
			t.Errorf("%q: nobody is told that it was cut", piece)
		}
	}
	if body := composed("x", slices.Repeat([]string{"12 of 40 files left out"}, 5)); strings.Count(body, "> 12 of 40 files") != 5 {
		t.Errorf("ordinary notes are left out: %s", body)
	}
}

func TestKnownSecretsStayInside(t *testing.T) {
	t.Parallel()
	const secret = "Zx9-quiet/RIVER+stone_42"
	split := func(by string) string { return strings.Join(strings.Split(secret, ""), by) }
	encoded := base64.StdEncoding.EncodeToString([]byte("x-token: " + secret + "\n"))
	for name, text := range map[string]string{
		"plain":         "it is " + secret + ".",
		"in code":       "`" + secret + "`",
		"in a fence":    "```\n" + secret + "\n```",
		"zero width":    split("\u200b"),
		"spaced":        split(" "),
		"lines":         split("\n"),
		"markup":        split("**"),
		"tags":          split("<b></b>"),
		"comments":      split("<!-- -->"),
		"references":    "&#90;x9-quiet/RIVER+stone_4&#x32;",
		"twice encoded": "&amp;#90;x9-quiet/RIVER+stone_42",
		"base64":        encoded,
		"base64 url":    base64.RawURLEncoding.EncodeToString([]byte("ab" + secret)),
		"base64 folded": encoded[:20] + "\n" + encoded[20:],
		"hex":           hex.EncodeToString([]byte(secret)),
		"HEX":           strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"percent":       url.QueryEscape(secret),
		"twice":         secret + secret + " and " + secret,
	} {
		for where, body := range map[string]string{"answer": composed(text, nil, "Bearer "+secret), "note": composed("x", []string{text}, secret)} {
			if where == "note" && (name == "tags" || name == "comments") {
				continue // longer than a note
			}
			if !strings.Contains(body, "REDACTED-secret") {
				t.Errorf("%s in the %s: not found in %q", name, where, body[:min(len(body), 300)])
			}
			for _, left := range []string{secret, "RIVER", hex.EncodeToString([]byte("RIVER")), strings.ToUpper(hex.EncodeToString([]byte("RIVER")))} {
				if strings.Contains(body, left) {
					t.Errorf("%s in the %s: %q is left", name, where, left)
				}
			}
		}
	}
	for _, text := range []string{"nothing to hide", "Zx9-quiet/RIVER", "the-secret is a word"} {
		if body := composed(text, nil, secret, "the-secret", ""); strings.Contains(body, "REDACTED") {
			t.Errorf("%q was redacted", text)
		}
	}
}

func TestSplitShapesAreRedacted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"ghp_0123456789**abcdefghij**ABCDEFGHIJ012345", "ghp_0123`456789abcdefghijABCDEFGHIJ`012345", "ghp\\_0123456789abcdefghijABCDEFGHIJ012345",
		"ghp_0123&#52;56789abcdefghijABCDEFGHIJ012345", "ghp_01<b></b>23456789abcdefghijABCDEFGHIJ012345", "AKIA**IOSF**ODNN7EXAMPLE",
		"> - see `gh`p_0123456789abcdefghijABCDEFGHIJ012345",
	} {
		got := Sanitize(text)
		if !strings.Contains(got, "REDACTED-") || strings.Contains(got, "abcdefghij") || strings.Contains(got, "IOSF") {
			t.Errorf("%q became %q", text, got)
		}
	}
	if body := composed("x", []string{"not seen: `ghp_0123456789abcdefghijABCDEFGHIJ012345`"}); strings.Contains(body, "ghp_0") {
		t.Errorf("a note shows a token: %s", body)
	}
}
