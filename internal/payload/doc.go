// Package payload reads the documents that senders send: it checks JSON on the
// way in, and hands single fields of it to rules and whole documents to
// prompts.
//
// Rules and prompts must see the same document. So there is one reading of
// every oddity, and it holds for [Check] and [Value] alike:
//
//   - a name that an object repeats counts once, and its first value wins
//     (RFC 8259, section 4, leaves it open);
//   - a leading byte order mark is skipped (RFC 8259, section 8.1, allows it);
//   - bytes that are not UTF-8 and lone surrogates (\ud800) become U+FFFD;
//   - a number that is written as an integer and fits in 64 bits is an int64;
//     any other number is a float64; what neither can hold (1e400,
//     123456789012345678901234567890) keeps its text, as a [encoding/json.Number].
//
// Code that reads fields of a body for a decision should read them here, and
// not with encoding/json, where the last of two equal names wins and the case
// of names does not count.
//
// Every function takes hostile bytes: none recurses without a bound, panics, or
// allocates more than a small multiple of its input. The package must never do
// I/O, and never look at a body whose signature has not been verified (that is
// its callers' part).
package payload
