package deliver

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// leastKnown is how many letters and digits a secret has to have to be looked
// for: shorter ones would be found in ordinary words.
const leastKnown = 16

// known are the secrets of the configuration as they may appear in a text: the
// letters and digits alone of each, plain, in base64, in hexadecimal and
// percent-encoded. No prompt holds a secret on purpose. But a sender may put
// its token into a payload, and what the model has read it can write.
type known []string

func newKnown(secrets []string) known {
	var all known
	for _, secret := range secrets {
		if _, credential, ok := strings.Cut(secret, " "); ok && !strings.Contains(credential, " ") {
			secret = credential // of "Bearer TOKEN"
		}
		if len(secret) < leastKnown {
			continue
		}
		for _, form := range forms(secret) {
			if bare, _ := squeeze(form, isAlnum); len(bare) >= leastKnown {
				all = append(all, bare)
			}
		}
	}
	return all
}

// forms are the ways in which a secret is written.
func forms(secret string) []string {
	inHex := hex.EncodeToString([]byte(secret))
	all := []string{secret, url.QueryEscape(secret), inHex, strings.ToUpper(inHex)}
	for shift := range 3 { // where it stands in a longer text that was encoded
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), secret...))
		all = append(all, encoded[(shift*8+5)/6:len(encoded)-1])
	}
	return all
}

// hide replaces the secrets in a text, whatever stands between their letters
// and digits: spaces, line breaks, markup. Where character references, tags or
// HTML comments hide one, the whole text goes without them.
func (k known) hide(text string) string {
	text = k.replace(text)
	plain := bareText(text)
	if hidden := k.replace(plain); hidden != plain {
		return hidden
	}
	return text
}

// bareText is what people see of a text: no character references, no tags.
func bareText(text string) string {
	return tags.ReplaceAllLiteralString(decoded(comments.ReplaceAllLiteralString(text, "")), "")
}

func (k known) replace(text string) string {
	bare, at := squeeze(text, isAlnum)
	for _, secret := range k {
		i := strings.Index(bare, secret)
		if i < 0 {
			continue
		}
		var b strings.Builder
		from := 0
		for i >= 0 {
			b.WriteString(text[from:at[i]] + "REDACTED-secret")
			from = at[i+len(secret)-1] + 1
			next := strings.Index(bare[i+len(secret):], secret)
			if next < 0 {
				break
			}
			i += len(secret) + next
		}
		text = b.String() + text[from:]
		bare, at = squeeze(text, isAlnum)
	}
	return text
}

// squeeze keeps some bytes of a text and says where each stood.
func squeeze(text string, keep func(byte) bool) (bare string, at []int) {
	var b strings.Builder
	for i := range len(text) {
		if keep(text[i]) {
			b.WriteByte(text[i])
			at = append(at, i)
		}
	}
	return b.String(), at
}

// isNoMarkup reports what is left of a text when marks that people do not see
// are taken out: emphasis, code, escapes.
func isNoMarkup(c byte) bool { return c != '*' && c != '`' && c != '\\' && c != '~' }
