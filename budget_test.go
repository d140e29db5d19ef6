package forebay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/internal/governor"
	"github.com/forebayhq/forebay/internal/sqlite"
)

// A spree is many workers that spend on one ledger: they take, raise, call,
// settle, crash and cancel at random.
type spree struct {
	t      *testing.T
	db     *sqlite.DB
	g      *governor.Governor
	excess float64 // what a call costs of what was reserved for it, at most

	mu       sync.Mutex
	rng      *rand.Rand
	now      time.Time
	real     map[event.Account]event.NanoUSD // what was really spent, seen or not
	open     map[string]open                 // by job
	over     map[event.Account]event.NanoUSD // the most that a call cost beyond its reservation
	settled  int
	crashes  int
	refusals int
}

// An open call.
type open struct {
	account  event.Account
	reserved event.NanoUSD
	actual   event.NanoUSD
}

var spreeCaps = map[event.Account]event.NanoUSD{
	{}: 100_000, {Hook: "a"}: 60_000, {Hook: "b"}: 30_000,
	{Hook: "a", Tenant: "x"}: 20_000, {Hook: "a", Tenant: "y"}: 20_000, {Hook: "a", Tenant: "z"}: 20_000,
}

func newSpree(t *testing.T, seed uint64, excess float64) *spree {
	s := &spree{
		t: t, excess: excess, rng: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC),
		real: map[event.Account]event.NanoUSD{}, open: map[string]open{}, over: map[event.Account]event.NanoUSD{},
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Now: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	g, err := governor.New(governor.Options{
		Budget: governor.Budget{Daily: spreeCaps[event.Account{}]},
		Worst: func(_, _ string, input int64, _ time.Time) (event.NanoUSD, bool) {
			return event.NanoUSD(input), true
		},
		Hooks: map[string]governor.Hook{
			"a": {ExtraTokens: 500, Budget: governor.Budget{Daily: spreeCaps[event.Account{Hook: "a"}], PerTenant: 20_000}},
			"b": {ExtraTokens: 500, Budget: governor.Budget{Daily: spreeCaps[event.Account{Hook: "b"}]}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.db, s.g = db, g
	s.queue(240)
	return s
}

// queue stores jobs of two hooks, one of them with tenants.
func (s *spree) queue(n int) {
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < n; i += 16 {
				a := event.Accept{
					Event: event.Event{ID: fmt.Sprint("evt_", i), Hook: "b", Body: make([]byte, 100+i%7*150)},
					Job:   event.JobSpec{ID: fmt.Sprint("job_", i), Lane: "l", Model: "m", Chosen: "hook"},
					Keys:  []event.Key{{Value: fmt.Sprint(i)}}, Now: s.now, ForgetAt: s.now.Add(time.Hour),
				}
				if i%3 > 0 {
					a.Event.Hook, a.Job.Tenant = "a", string("xyz"[i/3%3])
				}
				if _, err := s.db.Accept(context.Background(), a); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// roll is a number from 0 up to n.
func (s *spree) roll(n float64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64() * n
}

func (s *spree) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

const spreeLease = time.Minute

// take admits under the writer, where every account must be within its cap.
func (s *spree) take(worker string) ([]event.Leased, map[string]*governor.Grant) {
	var admitted governor.Admission
	now := s.clock()
	got, err := s.db.Take(context.Background(), event.Take{
		Worker: worker, Now: now, LeaseUntil: now.Add(spreeLease), Max: 3, PerHook: 8,
		Admit: func(d event.Desk) event.Plan {
			s.check(d.Purses)
			admitted = s.g.Admit(d)
			return admitted.Plan
		},
	})
	if err != nil {
		s.t.Error(err)
	}
	return got.Jobs, admitted.Grants
}

// check looks at what the ledger knows. Only where calls cost more than was
// reserved may an account be over its cap.
func (s *spree) check(p event.Purses) {
	for account, cap := range spreeCaps {
		purse := purseOf(p, account)
		if s.excess <= 1 && purse.Total() > cap {
			s.t.Errorf("%+v: %d spent and %d reserved, the cap is %d", account, purse.Spent, purse.Reserved, cap)
		}
	}
}

// purseOf returns the purse of an account, or of all.
func purseOf(p event.Purses, a event.Account) event.Purse {
	if a == (event.Account{}) {
		return p.All()
	}
	return p[a]
}

// accountsOf are the budgets that a call counts against.
func accountsOf(a event.Account) []event.Account {
	return []event.Account{{}, {Hook: a.Hook}, a}
}

// carry takes a job to some end.
func (s *spree) carry(l event.Leased, grant *governor.Grant) {
	account := event.Account{Hook: l.Job.Hook, Tenant: l.Job.Tenant}
	most := max(event.NanoUSD(s.roll(2)*float64(grant.Reserved)), 1)
	if most > grant.Reserved {
		err := s.db.Reserve(context.Background(), event.Reserve{Lease: l.Lease, Now: s.clock(), Amount: most, Fits: func(p event.Purses) bool {
			return s.g.Judge(account, "m", most, p, s.clock()) == (governor.Verdict{})
		}})
		if err != nil { // over the budget
			s.mu.Lock()
			s.refusals++
			s.mu.Unlock()
			s.settle(l, nil, event.Settlement{Dead: &event.Failure{Code: "over"}})
			return
		}
	}
	call := event.Call{ID: "call_" + l.Job.ID + fmt.Sprint(l.Lease.Token), Model: "m", StartedAt: s.clock(), Reserved: most}
	actual := event.NanoUSD(s.roll(s.excess) * float64(most))
	s.mu.Lock()
	s.open[l.Job.ID] = open{account, most, actual}
	s.mu.Unlock()
	if err := s.db.BeginCall(context.Background(), l.Lease, call); err != nil {
		s.t.Error(err)
	}
	s.end(l, call, actual)
}

// end settles the call, mostly.
func (s *spree) end(l event.Leased, call event.Call, actual event.NanoUSD) {
	call.EndedAt, call.Outcome, call.Cost = s.clock(), event.CallOK, &actual
	switch roll := s.roll(1); {
	case roll < 0.1: // the worker dies: nobody sees what the call cost
		s.spent(l.Job.ID)
		s.mu.Lock()
		s.crashes++
		s.mu.Unlock()
		return
	case roll < 0.15:
		s.spent(l.Job.ID)
		if err := s.db.Cancel(context.Background(), l.Job.ID, s.clock()); err != nil {
			s.t.Error(err)
		}
		return
	case roll < 0.3: // it broke off: its usage is what was seen of it
		seen := actual / 2
		call.Outcome, call.Cost, call.Usage = event.CallFailed, &seen, event.Usage{OutputTokens: 1, BilledAsEstimate: true}
		s.settle(l, &call, event.Settlement{Again: &event.Again{}})
	default:
		s.settle(l, &call, event.Settlement{Done: &event.Done{Result: event.Result{Text: "x"}}})
	}
	s.spent(l.Job.ID)
}

// spent counts what a call really cost.
func (s *spree) spent(job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.open[job]
	for i, account := range accountsOf(o.account) {
		if i == 2 && account.Tenant == "" {
			continue
		}
		s.real[account] += o.actual
		s.over[account] = max(s.over[account], o.actual-o.reserved)
	}
	delete(s.open, job)
	s.settled++
}

func (s *spree) settle(l event.Leased, call *event.Call, e event.Settlement) {
	e.Lease, e.Now, e.Call = l.Lease, s.clock(), call
	if err := s.db.Settle(context.Background(), e); err != nil {
		s.t.Error(err)
	}
}

// run spends until nothing goes any more, also of what crashed workers left.
func (s *spree) run(workers int) {
	for range 6 {
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for {
					jobs, grants := s.take(fmt.Sprint("w", w))
					if len(jobs) == 0 {
						return
					}
					for _, l := range jobs {
						s.carry(l, grants[l.Job.ID])
					}
				}
			})
		}
		all.Wait()
		s.mu.Lock()
		s.now = s.now.Add(2 * spreeLease)
		s.mu.Unlock()
	}
}

// purses are what the ledger says in the end.
func (s *spree) purses() (p event.Purses) {
	_, err := s.db.Take(context.Background(), event.Take{Worker: "last", Now: s.clock(), LeaseUntil: s.clock(), Max: 1, PerHook: 100, Admit: func(d event.Desk) event.Plan {
		p = d.Purses
		return event.Plan{}
	}})
	if err != nil {
		s.t.Error(err)
	}
	return p
}

// TestBudgetsHold: whatever workers do at once, no account's real spending
// passes its cap while no call costs more than was reserved for it.
func TestBudgetsHold(t *testing.T) {
	t.Parallel()
	crashes, refusals := 0, 0
	for seed := range uint64(6) {
		s := newSpree(t, seed, 1)
		s.run(6)
		crashes, refusals = crashes+s.crashes, refusals+s.refusals
		s.check(s.purses())
		for account, cap := range spreeCaps {
			if s.real[account] > cap {
				t.Errorf("seed %d: %+v spent %d, the cap is %d", seed, account, s.real[account], cap)
			}
		}
		if s.real[event.Account{}] < spreeCaps[event.Account{}]/5 {
			t.Errorf("seed %d: spent %d in %d calls: too little happened to show anything", seed, s.real[event.Account{}], s.settled)
		}
		if found, err := s.db.Check(context.Background()); err != nil || len(found) > 0 {
			t.Errorf("seed %d: audit: %v %v", seed, found, err)
		}
	}
	if crashes == 0 || refusals == 0 {
		t.Errorf("%d crashes, %d refusals: too little happened to show anything", crashes, refusals)
	}
}

// TestBudgetsOvershoot is the control: calls that cost more than was reserved
// do pass the cap, by no more than the differences of those under way.
func TestBudgetsOvershoot(t *testing.T) {
	t.Parallel()
	const workers, each = 6, 3
	over := false
	for seed := range uint64(4) {
		s := newSpree(t, seed, 4)
		s.run(workers)
		purses := s.purses()
		for account, cap := range spreeCaps {
			spent, bound := purseOf(purses, account).Spent, cap+workers*each*s.over[account]
			if spent > bound {
				t.Errorf("seed %d: %+v spent %d, want at most %d", seed, account, spent, bound)
			}
			over = over || spent > cap
		}
	}
	if !over {
		t.Error("no account passed its cap although calls cost four times what was reserved: the test proves nothing")
	}
}
