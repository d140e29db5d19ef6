// Package verify proves who sent a webhook. Signature schemes are pure
// functions of bytes, headers, URL, secret and time: no I/O, no clock, no
// mutable state.
//
// A sender is a row of data ([Sender]) over a few primitives: a MAC or a public
// key, how the key and the signature are written, what is signed, where the
// timestamp stands. [New] turns a row and a [Config] into a [Verifier]; the few
// senders whose scheme no table can hold have a file of their own. The same row
// signs ([Sign], for tests and fixtures) and explains ([Explain], for the
// person whose webhook was refused).
//
// It must never parse a body before its signature holds (the senders that put
// their signature inside the body get named fields looked up, nothing more),
// compare secrets in variable time, guess a scheme from what the request looks
// like, or allocate in proportion to what an unverified header says.
package verify

import (
	"net/http"
	"time"
)

// A Request is what a scheme looks at.
type Request struct {
	Method string

	// URL is the request's URL or its path and query as received. Only its
	// query is believed: where a sender signs the URL, scheme, host and path
	// come from [Config.PublicURL], never from a Host or X-Forwarded header.
	URL string

	Header http.Header
	Body   []byte // the wire bytes
	Now    time.Time
}

// A Delivery is a request whose signature holds.
type Delivery struct {
	ID       string    // the sender's delivery id; empty where it has none
	IDSigned bool      // the id is covered by the signature
	Type     string    // the event type
	Subject  string    // what it is about, in the sender's terms
	Time     time.Time // when the sender says it happened; zero if it does not
	Payload  []byte    // the JSON of a form body: its JSON field, or the fields as one object; nil: the body itself

	// Body and Query are what may be kept of the request: what came, without the
	// credentials that some senders put there.
	Body  []byte
	Query string

	// Digest is a digest of what was signed, equal for equal signed content
	// under the same secret. Senders that sign nothing get one of the body.
	Digest   []byte
	SecretNo int // which of the secrets, or after them of the public keys, matched

	// Whole: what is signed is the body and nothing else, and no attempt of the
	// sender changes it. Then an equal digest is the same event whatever its id
	// says.
	Whole bool

	// Rotated is what Digest is under each other configured secret, where the body
	// alone is signed: by it the event is known while one secret takes the place of
	// another.
	Rotated [][]byte

	// Thin: an equal digest makes no copy, see [Sender.Thin].
	Thin bool

	// Batch holds the events of a sender that puts several into one body, in
	// order; nil where the body is one event, empty where it could hold some and
	// holds none. See [Delivery.Events].
	Batch []Part

	// Ack is what the sender demands to read if it is not what its row says.
	Ack *Ack

	// Answer is set when the request is a handshake: it is answered with these
	// words and makes no job.
	Answer *Answer

	renewed []string // see Content
}

// A Part is one event of a batch.
type Part struct {
	ID       string
	IDSigned bool // as in Delivery
	Type     string
	Subject  string
	Time     time.Time
	Payload  []byte // its JSON; shares memory with the body
}

// An Answer is what a sender demands to read.
type Answer struct {
	Status      int
	ContentType string
	Header      map[string]string
	Body        []byte
	Name        string // "ping", "url_verification"

	// Confirm is a URL to fetch with GET before the sender starts to send. Its
	// host has been checked against the sender's own; fetch it through a client
	// that guards addresses and follows no redirect.
	Confirm string

	// Offer is the secret that the sender offered in an unauthenticated
	// handshake. It belongs in the configuration once a person has checked
	// where it came from, and in no log.
	Offer string
}

// An Error says why a request was refused. It never contains a secret or the
// expected signature.
type Error struct {
	Code    string // stable; see the Code constants
	Message string
	Hint    string // what to do about it

	// Need names the key that was missing when Code is [CodeKeyUnavailable]:
	// fetch it and verify again.
	Need *KeyRef
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Config says how one hook verifies.
type Config struct {
	Type       string        // a sender's name, or "hmac", "token", "basic", "standardwebhooks"
	Secrets    []string      // all are tried
	PublicKeys []string      // hex, base64 or PEM, as the sender's console shows them
	Tolerance  time.Duration // how far a signed timestamp may be off, either way; zero: the sender's own
	PublicURL  string        // the full URL that the sender calls, for those that sign it

	// For type hmac; Header also for type token, TimestampHeader also for
	// senders that let their user choose it.
	Algorithm, Header, Prefix, Encoding, Signed string
	TimestampHeader, IDHeader, TypeHeader       string

	// For senders that ask for more.
	Issuer      string   // JWT: the iss claim
	Audience    string   // JWT: the aud claim
	JWKSURL     string   // JWT: where the key set is
	Email       string   // Google Pub/Sub: the service account that signs
	Topics      []string // AWS SNS: the topic ARNs that may send
	VerifyToken string   // Meta: the token of its GET handshake
	WebhookID   string   // PayPal: the id of the webhook, part of what is signed
	KeyID       string   // senders whose keys have a name: LiveKit's API key, Braintree's public key

	// Plaid: the account whose keys are fetched.
	ClientID, ClientSecret string

	// Keys finds keys that senders publish and rotate. Nil: only PublicKeys.
	Keys KeySource
}

// A Verifier verifies the requests of one hook. It is immutable and safe for
// concurrent use.
type Verifier interface {
	// Verify returns the delivery, or an *Error.
	Verify(r Request) (Delivery, error)
	// Sensitive lists the lower-case header names that carry credentials and
	// must not be stored.
	Sensitive() []string
}

// A Greeter is a [Verifier] whose sender also sends requests that carry no
// signature: the challenge that precedes a subscription, a check that the
// endpoint lives. They make no job.
type Greeter interface {
	// Greet returns the answer to such a request, or nil if r is not one.
	Greet(r Request) *Answer
}
