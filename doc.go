// Package forebay takes webhooks from any sender and turns them into Claude
// answers: verified, on disk before the 202, called at the rate that the account
// allows, delivered as a GitHub comment, a signed callback, a poll or a stream.
//
// [New] wires one server from a configuration, [Server.Run] runs it. This
// package is the only wiring: it knows every part, and no part knows it. It must
// never hold logic that a part could hold.
//
// # The journey of a webhook
//
// A request comes in at POST /hooks/{hook} (routes.go lists every URL).
// internal/ingest bounds its body, lets package verify prove who sent it, asks
// the hook's rule (internal/rule, over internal/payload) whether it matters, and
// hands event, dedupe keys and job to the ledger. The ledger, internal/sqlite,
// writes them in one transaction and says so after the fsync; only then the
// sender reads 202.
//
// internal/work takes jobs. Taking is admission: inside the ledger's transaction
// internal/governor looks at the lanes and says which job may call now. Then the
// journey runs top to bottom (internal/work/journey.go): fix the destinations,
// gather what the prompt needs (internal/gather), render it with everything
// foreign marked as data (internal/prompt), store the call's row, call Claude
// (internal/claude, the only importer of the SDK), and settle: result, usage,
// cost and pending deliveries in one transaction.
//
// internal/deliver works on the outbox by itself: a failed delivery is tried
// again without another call. internal/api and internal/web show all of it.
// Every outbound connection is made by internal/egress. Package event holds the
// words, config the manual, and claudetest is the Claude API as a fake at the
// wire.
package forebay
