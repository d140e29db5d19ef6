package starter

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/internal/fixture"
	"github.com/forebayhq/forebay/verify"
)

var update = flag.Bool("update", false, "rewrite docs/senders")

const (
	pages    = "../../docs/senders"
	notKnown = "not known"
	made     = "<!-- Made from the table of senders: go test ./internal/starter -update -->\n"
)

// placeWords explain the notation of the rows event.id to event.subject.
const placeWords = `The pages say where a part of the event stands as in ` + "`header:X-GitHub-Event`" + `: a header, ` + "`json:`" + ` a field of the
body, ` + "`form:`" + ` a field of a form, ` + "`query:`" + ` a parameter of the URL, ` + "`field:`" + ` the name of the body's first field that ends
so. A bar means the first that is there, a plus that both are joined. ` + "`github:`, `gitlab:`, `telegram:` and `braintree:`" + `
are read by rules of their own: ` + "`github:subject` is `owner/repo#7`, and `github:time`" + ` when the thing that the event is
named after was changed last.
`

// TestPages compares docs/senders with the table: a page per sender, an index,
// and nothing else.
func TestPages(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	var index strings.Builder
	fmt.Fprintf(&index, "# Senders\n\n%s\nWhat each sender needs, signs and expects. %d types of sources.\n\n%s\n| Sender | Type | Proof | Body covered | Acknowledge within | Proof known from |\n| --- | --- | --- | --- | --- | --- |\n", made, len(verify.Types()), evidenceWords+"\n"+placeWords)
	senders := verify.Senders()
	slices.SortStableFunc(senders, func(a, b verify.Sender) int {
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	for _, s := range senders {
		st, err := For(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		want[s.Name+".md"] = page(st)
		fmt.Fprintf(&index, "| [%s](%s.md) | `%s` | %s | %s | %s | %s |\n", s.Title, s.Name, s.Name, algorithm(s), covered(s), deadline(s), inShort(s.Known.Proof))
	}
	want["README.md"] = index.String()
	if *update {
		writePages(t, want)
	}
	files, err := filepath.Glob(pages + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, ok := want[filepath.Base(file)]; !ok {
			t.Errorf("%s is the page of no sender", file)
		}
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(pages, name))
		if err != nil || !bytes.Equal(got, []byte(text)) {
			t.Errorf("docs/senders/%s is not what the table says (%v); run go test ./internal/starter -update and read the difference", name, err)
		}
	}
}

func writePages(t *testing.T, want map[string]string) {
	t.Helper()
	if err := os.RemoveAll(pages); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(pages, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if err := os.WriteFile(filepath.Join(pages, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryRowSaysWhatToRead: a page of the sender's own documentation, or of
// the specification that it follows, and something to do in its console.
func TestEveryRowSaysWhatToRead(t *testing.T) {
	t.Parallel()
	for _, s := range verify.Senders() {
		if slices.Contains([]string{"hmac", "token", "basic"}, s.Name) {
			continue
		}
		if !strings.HasPrefix(s.Source, "https://") {
			t.Errorf("%s: the source %q is no page", s.Name, s.Source)
		}
		if g := s.Guide(); g.Steps == "" || g.Secret == "" {
			t.Errorf("%s: nothing says where to click, or where the secret is from", s.Name)
		}
	}
}

func page(st Starter) string {
	s, g := st.Sender, st.Sender.Guide()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", s.Title, made)
	if s.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", s.Note)
	}
	b.WriteString("| | |\n| --- | --- |\n")
	row := func(name, value string) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, strings.ReplaceAll(orNot(value), "|", `\|`))
	}
	row("Source type", "`"+s.Name+"`")
	row("URL to paste", "`https://YOUR-HOST/hooks/"+st.Hook()+"`")
	row("Where", g.Steps)
	row("Secret", g.Secret)
	row("Secret is written", keyForm(s))
	row("Proof", algorithm(s))
	row("Stands in", proofPlace(s))
	row("What is signed", signedText(s))
	row("Timestamp", timestamp(s))
	row("Body covered", covered(s))
	row("`event.id`", places(s.ID, signedID(s)))
	row("`event.type`", places(s.Type, ""))
	row("`event.time`", places(s.Time, strings.Replace(s.Proof.Stamp, "*", "webhook", 1)))
	row("`event.subject`", places(s.Subject, ""))
	if s.Batch != "" {
		row("Several events in one body", batch(s))
	}
	if len(s.Shakes) > 0 {
		row("Answered without a job", shakes(s))
	}
	row("Acknowledged with", ack(s))
	row("Acknowledge within", deadline(s))
	row("Retries", s.Retry)
	row("Limits", g.Limits)
	if s.Source != "" {
		row("Its documentation", "<"+s.Source+">")
	}
	b.WriteString(knownFrom(s))
	fmt.Fprintf(&b, "\n## A first hook\n\n    forebay init --sender %s\n\nwrites, beside the server's own settings:\n\n```yaml\nhooks:\n  %s:\n%s```\n", s.Name, st.Hook(), st.HookText())
	fmt.Fprintf(&b, "\n## Try it\n\n    %s\n\nWebhooks of this sender:\n\n", st.Trigger())
	for _, f := range fixturesOf(s) {
		fmt.Fprintf(&b, "- `%s`: %s\n", f.Name, f.Title)
	}
	return b.String()
}

func orNot(text string) string {
	if text == "" {
		return notKnown
	}
	return text
}

func keyForm(s verify.Sender) string {
	switch {
	case s.FetchesKeys():
		return "keys are fetched from where the sender publishes them; with `public_keys` they are pinned"
	case s.PrivateKey() != "":
		return "a public key under `public_keys`: hex, base64 or PEM"
	case s.Proof.Scheme == "basic":
		return "`user:password`"
	}
	return map[string]string{"": "as text", "text": "as text", "hex": "in hexadecimal", "base64": "in base64", "whsec": "`whsec_` and base64"}[s.Proof.Key]
}

func algorithm(s verify.Sender) string {
	p := s.Proof
	hash := strings.ToUpper(strings.Replace(p.Algorithm, "sha", "SHA-", 1))
	if hash == "" {
		hash = "SHA-256"
	}
	switch p.Scheme {
	case "hmac", "twilio", "braintree":
		return "HMAC-" + hash
	case "adyen":
		return "HMAC-SHA-256"
	case "hash":
		return hash + " of the secret and the text"
	case "ed25519":
		return "Ed25519"
	case "ecdsa":
		return "ECDSA P-256, " + hash
	case "rsa", "paypal":
		return "RSA, " + hash
	case "aws-sns":
		return "RSA, SHA-1 or SHA-256, as SignatureVersion says"
	case "jwt":
		return "JSON Web Token, " + p.Algorithm
	case "gitlab":
		return "shared token, or HMAC-SHA-256 with a signing token"
	case "basic":
		return "user name and password"
	}
	return "shared token"
}

func proofPlace(s verify.Sender) string {
	p := s.Proof
	var names []string
	for _, header := range p.Headers {
		if len(p.Families) == 0 || !strings.Contains(header, "*") {
			names = append(names, code(header))
			continue
		}
		for _, family := range p.Families {
			names = append(names, code(strings.ReplaceAll(header, "*", family)))
		}
	}
	if len(names) == 0 {
		return "the header that `header` names"
	}
	text := strings.Join(names, " or ")
	if p.Prefix != "" {
		text += " after " + code(p.Prefix)
	}
	encoding := map[string]string{"": "hexadecimal", "hex": "hexadecimal", "base64": "base64", "base64url": "base64url without padding"}[p.Encoding]
	if p.Scheme == "token" || p.Scheme == "basic" || p.Scheme == "jwt" || p.Scheme == "gitlab" {
		encoding = ""
	}
	if encoding != "" {
		text += ", in " + encoding
	}
	if p.List != "" && len(p.Labels) > 0 {
		text += fmt.Sprintf(", in a list separated by %s with the label %s", code(p.List), code(strings.Join(slices.Concat(p.Labels, p.Labels25519), "` or `")))
	} else if p.List != "" {
		text += ", several separated by " + code(p.List)
	}
	return text
}

func signedText(s verify.Sender) string {
	p := s.Proof
	switch p.Scheme {
	case "token", "basic":
		return "nothing: the token travels with the request"
	case "jwt":
		if p.BodyClaim == "" {
			return "the token's claims"
		}
		return "the token's claims; " + code(p.BodyClaim) + " is the SHA-256 of the body"
	case "paypal":
		return code("ID|TIME|WEBHOOK_ID|CRC32 of the body")
	case "aws-sns":
		return "names and values of Message, MessageId, Subject, SubscribeURL, Timestamp, Token, TopicArn and Type, a line each"
	case "adyen":
		return "eight fields of each item, joined by colons"
	case "braintree":
		return "the form's field bt_payload"
	case "gitlab":
		return "with a signing token " + code("{id}.{timestamp}.{body}") + ", with a secret token nothing"
	case "hmac":
		if p.Signed == "" {
			return "what `signed` says"
		}
	}
	return code(strings.ReplaceAll(p.Signed, "\n", `\n`))
}

func timestamp(s verify.Sender) string {
	p := s.Proof
	stamp := p.Stamp
	if s.Name == "hmac" {
		return "where `timestamp_header` says; 5m either way"
	}
	if p.Scheme == "jwt" {
		stamp = "the token's claims"
	}
	if p.Scheme == "gitlab" {
		stamp = "header:webhook-timestamp"
	}
	if stamp == "" {
		return "none"
	}
	if label, ok := strings.CutPrefix(stamp, "sig:"); ok {
		stamp = "the item " + code(label) + " of the signature header"
	} else if strings.Contains(stamp, ":") {
		if len(p.Families) > 0 {
			stamp = strings.Replace(stamp, "*", p.Families[0], 1)
		}
		stamp = code(stamp)
	}
	unit := map[string]string{"": ", in seconds", "s": ", in seconds", "ms": ", in milliseconds", "rfc3339": ", as RFC 3339", "http": ", as an HTTP date", "any": ""}[p.Unit]
	if p.Scheme == "jwt" {
		unit = ""
	}
	if p.Tolerance == 0 {
		return stamp + unit + "; no limit of age unless `tolerance` sets one"
	}
	return stamp + unit + "; " + short(p.Tolerance) + " either way, unless `tolerance` says otherwise"
}

// short is 5m for 5m0s.
func short(d time.Duration) string {
	text := d.String()
	if cut, ok := strings.CutSuffix(text, "m0s"); ok {
		text = cut + "m"
	}
	if cut, ok := strings.CutSuffix(text, "h0m"); ok {
		text = cut + "h"
	}
	return text
}

func covered(s verify.Sender) string {
	if s.BodyUnsigned {
		return "no"
	}
	return "yes"
}

// signedID is where an id stands that is signed along.
func signedID(s verify.Sender) string {
	switch s.Proof.Scheme {
	case "aws-sns":
		return "json:MessageId"
	case "paypal":
		return "header:PAYPAL-TRANSMISSION-ID"
	}
	if id := s.Proof.SignedID; id != "" {
		return "header:" + strings.Replace(id, "*", "webhook", 1)
	}
	return ""
}

// places writes a place of the table for a reader.
func places(place, otherwise string) string {
	if place == "" && otherwise == "" {
		return "none"
	}
	if place == "" {
		place = otherwise
	}
	return "`" + place + "`"
}

func batch(s verify.Sender) string {
	where := "the elements of " + code(s.Batch)
	if s.Batch == "@this" {
		where = "the elements of the body, if it is a list"
	}
	return fmt.Sprintf("%s; in each: id %s, type %s, time %s, subject %s", where, places(s.PartID, ""), places(s.PartType, ""), places(s.PartTime, ""), places(s.PartSubject, ""))
}

func shakes(s verify.Sender) string {
	var names []string
	for _, shake := range s.Shakes {
		if name := code(shake.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func ack(s verify.Sender) string {
	status := s.Ack.Status
	if status == 0 {
		status = 202
	}
	text := fmt.Sprint(status)
	switch {
	case s.Ack.Empty:
		text += " without a body"
	case s.Ack.Body != "":
		text += " and " + code(s.Ack.Body)
	}
	if s.Ack.Refused != 0 {
		text += fmt.Sprintf("; %d for a bad signature", s.Ack.Refused)
	}
	return text
}

func deadline(s verify.Sender) string {
	if s.Ack.Deadline == 0 {
		return notKnown
	}
	return short(s.Ack.Deadline)
}

func code(text string) string { return "`" + text + "`" }

// TestPagesNameTheirWebhooks keeps the pages honest about what can be tried.
func TestPagesNameTheirWebhooks(t *testing.T) {
	t.Parallel()
	for _, f := range fixture.List() {
		name := f.Source
		if name == "" {
			name = "hmac"
		}
		text, err := os.ReadFile(filepath.Join(pages, name+".md"))
		if err != nil || !bytes.Contains(text, []byte("- `"+f.Name+"`")) {
			t.Errorf("docs/senders/%s.md does not name %s (%v)", name, f.Name, err)
		}
	}
}
