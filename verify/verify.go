// Package verify proves who sent a webhook. Signature schemes are pure
// functions of bytes, headers, URL, secret and time: no I/O, no clock, no state.
//
// It must never parse a body before its signature holds, compare secrets in
// variable time, guess a scheme from what the request looks like, or allocate
// in proportion to what an unverified header says.
package verify

import (
	"net/http"
	"time"
)

// A Request is what a scheme looks at.
type Request struct {
	Method string
	URL    string // the full URL that the sender called: the configured one where the scheme signs it
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
	Payload  []byte    // the JSON inside a form body; nil: the body itself
	Digest   []byte    // a digest of what was signed; equal for equal signed content
	SecretNo int       // which of the secrets matched

	// Answer is set when the request is a handshake: it is answered with these
	// words and makes no job.
	Answer *Answer
}

// An Answer is what a sender demands to read.
type Answer struct {
	Status      int
	ContentType string
	Header      map[string]string
	Body        []byte
	Name        string // "ping", "url_verification"
}

// An Error says why a request was refused. It never contains a secret or the
// expected signature.
type Error struct {
	Code    string // stable: signature_missing, signature_malformed, signature_mismatch, timestamp_missing, ...
	Message string
	Hint    string // what to do about it
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// A Config says how one hook verifies.
type Config struct {
	Type       string   // a preset's name, or "hmac", "token", "basic", "standardwebhooks"
	Secrets    []string // all are tried
	PublicKeys []string
	Tolerance  time.Duration // zero: the preset's own
	PublicURL  string

	// For type hmac; Header also for type token.
	Algorithm, Header, Prefix, Encoding, Signed string
	TimestampHeader, IDHeader, TypeHeader       string
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
