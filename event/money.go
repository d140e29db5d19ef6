package event

import "time"

// An Account is whose money is counted: a hook's, or that of one tenant of it.
type Account struct {
	Hook   string
	Tenant string // empty: the hook as a whole, tenants and all
}

// A Purse is what an account has used up of a day's budget.
type Purse struct {
	// Spent is what the calls cost that ended on the day (UTC). A call whose cost
	// is not known, because its end or its usage was never seen, counts with what
	// was reserved for it.
	Spent NanoUSD
	// Reserved is the most that the calls may cost which are admitted and have
	// not ended, those in batches too.
	Reserved NanoUSD
}

// Add returns both together.
func (p Purse) Add(o Purse) Purse {
	return Purse{Spent: p.Spent + o.Spent, Reserved: p.Reserved + o.Reserved}
}

// Total is all that may have been used up.
func (p Purse) Total() NanoUSD { return p.Spent + p.Reserved }

// Purses are the accounts of one day. A hook's own holds its tenants' too.
type Purses map[Account]Purse

// All sums the hooks.
func (p Purses) All() Purse {
	var all Purse
	for account, purse := range p {
		if account.Tenant == "" {
			all = all.Add(purse)
		}
	}
	return all
}

// Reserve counts amount as reserved for an account, and for its hook.
func (p Purses) Reserve(a Account, amount NanoUSD) {
	p[a] = p[a].Add(Purse{Reserved: amount})
	if a.Tenant != "" {
		p.Reserve(Account{Hook: a.Hook}, amount)
	}
}

// A Hold says that the jobs of a tenant in a lane wait for money.
type Hold struct {
	Hook   string
	Lane   string
	Tenant string
	Until  time.Time // zero: until calls under way have ended, which is soon
}

// Reserve asks the ledger to change what is reserved for a job to Amount. If
// that is more than before, Fits is shown the accounts of the job without it,
// and of all other hooks, and says whether Amount fits. It is pure and quick.
type Reserve struct {
	Lease  Lease
	Now    time.Time
	Amount NanoUSD
	Fits   func(Purses) bool
}

// Reuse asks the ledger for the answer to a request that was answered before.
type Reuse struct {
	Lease Lease
	Key   []byte        // a digest of all that the answer depends on, the hook too
	For   time.Duration // how old the answer may be
	Fresh bool          // take none; this job's answer is the one to use again
	Now   time.Time
}

// Reusable is the ledger's answer to Reuse. With no JobID there is none yet: the
// job that asked is the one whose answer others will get.
type Reusable struct {
	JobID  string
	Wait   bool    // that job is calling now; its answer will do
	Result *Result // its answer
}

// A ThriftRow is what was not called for on one day in one hook.
type ThriftRow struct {
	Day        string // UTC, 2026-11-25
	Hook       string
	Answered   int64   // jobs that succeeded with a call of their own
	Superseded int64   // jobs that coalescing replaced by newer ones
	Duplicates int64   // copies of events that made no job
	Reused     int64   // jobs that got the answer of another
	Saved      NanoUSD // what those answers had cost
}

// A TenantCost is the money that one tenant of a hook spent.
type TenantCost struct {
	Account
	Calls     int64
	Unpriced  int64
	Cost      NanoUSD
	Estimated NanoUSD // see CostRow
}
