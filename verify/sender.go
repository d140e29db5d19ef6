package verify

import (
	"slices"
	"strings"
	"time"
)

// A Sender is one row of the table: everything that is particular to one
// service. Places are written as in "header:X-GitHub-Event" or
// "json:event.id"; " | " gives an alternative, " + " joins.
type Sender struct {
	Name  string // what a configuration says: "github"
	Title string // what people say: "GitHub"
	Note  string // what an operator must know; empty for most

	Proof Proof

	// Where the delivery id, the event type, the time and the subject are.
	ID, Type, Time, Subject string

	// Form names the field of a form body that holds the JSON; "*" turns all
	// fields into one JSON object. Empty: bodies are JSON.
	Form string
	// Batch is the path of the array whose elements are events of their own
	// ("@this": the body is the array). PartID, PartType, PartTime and
	// PartSubject are places inside an element.
	Batch                                   string
	PartID, PartType, PartTime, PartSubject string
	// PartToken is the place of an element's own token, where each has one: those
	// that do not show a configured secret are somebody else's and are left out.
	PartToken string

	// CloudEvents: bodies and headers in that form are read as such.
	CloudEvents bool

	// Thin: a notification says that something changed and not what, so that the
	// same bytes come again for the next change: equal bodies are no copies.
	Thin bool

	Shakes []Shake
	Ack    Ack
	Acks   []AckWhen // for deliveries that demand another

	// BodyUnsigned: what proves the sender does not cover the body, so that
	// somebody who has seen one delivery can send another body with it.
	BodyUnsigned bool

	Retry  string // the sender's retry policy
	Source string // what to read: the sender's page, which need not be where the row is from
	Known  Known  // where the row is from, and when that was read
}

// A Proof is how a sender proves that a request is its own.
type Proof struct {
	// Scheme is "hmac", "hash" (a plain hash of secret and text), "ed25519",
	// "ecdsa" (P-256, ASN.1), "rsa" (PKCS #1 v1.5), "jwt", "token", "basic", or
	// the name of a sender with code of its own.
	Scheme string
	// Algorithm is sha1, sha256 (default), sha384 or sha512; for jwt HS256,
	// RS256 or ES256.
	Algorithm string
	// Key is how the secret is written: "text" (default), "base64", "hex",
	// "whsec" (base64 after whsec_, or as text).
	Key string

	// Families are spellings of one header set; "*" in the names below stands
	// for the one that a request uses ("webhook" or "svix" in "*-signature").
	Families []string
	// Headers carry the signature; any of them will do. "#" at the end stands
	// for the numbers from 1. A place ("json:signature.signature") says that
	// the signature is inside the body.
	Headers []string
	// Prefix precedes the signature: "sha256=".
	Prefix string
	// Encoding is hex (default), base64 or base64url.
	Encoding string
	// List is the separator of a header that lists several items, Pair that
	// between an item's label and its value, Labels the labels of signatures.
	List, Pair string
	Labels     []string
	// Labels25519 are labels of Ed25519 signatures in the same list.
	Labels25519 []string

	// Signed is the text that is signed: literals and {body}, {timestamp}, {id},
	// {url} (the configured public URL), {called} (that URL with the query as
	// received), {url:path} (without query), {method}, {payload} (the JSON field
	// of a form, else the body), {PLACE} for anything else.
	Signed string
	// Stamp is the place of the signed timestamp: "header:X-Ts", "sig:t" (a
	// label in the signature header), "json:ts" (checked after the signature).
	Stamp string
	// Unit is s (default), ms, rfc3339, http or any.
	Unit string
	// Tolerance is how far the timestamp may be off, either way.
	Tolerance time.Duration
	// SignedID is the header of a delivery id that is signed along.
	SignedID string
	// Require are headers that must have one value.
	Require map[string]string
	// Weaker are headers of a retired scheme: alone they are not enough.
	Weaker []string

	// Choose lists the Config fields of a generic scheme that this sender lets
	// its users set: "timestamp_header", "header".
	Choose []string
	// Pending: the secret comes with a handshake, so that a hook may start
	// with the word "pending" in its place.
	Pending bool

	// For jwt: the claim that holds a digest of the body, how that is encoded,
	// the issuer that is pinned, the key set, and whether the subject is the URL.
	BodyClaim, ClaimEncoding, Issuer, KeySet string
	SubjectURL, NoExpiry                     bool

	// Demand lists the Config fields without which the proof would prove
	// nothing: "audience", "webhook_id".
	Demand []string
}

// Lookup returns the row of a sender.
func Lookup(name string) (Sender, bool) {
	for _, s := range Senders() {
		if s.Name == name {
			return s, true
		}
	}
	return Sender{}, false
}

// Senders returns the table, sorted by name.
func Senders() []Sender {
	all := slices.Concat(generic(), code(), work(), money(), commerce(), messaging(), platforms(), clouds())
	evidence := known()
	for i := range all {
		all[i].Known = evidence[all[i].Name]
	}
	slices.SortFunc(all, func(a, b Sender) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Types returns the names that a configuration may use, sorted.
func Types() []string {
	var names []string
	for _, s := range Senders() {
		names = append(names, s.Name)
	}
	return names
}
