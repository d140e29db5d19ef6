// Package api answers those who look: job status with ETag and long poll, live
// streams replayed from the store, lists, costs, lanes, metrics, health, and the
// verbs of the operator.
//
// It must never write except through the Admin verbs, show what a sender wrote to
// anybody but the operator, or answer without an API key where keys are configured.
package api
