// Package keys fetches the keys that senders publish and rotate: key sets
// (RFC 7517), certificates, and Plaid's keys by their ids. It keeps them for a
// bounded time in bounded memory, and it is the [verify.KeySource] of a running
// server.
//
// A key is fetched when a request needs one that is not known, once for all
// requests that wait for it. It must never fetch from a place that package
// verify has not checked against the sender's own, follow a redirect, fetch more
// often because strangers send nonsense, or let a sender's outage look like a
// wrong signature.
package keys
