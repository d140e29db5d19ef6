// Package sqlite is the ledger on one machine: events, jobs, calls, results and
// deliveries in one SQLite file, through the pure Go driver modernc.org/sqlite.
//
// What it answers is on disk. The file is in WAL mode with synchronous=FULL,
// set and read back on every connection. One goroutine, the writer, runs all
// writes: it takes the requests that wait, runs them in one transaction,
// commits with one fsync and only then answers them all. Readers have their
// own connections and never wait for it.
//
// Every write of a worker is fenced: it names the token of its lease and
// changes nothing unless the job still runs under that token.
//
// The package must never read a clock inside SQL, answer before the commit,
// go on after a failed fsync, hold rows open while it calls somebody else, or
// run on a network file system.
//
// The SQL is in schema (numbered, only ever added to) and query (one file per
// step of the journey); all of it is prepared when the ledger is opened, so
// that a mistake in it fails the first test.
package sqlite
