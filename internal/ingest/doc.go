// Package ingest is the receiving end: limit the body, verify the signature,
// match the rule, accept in one transaction, answer.
//
// It must never parse a byte before its signature holds, answer 2xx before the
// ledger says that the event is on disk, answer 4xx for a fault of ours, or
// wait for anything but the ledger. It cannot name a driver, a worker or Claude.
package ingest
