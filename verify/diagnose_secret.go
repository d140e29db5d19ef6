package verify

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// secretForms tries the secrets in the forms that people paste them in.
func (h *hook) secretForms(r *Request) []Finding {
	for no, secret := range h.cfg.Secrets {
		for _, form := range formsOf(secret) {
			s, cfg := h.sender, h.cfg
			s.Proof.Key = "text"
			cfg.Secrets = []string{form.key}
			p, err := newProver(s, cfg)
			if err != nil {
				continue
			}
			if _, err := p.prove(r); err == nil {
				return []Finding{{"secret_form", "secret " + itoa(int64(no+1)) + " matches " + form.how}}
			}
		}
	}
	return nil
}

type secretForm struct{ how, key string }

// formsOf lists what a secret may stand for. Some are the result of decoding a
// secret that was copied whole, others undo a decoding that was one too many.
func formsOf(secret string) []secretForm {
	out := []secretForm{
		{"as text, undecoded", secret},
		{"with a line break at its end", secret + "\n"},
		{"with whsec_ in front, which this sender signs with too", "whsec_" + secret},
	}
	if trimmed := strings.Trim(secret, "\"'` \t\r\n"); trimmed != secret && trimmed != "" {
		out = append(out, secretForm{"without its quotes or spaces", trimmed})
	}
	if joined := strings.Join(strings.Fields(secret), ""); joined != secret && joined != "" {
		out = append(out, secretForm{"without the spaces or line breaks in it", joined})
	}
	if plain, err := url.QueryUnescape(secret); err == nil && plain != secret && plain != "" {
		out = append(out, secretForm{"with its %XX and + undone: it was copied out of a URL", plain})
	}
	texts := []string{secret}
	if _, after, ok := strings.Cut(secret, "_"); ok && after != "" {
		out = append(out, secretForm{"without its prefix", after})
		texts = append(texts, after)
	}
	for _, text := range texts {
		out = append(out, decodedForms(text)...)
	}
	return append(out,
		secretForm{"in lower case", strings.ToLower(secret)}, secretForm{"in upper case", strings.ToUpper(secret)},
		secretForm{"encoded as base64: it was decoded once too often", base64.StdEncoding.EncodeToString([]byte(secret))},
		secretForm{"encoded as hexadecimal: it was decoded once too often", hex.EncodeToString([]byte(secret))})
}

func decodedForms(text string) []secretForm {
	var out []secretForm
	if key, ok := decodeBase64(text); ok && len(key) > 0 {
		out = append(out, secretForm{"decoded as base64", string(key)})
	}
	if key, err := hex.DecodeString(text); err == nil && len(key) > 0 {
		out = append(out, secretForm{"decoded as hexadecimal", string(key)})
	}
	return out
}
