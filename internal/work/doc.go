// Package work carries a job through the middle of its journey: lease, admit,
// gather, prompt, call Claude, store the result. journey.go reads top to
// bottom; the other files are its steps.
//
// It must never call Claude before the call's row is on disk, keep a paid
// answer in memory only, wait inside a slot for a rate limit, or write without
// its lease.
package work
