package sqlite

import (
	"context"
	"time"

	"github.com/forebayhq/forebay/event"
)

// What a job has reserved stands on its row and, summed up, in the table purse.
// It goes when the job is settled, cancelled, or taken from a worker that is not
// heard of: every way in which a call can end passes through reserve.

// reserve changes what is reserved for a job.
func (t *tx) reserve(job int64, amount event.NanoUSD) error {
	var account event.Account
	var before int64
	err := t.query("money_job", func(r *row) { _, account.Hook, account.Tenant, before = r.int(), r.text(), r.text(), r.int() }, job)
	more := int64(amount) - before
	if err != nil || more == 0 {
		return err
	}
	if _, err := t.exec("money_set", job, int64(amount)); err != nil {
		return err
	}
	if more > 0 {
		_, err = t.exec("money_add", account.Hook, account.Tenant, more)
		return err
	}
	if err := one(t.exec("money_take", account.Hook, account.Tenant, -more)); err != nil {
		return err
	}
	_, err = t.exec("money_forget", account.Hook, account.Tenant)
	return err
}

// reserved returns what is reserved for a job.
func (t *tx) reserved(job int64) (account event.Account, amount event.NanoUSD, err error) {
	err = t.query("money_job", func(r *row) {
		_, account.Hook, account.Tenant, amount = r.int(), r.text(), r.text(), event.NanoUSD(r.int())
	}, job)
	return account, amount, err
}

// Reserve changes what is reserved for a job that runs. event.ErrBudget: it
// does not fit, and what was reserved before still is.
func (db *DB) Reserve(ctx context.Context, want event.Reserve) error {
	return db.write(ctx, func(t *tx) error {
		h, err := t.fence(want.Lease)
		if err != nil {
			return err
		}
		account, before, err := t.reserved(h.seq)
		if err != nil {
			return err
		}
		if want.Amount > before && want.Fits != nil {
			purses, err := t.purses(want.Now, []event.Account{account})
			if err != nil {
				return err
			}
			purses.less(account, before)
			if !want.Fits(event.Purses(purses)) {
				return event.ErrBudget
			}
		}
		return t.reserve(h.seq, want.Amount)
	})
}

// accounts are purses while they are summed up.
type accounts event.Purses

// add counts for the account, and for its hook.
func (a accounts) add(account event.Account, p event.Purse) {
	a[account] = a[account].Add(p)
	if account.Tenant != "" {
		hook := event.Account{Hook: account.Hook}
		a[hook] = a[hook].Add(p)
	}
}

// less takes back what one job has reserved.
func (a accounts) less(account event.Account, reserved event.NanoUSD) {
	a.add(account, event.Purse{Reserved: -reserved})
}

// purses sums up the day of now: of every hook, and of the tenants that are
// asked for.
func (t *tx) purses(now time.Time, tenants []event.Account) (accounts, error) {
	all := make(accounts)
	today := day(now)
	err := t.scan("money_spent", func(r *row) {
		all[event.Account{Hook: r.text()}] = event.Purse{Spent: event.NanoUSD(r.int())}
	}, today)
	if err != nil {
		return nil, err
	}
	for _, account := range tenants {
		if account.Tenant == "" {
			continue
		}
		err := t.query("money_spent_tenant", func(r *row) {
			all[account] = event.Purse{Spent: event.NanoUSD(r.int())} // counted for the hook already
		}, today, account.Hook, account.Tenant)
		if err != nil {
			return nil, err
		}
	}
	return all, t.scan("money_reserved", func(r *row) {
		all.add(event.Account{Hook: r.text(), Tenant: r.text()}, event.Purse{Reserved: event.NanoUSD(r.int())})
	})
}

// hold stores whose jobs wait for money, and ends the holds of those that were
// shown and do not.
func (t *tx) hold(plan []event.Hold, shown []event.Candidate) error {
	old := make(map[event.Hold]time.Time)
	err := t.query("hold_all", func(r *row) {
		h := event.Hold{Hook: r.text(), Lane: r.text(), Tenant: r.text()}
		old[h] = r.time()
	})
	if err != nil || len(old)+len(plan) == 0 {
		return err
	}
	seen := make(map[event.Hold]bool, len(shown))
	for _, c := range shown {
		seen[event.Hold{Hook: c.Hook, Lane: c.Lane, Tenant: c.Tenant}] = true
	}
	for _, h := range plan {
		until := h.Until
		h.Until = time.Time{}
		delete(seen, h)
		if was, held := old[h]; held && was.Equal(until) {
			continue
		}
		if _, err := t.exec("hold_put", h.Hook, h.Lane, h.Tenant, micros(until)); err != nil {
			return err
		}
	}
	for h := range old {
		if !seen[h] {
			continue
		}
		if _, err := t.exec("hold_end", h.Hook, h.Lane, h.Tenant); err != nil {
			return err
		}
	}
	return nil
}
