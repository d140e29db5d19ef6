package sqlite

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
)

// spent is a ledger with one call of a tenant that cost 40 and one that was lost.
func spent(t *testing.T) *DB {
	t.Helper()
	db, now := testDB(t, Options{}), time.Now()
	a := acceptance(1, now, []byte("x"))
	a.Job.Tenant = "acme"
	if _, err := db.Accept(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for i, outcome := range []event.CallOutcome{event.CallUnknown, event.CallOK} {
		got, err := db.Take(t.Context(), event.Take{Now: now, LeaseUntil: now.Add(time.Hour), Max: 1, PerHook: 1, Admit: func(event.Desk) event.Plan {
			return event.Plan{Take: []string{"job_1"}, Reserve: map[string]event.NanoUSD{"job_1": 70}}
		}})
		if err != nil || len(got.Jobs) != 1 {
			t.Fatal(got, err)
		}
		l, c := got.Jobs[0].Lease, event.Call{ID: string(rune('a' + i)), Model: "m", StartedAt: now}
		if err := db.BeginCall(t.Context(), l, c); err != nil {
			t.Fatal(err)
		}
		s := event.Settlement{Lease: l, Now: now, Again: &event.Again{}}
		if outcome == event.CallOK {
			c.Outcome, c.Cost, c.Usage, c.EndedAt = outcome, new(event.NanoUSD(40)), event.Usage{InputTokens: 3, OutputTokens: 4}, now
			s.Again, s.Call, s.Done = nil, &c, &event.Done{}
		}
		if err := db.Settle(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// TestAuditOfMoney: check-store finds money that does not add up, and nothing in
// a ledger where it does, calls that are forgotten or not.
func TestAuditOfMoney(t *testing.T) {
	t.Parallel()
	const (
		sums, job, tenants = "sums of a day", "cost is not that of their calls", "tenants spent more"
		purses, idle       = "what their jobs have reserved", "for no call"
	)
	for damage, want := range map[string]string{
		"SELECT 1":         "",
		"DELETE FROM call": job, // and no more than that: the sums outlive the calls
		"DELETE FROM call; DELETE FROM result; DELETE FROM delivery; DELETE FROM job; UPDATE event SET jobs = 0; UPDATE tally SET succeeded = 0": "",
		"UPDATE cost SET cost = cost + 1":                 sums,
		"UPDATE cost SET cost = cost - 1":                 sums,
		"UPDATE cost SET calls = 1":                       sums,
		"UPDATE cost SET unknown_ends = 0":                sums,
		"UPDATE cost SET output = output + 1":             sums,
		"UPDATE cost SET day = '2020-01-01'":              sums,
		"UPDATE call SET cost = 41":                       sums,
		"UPDATE job SET cost = 41":                        job,
		"UPDATE spend SET cost = 41":                      tenants,
		"UPDATE spend SET estimated = 71":                 tenants,
		"UPDATE job SET reserved = 5":                     purses,
		"INSERT INTO purse VALUES ('h', '', 5)":           purses,
		"UPDATE job SET reserved = 5, hook = hook || '2'": idle,
	} {
		db := spent(t)
		if err := db.read(t.Context(), func(c *conn) error {
			if err := c.run(t.Context(), "PRAGMA query_only = 0"); err != nil {
				return err
			}
			return c.run(t.Context(), damage)
		}); err != nil {
			t.Fatalf("%s: %v", damage, err)
		}
		found, err := db.Check(t.Context())
		says := func(f Finding) bool { return strings.Contains(f.Message, want) }
		if err != nil || want == "" && len(found) > 0 || want != "" && !slices.ContainsFunc(found, says) {
			t.Errorf("%s: got %v, %v; want %q", damage, found, err, want)
		}
	}
}
