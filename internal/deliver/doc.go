// Package deliver carries out the outward effects of a result: comments,
// signed callbacks, an embedder's functions. It works on the ledger's outbox,
// apart from the calls to Claude.
//
// It must never call Claude, choose a destination (that was fixed before
// Claude was called), send a credential to any origin but its own, or let the
// model's text act: mentions, closing keywords, images and hidden markup are
// made harmless on the way out.
package deliver
