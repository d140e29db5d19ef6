package verify

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// A keeper takes out of a request the credentials that a sender puts into its
// body or its URL. Those in headers are for [Verifier.Sensitive].
type keeper struct {
	paths  []string // in the body
	params []string // of the URL
}

// newKeeper finds them in a row of the table.
func newKeeper(s Sender) keeper {
	var k keeper
	if s.Proof.Scheme != "token" {
		return k
	}
	for _, name := range s.Proof.Headers {
		switch kind, path, _ := strings.Cut(name, ":"); kind {
		case inJSON:
			k.paths = append(k.paths, path)
		case inQuery:
			k.params = append(k.params, path)
		}
	}
	if kind, path, _ := strings.Cut(s.PartToken, ":"); kind == inJSON {
		k.paths = []string{s.Batch + ".#." + path}
	}
	return k
}

// body returns doc with other words in the place of credentials, or doc itself.
func (k keeper) body(doc []byte) []byte {
	if len(k.paths) == 0 {
		return doc
	}
	kept := gaps(doc, k.paths)
	if len(kept) == 1 {
		return doc
	}
	var out bytes.Buffer
	for i, one := range kept {
		if i > 0 {
			out.WriteString(`"(not kept)"`)
		}
		out.Write(doc[one.from:one.to])
	}
	return out.Bytes()
}

// query returns the parameters of a URL but for credentials.
func (k keeper) query(raw string) string {
	_, query, _ := strings.Cut(raw, "?")
	query, _, _ = strings.Cut(query, "#")
	if len(k.params) == 0 || query == "" {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err == nil && slices.Contains(k.params, name) {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}
