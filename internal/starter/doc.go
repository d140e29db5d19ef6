// Package starter writes the first configuration for a sender, from its row of
// the table and from what it really sends: the source with the fields that it
// needs, a match on a real event type, a prompt of fields that are there.
//
// The same row, the same fixture and the same words make the sender's page
// under docs/senders. The package must never invent what a row does not say,
// and no secret stands in what it writes: only names of environment variables.
package starter
