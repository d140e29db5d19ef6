// Package event holds the words that the whole of Forebay speaks: event, job,
// call, result, delivery, lane, and the requests by which the steps of the
// journey ask the ledger to move them.
//
// It is a leaf. It imports the standard library alone, does no I/O, reads no
// clock and starts no goroutine, so every other package, and every program
// that embeds Forebay, may import it.
//
// All times are UTC. Money is in nano-dollars ([NanoUSD]). Identifiers are
// opaque text, sortable by the time of their creation ([NewID]).
package event
