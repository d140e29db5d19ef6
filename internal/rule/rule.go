// Package rule compiles the CEL rules of a configuration: match, coalesce keys
// and routes. Rules see event, payload, headers and query.
//
// Rules are compiled and type-checked when the configuration is loaded, and
// their cost is limited when they run. It must never let a rule do I/O, see a
// secret, or take the process with it.
package rule
