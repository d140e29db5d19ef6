package verify

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A gen makes random requests.
type gen struct{ *rand.Rand }

func (g *gen) word(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b strings.Builder
	for range n {
		b.WriteByte(letters[g.IntN(len(letters))])
	}
	return b.String()
}

// text has what JSON, forms and careless middleware treat specially.
func (g *gen) text() string {
	pieces := []string{"é", "漢字", "😀", "\u2028", "<b>&amp;</b>", "a/b\\c", `"q"`, "\n", "\t", "%41+ %", "=&;,", "\x7f", "\u0001", " ", ".", ""}
	var b strings.Builder
	for range g.IntN(6) {
		b.WriteString(pieces[g.IntN(len(pieces))])
		b.WriteString(g.word(g.IntN(12)))
	}
	return b.String()
}

func (g *gen) value(depth int) any {
	switch g.IntN(8) {
	case 0:
		return g.IntN(1 << 30)
	case 1:
		return json.Number("1.50")
	case 2:
		return nil
	case 3:
		return g.IntN(2) == 0
	case 4, 5:
		if depth == 0 {
			return g.text()
		}
		doc := map[string]any{}
		for range g.IntN(6) {
			doc[g.word(1+g.IntN(8))] = g.value(depth - 1)
		}
		return doc
	default:
		return g.text()
	}
}

// body is a JSON object, in one of the notations that senders use, or in forms
// of ten cases a form.
func (g *gen) body(forms int) (body []byte, contentType string) {
	doc := map[string]any{"id": g.word(10), "type": g.word(8)}
	for range g.IntN(8) {
		doc[g.word(1+g.IntN(8))] = g.value(3)
	}
	if g.IntN(10) < forms {
		return []byte(g.form()), "application/x-www-form-urlencoded"
	}
	text, _ := json.Marshal(doc) // values of JSON's own types
	notations := []func([]byte) []byte{
		func(b []byte) []byte { return b }, spacedJSON, asciiJSON, plainHTML,
		func(b []byte) []byte { return indented(b, "  ") },
		func(b []byte) []byte { return append(b, '\n') },
	}
	return notations[g.IntN(len(notations))](text), []string{"application/json", "application/json; charset=utf-8"}[g.IntN(2)]
}

func (g *gen) form() string {
	v := url.Values{}
	for range 1 + g.IntN(6) {
		name := g.word(1 + g.IntN(8))
		for range 1 + g.IntN(2) {
			v.Add(name, g.text())
		}
	}
	return v.Encode()
}

// change does to r what happens to requests on the way, and says what. Half of
// them stay as they are. "": the SDK is not asked about this one.
func (a *agreement) change(i int, cfg Config, r *Request) string {
	changes := a.changes(cfg)
	if i >= 3*len(changes) {
		if a.g.IntN(2) == 0 {
			return "none"
		}
		i = a.g.IntN(len(changes))
	}
	c := changes[i%len(changes)]
	if a.c.spare[c.name] != "" {
		return ""
	}
	c.do(r)
	return c.name
}

type change struct {
	name string
	do   func(*Request)
}

func (a *agreement) changes(cfg Config) []change {
	s, g := chosenRow(a, cfg), a.g
	tolerance := toleranceOf(s.Proof, cfg)
	sig := func(f func(string) string) func(*Request) {
		return func(r *Request) {
			for _, name := range proofHeaders(s, *r) {
				r.Header.Set(name, f(r.Header.Get(name)))
			}
		}
	}
	list := []change{
		{"another body", func(r *Request) { r.Body = g.flipBody(r.Body) }},
		{"a space more", func(r *Request) { r.Body = append(slices.Clone(r.Body), ' ') }},
		{"another secret", func(r *Request) { a.resign(cfg, r) }},
		{"flipped", sig(g.flip)},
		{"cut", sig(func(v string) string { return v[:len(v)-1-g.IntN(len(v)/2)] })},
		{"longer", sig(func(v string) string { return v + g.word(2) })},
		{"no signature", sig(func(string) string { return "" })},
		{"no header", func(r *Request) {
			for _, name := range proofHeaders(s, *r) {
				r.Header.Del(name)
			}
		}},
		{"another name", sig(func(v string) string { return "x" + v })},
		{"capitals", sig(func(v string) string { return capitals(v, s.Proof) })},
	}
	if s.Proof.List != "" && len(s.Proof.Labels) > 0 && a.sdk != "workos" && a.sdk != "sanity" {
		item := s.Proof.Labels[0] + s.Proof.Pair + wrong(s.Proof)
		list = append(list,
			change{"another last", sig(func(v string) string { return v + s.Proof.List + item })},
			change{"another first", sig(func(v string) string { return before(v, item, s.Proof) })})
	}
	if tolerance > 0 {
		list = append(list,
			change{"late", func(r *Request) { r.Now = r.Now.Add(tolerance - time.Duration(2+g.IntN(50))*time.Second) }},
			change{"old", func(r *Request) { r.Now = r.Now.Add(tolerance + time.Duration(2+g.IntN(9000))*time.Second) }},
			change{"future", func(r *Request) { r.Now = r.Now.Add(-tolerance - time.Duration(2+g.IntN(9000))*time.Second) }})
	}
	return list
}

// before puts an item in front of the list, behind a leading timestamp.
func before(v, item string, p Proof) string {
	if !strings.HasPrefix(p.Stamp, inSig) {
		return item + p.List + v
	}
	stamp, rest, _ := strings.Cut(v, p.List)
	return stamp + p.List + item + p.List + rest
}

// wrong is a signature of the right form that nobody made.
func wrong(p Proof) string {
	return encode(make([]byte, 32), orElse(p.Encoding, hexEncoding))
}

// capitals writes a signature in hexadecimal with capital letters; others stay.
func capitals(v string, p Proof) string {
	if orElse(p.Encoding, hexEncoding) != hexEncoding {
		return v + "!"
	}
	at := strings.LastIndexByte(v, '=') + 1
	return v[:at] + strings.ToUpper(v[at:])
}

// flip changes one character of a header's last half, which is signature.
func (g *gen) flip(v string) string {
	at := len(v)/2 + g.IntN(len(v)/2-3)
	c := byte('0')
	if v[at] == '0' {
		c = '1'
	}
	return v[:at] + string(c) + v[at+1:]
}

func (g *gen) flipBody(body []byte) []byte {
	out := slices.Clone(body)
	for range 100 {
		at := g.IntN(len(out))
		if c := out[at]; c >= 'a' && c < 'z' {
			out[at] = c + 1
			return out
		}
	}
	return append(out, 'x')
}

// resign signs with a secret that the verifier does not have.
func (a *agreement) resign(cfg Config, r *Request) {
	other, key, _ := a.config()
	other.PublicURL = cfg.PublicURL
	if key != nil {
		a.flipProof(cfg, r)
		return
	}
	signed, err := Sign(other, SignInput{URL: r.URL, Body: r.Body, Header: http.Header{"Content-Type": r.Header["Content-Type"]}, Now: r.Now, ID: "msg_x"})
	if err != nil {
		a.Fatal(err)
	}
	maps.Copy(r.Header, signed.Header)
	r.Body = signed.Body
}

func (a *agreement) flipProof(cfg Config, r *Request) {
	for _, name := range proofHeaders(chosenRow(a, cfg), *r) {
		r.Header.Set(name, a.g.flip(r.Header.Get(name)))
	}
}
