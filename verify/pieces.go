package verify

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// This file holds what single senders compose in ways of their own.

// hubspotURL decodes exactly the characters that HubSpot decodes before it
// signs a URL, and no other.
// https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
func hubspotURL(u string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'",
		"%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";").Replace(u)
}

// contentfulPath is the path with the query escaped twice, as Contentful's
// toolkit for Node writes it.
func contentfulPath(u string) string {
	_, _, _, after := splitURL(u)
	path, query, ok := strings.Cut(after, "?")
	path = orElse(path, "/")
	if !ok {
		return path
	}
	return path + "?" + strings.ReplaceAll(escapeNode(query), "%", "%25")
}

const (
	contentfulList  = "X-Contentful-Signed-Headers"
	contentfulStamp = "x-contentful-timestamp"
)

// contentfulHeaders are the headers that the sender says it signed, sorted. The
// list and the timestamp must be among them, else neither would be proven.
func contentfulHeaders(r *Request) string {
	list, _ := single(r.Header, contentfulList)
	names := strings.Split(strings.ToLower(list), ",")
	if len(list) > maxHeader || len(names) > maxCandidates || !slices.Contains(names, contentfulStamp) || !slices.Contains(names, strings.ToLower(contentfulList)) {
		return ""
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		out = append(out, strings.TrimSpace(name)+":"+strings.TrimSpace(r.Header.Get(name)))
	}
	return strings.Join(out, ";")
}

const hook0Header = "X-Hook0-Signature"

// hook0 returns the names and the values of the headers that a Hook0 signature
// says it covers.
// https://documentation.hook0.com/how-to-guides/secure-webhook-endpoints
func hook0(r *Request, header string) (names, values string) {
	value, _ := single(r.Header, canonical(header))
	if len(value) > maxHeader {
		return "", ""
	}
	for item := range strings.SplitSeq(value, ",") {
		if list, ok := strings.CutPrefix(strings.TrimSpace(item), "h="); ok {
			names = list
		}
	}
	var out []string
	for name := range strings.FieldsSeq(names) {
		if len(out) == maxCandidates {
			break
		}
		out = append(out, r.Header.Get(name))
	}
	return names, strings.Join(out, ".")
}

// plivoText is what Plivo's third version signs: the URL with its parameters
// sorted and decoded, then those of the form, then the nonce.
// https://www.plivo.com/docs/messaging/concepts/signature-validation
func plivoText(r *Request, public string) string {
	called := calledURL(public, r.URL)
	base, _, _ := strings.Cut(called, "?")
	query := sortedPairs(queryOf(called), "=", "&")
	form := ""
	if r.Method != "GET" {
		form = sortedPairs(parseForm(r.Body), "", "")
	}
	if query != "" || form != "" {
		base += "?" + query
	}
	if query != "" && form != "" {
		base += "."
	}
	return base + form + "." + r.Header.Get("X-Plivo-Signature-V3-Nonce")
}

func sortedPairs(v url.Values, equals, separator string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, value := range slices.Sorted(slices.Values(v[name])) {
			out = append(out, name+equals+value)
		}
	}
	return strings.Join(out, separator)
}

// firstField is the name of the first field that is wanted: some senders say by
// the name of a field what their event is.
// https://core.telegram.org/bots/api#update
func firstField(doc []byte, wanted func(name string) bool) string {
	found := ""
	gjson.ParseBytes(doc).ForEach(func(key, _ gjson.Result) bool {
		if wanted(key.Str) {
			found = key.Str
		}
		return found == ""
	})
	return found
}
